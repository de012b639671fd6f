"""Thousands of creations in flight, each on a connection of its own."""

from typing import Final

import attrs

from benchmarks.batches import measure
from benchmarks.contenders import BASELINE, FLOOR, OURS
from benchmarks.effort import Effort
from benchmarks.file_limit import raise_file_limit
from benchmarks.section import CannotMeasureError, Section
from benchmarks.server import Behaviour

_NAMES: Final = (FLOOR, BASELINE, OURS["fast"], OURS["httpx"])
_ROUNDS: Final = 3
_DELAY: Final = 0.02
_OTHER_FILES: Final = 100


def growth(effort: Effort) -> Section:
    """Measure, and return the section.

    Raises:
        CannotMeasureError: If a process may not have so many files open.
    """
    limit = raise_file_limit()
    sizes = [size for size in effort.growth if size + _OTHER_FILES <= limit]
    if not sizes:
        raise CannotMeasureError(f"a process may have only {limit:,} files open")
    rounds = min(_ROUNDS, effort.rounds)
    measured = measure(
        _NAMES,
        sizes,
        attrs.evolve(effort, rounds=rounds),
        server=f"server answers after {_DELAY * 1000:.0f} ms",
        behaviour=Behaviour(delay=_DELAY),
    )
    return Section(
        "Growth",
        "Client CPU per creation over http with very many in flight, relative to"
        f" {BASELINE} in the same round: median of {rounds} rounds (lowest to"
        f" highest); a process may have {limit:,} files open.",
        [
            measured.table(BASELINE),
        ],
    )
