"""`python -m benchmarks`: measure everything, and print it as Markdown."""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.effort import FULL, QUICK
from benchmarks.report import MEASUREMENTS, USUAL, Report
from benchmarks.versions import versions


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for, and print a report."""
    options = _parser().parse_args(arguments)
    began = time.perf_counter()
    report = Report()
    try:
        report.measure(
            options.only or USUAL, QUICK if options.quick else FULL, options.plot
        )
    finally:
        # What took minutes is not lost over what fails after it.
        print(f"{datetime.now(UTC):%Y-%m-%d}, {versions()}\n")
        if options.quick:
            print("Quick: fewer and smaller; it shows that it runs, not how fast.\n")
        print(report, end="\n\n")
    print(f"Measured in {time.perf_counter() - began:.0f} s.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a minute and a half; figures mean little"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=list(MEASUREMENTS),
        help="measure just this; `million` is measured only so",
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="write the fan-out's chart, as SVG"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
