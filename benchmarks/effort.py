"""How much to measure: everything, or just enough to see that nothing is broken."""

from typing import Final

import attrs


@attrs.frozen(kw_only=True)
class Effort:
    """How often and how large.

    Attributes:
        rounds: How often each measurement is repeated, in turn with the others.
        in_flight: How many creations are under way at a time, one column each.
        growth: The same, where it is very many.
        delays: Seconds the server takes to answer, one table each; 0 among them, which
            the targets are for.
        plotted: The delay whose table is plotted.
        creates: The least number of creations in a batch.
        repeats: How often a short piece of work is done for one sample.
        targets: Sizes of the fleets whose memory is measured.
        journalled: Targets of the fleet whose journal is measured.
        stale: Creations on connections that the server closes.
        counted: How often a piece of work is done whose instructions are counted.
    """

    rounds: int
    in_flight: tuple[int, ...]
    growth: tuple[int, ...]
    delays: tuple[float, ...]
    plotted: float
    creates: int
    repeats: int
    targets: tuple[int, ...]
    journalled: int
    stale: int
    counted: int


FULL: Final = Effort(
    rounds=5,
    in_flight=(10, 50, 200),
    growth=(1_000, 4_000),
    delays=(0.0, 0.02),
    plotted=0.02,
    creates=600,
    repeats=2000,
    targets=(1_000, 10_000, 100_000),
    journalled=10_000,
    stale=3_000,
    counted=2_000,
)
QUICK: Final = Effort(
    rounds=2,
    in_flight=(10, 50),
    growth=(200,),
    delays=(0.0,),
    plotted=0.0,
    creates=100,
    repeats=200,
    targets=(100, 1_000),
    journalled=500,
    stale=100,
    counted=100,
)
