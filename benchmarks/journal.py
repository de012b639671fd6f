"""What a journal costs a fan-out, per target."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.effort import Effort
from benchmarks.fleet import LIMIT
from benchmarks.markdown import table
from benchmarks.processes import figures_of
from benchmarks.rounds import Spread, interleaved
from benchmarks.section import Section
from benchmarks.targets import JOURNAL


def journal(effort: Effort) -> Section:
    """Measure, and return the section."""
    number = effort.journalled
    samples = interleaved(
        {
            "create": _cpu("one-by-one", number),
            "without": _cpu("accepted", number),
            "with": lambda: journalled(number)["cpu"] / number,
        },
        effort.rounds,
    )
    cost = [
        more - less
        for more, less in zip(samples["with"], samples["without"], strict=True)
    ]
    share = Spread.of_ratios(cost, samples["create"])
    rows = {
        "a plain `create` over memory": samples["create"],
        f"`fan_out`, {LIMIT} in flight": samples["without"],
        "`fan_out` with a journal": samples["with"],
        "the journal's part": cost,
    }
    return Section(
        "Journal",
        f"CPU per target of {number:,} over a transport in memory, all threads;"
        f" median of {effort.rounds} rounds (lowest to highest), each in a process"
        " of its own.",
        [
            table(
                ["", "µs", "/ a plain `create`"],
                [
                    [
                        name,
                        Spread.of(times).scaled(1e6),
                        Spread.of_ratios(times, samples["create"]),
                    ]
                    for name, times in rows.items()
                ],
            ),
        ],
        {JOURNAL: [share.median]},
    )


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
