"""Many creations at a time: client CPU of everybody, over the same server."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.batches import Batches, Measured, measure
from benchmarks.contenders import (
    BASELINE,
    CONTENDERS,
    OURS,
    PLAIN_HTTPX,
    RAISED_HTTPX,
    SDK,
)
from benchmarks.effort import Effort
from benchmarks.markdown import section, table
from benchmarks.plot import Line, plot
from benchmarks.rounds import Spread

_TARGETS: Final = (
    (OURS["httpx"], SDK, 0.9),
    (OURS["httpx"], RAISED_HTTPX, 0.3),
    (OURS["httpx"], PLAIN_HTTPX, 0.3),
)


def fan_out(effort: Effort, picture: Path | None) -> str:
    """Measure, and answer the section; the picture is written if asked for."""
    measured = [
        measure(CONTENDERS, delay, effort.in_flight, effort) for delay in effort.delays
    ]
    if picture is not None:
        shown = next(one for one in measured if one.delay == effort.plotted)
        picture.write_text(_plotted(shown))
    return section(
        "Fan-out",
        "Client CPU per creation (user and system, all threads of the client process,"
        f" nothing of the server's), relative to {BASELINE} in the same round: median"
        f" of {effort.rounds} rounds (lowest to highest).",
        *(_table(one, _cpu_ratio, "cpu") for one in measured),
        "Wall clock per creation, relative likewise.",
        *(_table(one, _wall_ratio, "wall") for one in measured),
        "Ours relative to others, where at most the target is wanted.",
        *(_target_table(one) for one in measured),
    )


def _cpu_ratio(batches: Batches, name: str) -> Spread:
    return batches.cpu_ratio(name, BASELINE)


def _wall_ratio(batches: Batches, name: str) -> Spread:
    return Spread.of_ratios(batches.wall(name), batches.wall(BASELINE))


def _table(
    measured: Measured, ratio: Callable[[Batches, str], Spread], kind: str
) -> str:
    runs = measured.by_in_flight
    rows = [
        [name, *(ratio(batches, name) for batches in runs.values())]
        for name in measured.names
    ]
    bases = (getattr(batches, kind)(BASELINE) for batches in runs.values())
    base = [f"{Spread.of(seconds).scaled(1e6).median:.0f}" for seconds in bases]
    return table(_head(measured), [*rows, [f"{BASELINE}, µs", *base]])


def _target_table(measured: Measured) -> str:
    server, *columns = _head(measured)
    return table(
        [server, "target", *columns],
        [
            [
                f"{ours} / {peer}",
                f"{target:.2f}",
                *(
                    batches.cpu_ratio(ours, peer)
                    for batches in measured.by_in_flight.values()
                ),
            ]
            for ours, peer, target in _TARGETS
            if {ours, peer} <= set(measured.names)
        ],
    )


def _head(measured: Measured) -> list[str]:
    return [measured.server, *(f"{n} in flight" for n in measured.by_in_flight)]


def _plotted(measured: Measured) -> str:
    lines = [
        Line(
            name,
            {
                in_flight: Spread.of(batches.cpu(name)).scaled(1e6).median
                for in_flight, batches in measured.by_in_flight.items()
            },
        )
        for name in measured.names
    ]
    return plot(
        lines,
        title=f"Client CPU per creation, {measured.server}",
        across="creations in flight",
        up="µs",
    )
