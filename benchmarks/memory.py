"""Peak memory of fleets of growing size."""

import subprocess
import sys
from collections.abc import Callable
from typing import Final

from benchmarks.effort import Effort
from benchmarks.fleet import LIMIT
from benchmarks.markdown import section, table
from benchmarks.rounds import Spread, interleaved

_WAYS: Final = {"fan_out": "`fan_out`", "gather": "asyncio.gather and a semaphore"}
_ROUNDS: Final = 3
_KIBIBYTE: Final = 1024


def memory(effort: Effort) -> str:
    """Measure, and answer the section."""
    samples = interleaved(
        {f"{way} {size}": _peak(way, size) for way in _WAYS for size in effort.targets},
        min(_ROUNDS, effort.rounds),
    )
    least = effort.targets[0]
    rows = [
        [
            name,
            "15.0" if way == "fan_out" else "",
            *(
                f"{_above(samples, f'{way} {size}', f'{way} {least}').median:.1f}"
                for size in effort.targets
            ),
        ]
        for way, name in _WAYS.items()
    ]
    base = Spread.of(samples[f"fan_out {least}"]).median
    return section(
        "Memory",
        f"Peak resident memory, in MiB above that of {least:,} targets (`fan_out`:"
        f" {base:.0f} MiB in all), creating over a transport in memory, {LIMIT} in"
        f" flight; median of {min(_ROUNDS, effort.rounds)} rounds, each in a process"
        " of its own.",
        table(["", "target", *(f"{size:,} targets" for size in effort.targets)], rows),
    )


def _peak(way: str, size: int) -> Callable[[], float]:
    command = [sys.executable, "-m", "benchmarks.fleet", way, str(size)]

    def run() -> float:
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # our own module
        return int(done.stdout) / _KIBIBYTE

    return run


def _above(samples: dict[str, list[float]], name: str, base: str) -> Spread:
    return Spread.of(
        [peak - least for peak, least in zip(samples[name], samples[base], strict=True)]
    )
