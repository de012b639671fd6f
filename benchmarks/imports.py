"""How long an import takes, in a process of its own each time."""

import sys
from collections.abc import Callable
from typing import Final

from benchmarks.effort import Effort
from benchmarks.markdown import table
from benchmarks.processes import cpu_of
from benchmarks.rounds import Spread, interleaved
from benchmarks.section import Section

_DEPENDENCIES: Final = "import httpx, attrs, cattrs, tenacity"
_STATEMENTS: Final = (
    "import css_snapshot",
    "import css_snapshot; css_snapshot.SnapshotService",
    _DEPENDENCIES,
    "import huaweicloudsdkcss.v1",
)


def imports(effort: Effort) -> Section:
    """Measure, and return the section."""
    rounds = effort.rounds * 2
    samples = interleaved(
        {statement: _importing(statement) for statement in ("pass", *_STATEMENTS)},
        rounds,
    )
    nothing = samples.pop("pass")
    net = {
        statement: [taken - base for taken, base in zip(times, nothing, strict=True)]
        for statement, times in samples.items()
    }
    return Section(
        "Import time",
        f"CPU of a new interpreter less that of an idle one; {rounds} rounds (lowest"
        " to highest). A name loads what it needs when it is first used, so that"
        " the first line alone says little; what a user waits for is the cold"
        " start.",
        [
            table(
                ["", "/ its four libraries", "ms"],
                [
                    [
                        f"`{statement}`",
                        Spread.of_ratios(times, net[_DEPENDENCIES]),
                        Spread.of(times).scaled(1000).rounded,
                    ]
                    for statement, times in net.items()
                ],
            ),
        ],
    )


def _importing(statement: str) -> Callable[[], float]:
    return lambda: cpu_of([sys.executable, "-c", statement])
