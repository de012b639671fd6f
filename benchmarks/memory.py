"""Peak memory of fleets of growing size."""

from collections.abc import Mapping
from typing import Final

from benchmarks.effort import Effort
from benchmarks.fleet import BUILD_SECONDS, LIMIT
from benchmarks.markdown import table
from benchmarks.processes import figures_of
from benchmarks.section import Section
from benchmarks.targets import MEMORY_ACCEPTED, MEMORY_COMPLETED

_WAYS: Final[Mapping[str, str]] = {
    "accepted": '`fan_out`, until="accepted"',
    "completed": '`fan_out`, until="completed"',
    "gathered": "asyncio.gather and a semaphore",
}
_TARGETS: Final = {"accepted": MEMORY_ACCEPTED, "completed": MEMORY_COMPLETED}
_WANTED: Final = 100_000
_KIBIBYTE: Final = 1024


def memory(effort: Effort) -> Section:
    """Measure, and return the section."""
    least, *_, most = effort.targets
    peaks = {way: [_peak(way, size) for size in effort.targets] for way in _WAYS}
    above = {way: [peak - sizes[0] for peak in sizes] for way, sizes in peaks.items()}
    return Section(
        "Memory",
        f"Peak of resident memory, in MiB above that of {least:,} targets"
        f" ({peaks['accepted'][0]:.0f} MiB in all), creating over a transport in memory,"
        f' {LIMIT} in flight; with "completed" as many as a run watches at once are'
        f" under way, for {BUILD_SECONDS:.0f} s of virtual time. Each once, as it hardly varies, in a"
        " process of its own.",
        [
            table(
                ["", *(f"{size:,} targets" for size in effort.targets)],
                [
                    [name, *(f"{peak:.1f}" for peak in above[way])]
                    for way, name in _WAYS.items()
                ],
            ),
        ],
        {target: [above[way][-1]] for way, target in _TARGETS.items()}
        if most == _WANTED
        else {},
        f"only {most:,} targets were tried",
    )


def _peak(way: str, size: int) -> float:
    return figures_of("benchmarks.fleet", way, str(size))["peak"] / _KIBIBYTE
