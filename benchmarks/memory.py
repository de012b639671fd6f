"""Peak memory of fleets of growing size."""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.effort import Effort
from benchmarks.fleet import BUILD_SECONDS, LIMIT
from benchmarks.markdown import table
from benchmarks.processes import figures_of
from benchmarks.rounds import Spread, interleaved
from benchmarks.section import Section
from benchmarks.targets import MEMORY_ACCEPTED, MEMORY_COMPLETED

_WAYS: Final[Mapping[str, str]] = {
    "accepted": '`fan_out`, until="accepted"',
    "completed": '`fan_out`, until="completed"',
    "gathered": "asyncio.gather and a semaphore",
}
_TARGETS: Final = {"accepted": MEMORY_ACCEPTED, "completed": MEMORY_COMPLETED}
_ROUNDS: Final = 2
_KIBIBYTE: Final = 1024


def memory(effort: Effort) -> Section:
    """Measure, and return the section."""
    rounds, (least, *_, most) = min(_ROUNDS, effort.rounds), effort.targets
    peaks = interleaved(
        {f"{way} {size}": _peak(way, size) for way in _WAYS for size in effort.targets},
        rounds,
    )
    above = {
        way: [
            _above(peaks, f"{way} {size}", f"{way} {least}") for size in effort.targets
        ]
        for way in _WAYS
    }
    base = Spread.of(peaks[f"accepted {least}"]).median
    return Section(
        "Memory",
        f"Peak of resident memory, in MiB above that of {least:,} targets"
        f" ({base:.0f} MiB in all), creating over a transport in memory, {LIMIT} in"
        f' flight; with "completed" all snapshots are under way at once, for'
        f" {BUILD_SECONDS:.0f} s of virtual time. Median of {rounds} rounds, each in"
        f" a process of its own. The targets are for {most:,}.",
        [
            table(
                ["", *(f"{size:,} targets" for size in effort.targets)],
                [
                    [name, *(f"{peak:.1f}" for peak in above[way])]
                    for way, name in _WAYS.items()
                ],
            ),
        ],
        {target: [above[way][-1]] for way, target in _TARGETS.items()},
    )


def _peak(way: str, size: int) -> Callable[[], float]:
    return lambda: figures_of("benchmarks.fleet", way, str(size))["peak"] / _KIBIBYTE


def _above(samples: Mapping[str, list[float]], name: str, base: str) -> float:
    pairs = zip(samples[name], samples[base], strict=True)
    return Spread.of([peak - least for peak, least in pairs]).median
