"""`python -m benchmarks`: measure everything, and print it as Markdown."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.effort import FULL, QUICK, Effort
from benchmarks.fan_out import fan_out
from benchmarks.imports import imports
from benchmarks.install_size import install_size
from benchmarks.layers import layers
from benchmarks.memory import memory
from benchmarks.sharding import sharding
from benchmarks.signing import signing
from benchmarks.versions import versions

SECTIONS: Final[Mapping[str, Callable[[Effort, Path | None], str]]] = {
    "fan-out": fan_out,
    "sharding": lambda effort, _: sharding(effort),
    "layers": lambda effort, _: layers(effort),
    "signing": lambda effort, _: signing(effort),
    "memory": lambda effort, _: memory(effort),
    "imports": lambda effort, _: imports(effort),
    "install-size": lambda _, __: install_size(),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for, and print a report."""
    options = _parser().parse_args(arguments)
    effort = QUICK if options.quick else FULL
    began = time.perf_counter()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {versions()}\n")
    for name in options.only or SECTIONS:
        print(f"{name} …", file=sys.stderr)
        print(SECTIONS[name](effort, options.plot), end="\n\n", flush=True)
    print(f"Measured in {time.perf_counter() - began:.0f} s.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="less than a minute; figures mean little"
    )
    parser.add_argument(
        "--only", action="append", choices=list(SECTIONS), help="measure just this"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="write the fan-out's chart, as SVG"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
