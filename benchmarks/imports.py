"""How long an import takes, in a process of its own each time."""

import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Final

from benchmarks.effort import Effort
from benchmarks.markdown import section, table
from benchmarks.rounds import Spread, interleaved

_OURS: Final = "import css_snapshot"
_DEPENDENCIES: Final = "import httpx, attrs, cattrs, tenacity"
_PEER: Final = "import huaweicloudsdkcss.v1"


def imports(effort: Effort) -> str:
    """Measure, and answer the section."""
    samples = interleaved(
        {
            "pass": _importing("pass"),
            _OURS: _importing(_OURS),
            _DEPENDENCIES: _importing(_DEPENDENCIES),
            _PEER: _importing(_PEER),
        },
        effort.rounds * 2,
    )
    nothing = samples.pop("pass")
    net = {
        statement: [taken - base for taken, base in zip(times, nothing, strict=True)]
        for statement, times in samples.items()
    }
    return section(
        "Import time",
        f"CPU of a new interpreter less that of an idle one; {effort.rounds * 2} rounds.",
        table(
            ["", "target", "relative", "ms"],
            [
                [
                    f"`{statement}`",
                    "1.20" if statement == _OURS else "",
                    Spread.of_ratios(times, net[_DEPENDENCIES]),
                    f"{Spread.of(times).median * 1000:.0f}",
                ]
                for statement, times in net.items()
            ],
        ),
    )


def _importing(statement: str) -> Callable[[], float]:
    return lambda: _cpu_of([sys.executable, "-c", statement])


def _cpu_of(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)  # noqa: S603  # the statements above
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
