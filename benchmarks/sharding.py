"""Why the default transport has pools of one connection."""

from typing import Final

from benchmarks.batches import measure
from benchmarks.contenders import OURS
from benchmarks.effort import Effort
from benchmarks.markdown import section, table
from benchmarks.pools import POOLS

_TAKEN: Final = OURS["httpx"]
_COLUMNS: Final = 3


def sharding(effort: Effort) -> str:
    """Measure, and answer the section."""
    in_flight = effort.in_flight[:_COLUMNS]
    measured = measure([_TAKEN, *POOLS], effort.plotted, in_flight, effort)
    return section(
        "Sharding",
        "Client CPU per creation over httpx with its connections shared out otherwise,"
        " relative to pools of one connection, which is what the default transport has;"
        f" median of {effort.rounds} rounds (lowest to highest).",
        table(
            [measured.server, *(f"{number} in flight" for number in in_flight)],
            [
                [
                    name,
                    *(
                        batches.cpu_ratio(name, _TAKEN)
                        for batches in measured.by_in_flight.values()
                    ),
                ]
                for name in measured.names
            ],
        ),
    )
