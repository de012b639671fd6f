"""Many creations at a time: client CPU of everybody, over the same server."""

from pathlib import Path
from typing import Final

from benchmarks.batches import Measured, measure
from benchmarks.contenders import (
    BASELINE,
    CONTENDERS,
    FROM_MEMORY,
    OURS,
    PLAIN_HTTPX,
    RAISED_HTTPX,
    SDK,
)
from benchmarks.effort import Effort
from benchmarks.markdown import table
from benchmarks.plot import Line, plot
from benchmarks.rounds import Spread
from benchmarks.section import Section
from benchmarks.server import Behaviour
from benchmarks.targets import (
    FAST_TO_AIOHTTP,
    FAST_TO_HTTPX,
    FAST_TO_SDK,
    LAYERS_TO_AIOHTTP,
    Figures,
)

_FAST: Final = OURS["fast"]
_COUNTED: Final = (50, 200)
# Target, who, beside whom, with how many in flight.
_COMPARED: Final = (
    (FAST_TO_AIOHTTP, _FAST, BASELINE, _COUNTED),
    (FAST_TO_SDK, _FAST, SDK, _COUNTED),
    (FAST_TO_HTTPX, _FAST, PLAIN_HTTPX, (50,)),
    (LAYERS_TO_AIOHTTP, FROM_MEMORY, BASELINE, _COUNTED),
)
_PAIRS: Final = tuple(
    (OURS[kind], peer)
    for kind in ("fast", "httpx")
    for peer in (SDK, PLAIN_HTTPX, RAISED_HTTPX)
)


def fan_out(effort: Effort, picture: Path | None) -> Section:
    """Measure, and return the section; write the picture if asked for."""
    measured = {
        delay: measure(
            CONTENDERS,
            effort.in_flight,
            effort,
            server=f"server answers after {delay * 1000:.0f} ms",
            behaviour=Behaviour(delay=delay),
        )
        for delay in effort.delays
    }
    if picture is not None:
        picture.write_text(_plotted(measured[effort.plotted]))
    tables = list(measured.values())
    return Section(
        "Fan-out",
        "Client CPU per creation over http on loopback (user and system, all threads"
        " of the client process, nothing of the server's), relative to"
        f" {BASELINE} in the same round: median of {effort.rounds} rounds of at"
        f" least {effort.creates} creations (lowest to highest).",
        [
            *(one.table(BASELINE) for one in tables),
            "Wall clock per creation, relative likewise.",
            *(one.table(BASELINE, "wall") for one in tables),
            "Ours relative to others, round by round.",
            *map(_pairs, tables),
        ],
        _figures(measured[0.0]),
    )


def _figures(measured: Measured) -> Figures:
    return {
        target: measured.medians(name, base, in_flight)
        for target, name, base, in_flight in _COMPARED
    }


def _pairs(measured: Measured) -> str:
    return table(
        [measured.server, *(f"{n:,} in flight" for n in measured.by_in_flight)],
        [
            [
                f"{ours} / {peer}",
                *(
                    batches.compared("cpu", ours, peer)
                    for batches in measured.by_in_flight.values()
                ),
            ]
            for ours, peer in _PAIRS
            if {ours, peer} <= set(measured.names)
        ],
    )


def _plotted(measured: Measured) -> str:
    lines = [
        Line(
            name,
            {
                in_flight: Spread.of(batches.of("cpu", name)).scaled(1e6).median
                for in_flight, batches in measured.by_in_flight.items()
            },
        )
        for name in measured.names
        if all(name in batches.costs for batches in measured.by_in_flight.values())
    ]
    return plot(
        lines,
        title=f"Client CPU per creation, {measured.server}",
        across="creations in flight",
        up="µs",
    )
