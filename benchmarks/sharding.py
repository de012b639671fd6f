"""Why the default transport has pools of one connection."""

from typing import Final

import attrs

from benchmarks.batches import measure
from benchmarks.contenders import OURS
from benchmarks.effort import Effort
from benchmarks.pools import POOLS
from benchmarks.section import Section
from benchmarks.server import Behaviour

_TAKEN: Final = OURS["httpx"]
_IN_FLIGHT: Final = 50
_ROUNDS: Final = 3


def sharding(effort: Effort) -> Section:
    """Measure, and return the section."""
    rounds, delay = min(_ROUNDS, effort.rounds), effort.plotted
    measured = measure(
        [_TAKEN, *POOLS],
        [number for number in effort.in_flight if number <= _IN_FLIGHT],
        attrs.evolve(effort, rounds=rounds),
        server=f"server answers after {delay * 1000:.0f} ms",
        behaviour=Behaviour(delay=delay),
    )
    return Section(
        "Sharding",
        "Client CPU per creation over httpx with its connections shared out"
        " otherwise, relative to pools of one connection, which is what the default"
        f" transport has; median of {rounds} rounds (lowest to highest).",
        [
            measured.table(_TAKEN),
        ],
    )
