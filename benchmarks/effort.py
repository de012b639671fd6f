"""How much to measure: everything, or just enough to see that nothing is broken."""

from typing import Final

import attrs


@attrs.frozen(kw_only=True)
class Effort:
    """How often and how large.

    Attributes:
        rounds: How often each measurement is repeated, in turn with the others.
        in_flight: How many creations are under way at a time, one column each.
        delays: Seconds the server takes to answer, one table each.
        plotted: The delay whose table is plotted.
        creates: The least number of creations in a batch.
        repeats: How often a short piece of work is done for one sample.
        targets: Sizes of the fleets whose memory is measured.
    """

    rounds: int
    in_flight: tuple[int, ...]
    delays: tuple[float, ...]
    plotted: float
    creates: int
    repeats: int
    targets: tuple[int, ...]


FULL: Final = Effort(
    rounds=5,
    in_flight=(10, 50, 200, 500),
    delays=(0.0, 0.02, 0.1),
    plotted=0.02,
    creates=600,
    repeats=2000,
    targets=(1_000, 10_000, 100_000),
)
QUICK: Final = Effort(
    rounds=2,
    in_flight=(10, 50),
    delays=(0.0,),
    plotted=0.0,
    creates=100,
    repeats=200,
    targets=(100, 1_000),
)
