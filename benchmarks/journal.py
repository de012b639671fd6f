"""What a journal costs a fan-out, per target."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.effort import Effort
from benchmarks.fleet import LIMIT
from benchmarks.markdown import table
from benchmarks.processes import figures_of
from benchmarks.rounds import Spread, interleaved
from benchmarks.section import Section
from benchmarks.targets import JOURNAL

_CREATE: Final = "a plain `create`, one after the other"
_WITHOUT: Final = "`fan_out`"
_WITH: Final = "`fan_out` with a journal"
_PART: Final = "the journal's part"


def journal(effort: Effort) -> Section:
    """Measure, and return the section."""
    samples = _samples(effort)
    create, part = samples[_CREATE], samples[_PART]
    rows = [
        [name, Spread.of(times).scaled(1e6), Spread.of_ratios(times, create)]
        for name, times in samples.items()
    ]
    return Section(
        "Journal",
        f"CPU per target of {effort.journalled:,} over a transport in memory, all"
        f" threads, {LIMIT} in flight; median of {effort.rounds} rounds (lowest to"
        " highest), each in a process of its own.",
        [table(["", "µs", "/ a plain `create`"], rows)],
        {JOURNAL: [Spread.of_ratios(part, create).median]},
    )


def _samples(effort: Effort) -> dict[str, list[float]]:
    number = effort.journalled
    samples = interleaved(
        {
            _CREATE: _cpu("one-by-one", number),
            _WITHOUT: _cpu("accepted", number),
            _WITH: lambda: journalled(number)["cpu"] / number,
        },
        effort.rounds,
    )
    pairs = zip(samples[_WITH], samples[_WITHOUT], strict=True)
    return {**samples, _PART: [more - less for more, less in pairs]}


def million(number: int = 1_000_000) -> Section:
    """Make a very large run once, and return the section."""
    figures = journalled(number)
    return Section(
        "A million targets",
        "Once, accepted, with a journal, over a transport in memory.",
        [
            table(
                ["targets", "CPU, s", "µs per target", "peak, MiB", "journal, MiB"],
                [
                    [
                        f"{number:,}",
                        f"{figures['cpu']:.0f}",
                        f"{figures['cpu'] / number * 1e6:.0f}",
                        f"{figures['peak'] / 1024:.0f}",
                        f"{figures['journal'] / 1024**2:.0f}",
                    ]
                ],
            ),
        ],
    )


def journalled(number: int) -> dict[str, float]:
    """Return what a run with a journal took, and the journal's size in bytes."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "run.db")
        figures = figures_of("benchmarks.fleet", "accepted", str(number), str(file))
        return {**figures, "journal": file.stat().st_size}


def _cpu(way: str, number: int) -> Callable[[], float]:
    return lambda: figures_of("benchmarks.fleet", way, str(number))["cpu"] / number
