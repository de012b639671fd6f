"""How often something happens, without remembering each time it did."""

import math
from typing import Final

from css_snapshot.clock import Clock

_MEMORY_SECONDS: Final = 10.0


class Meter:
    """How often something happens per second, lately.

    What is long ago counts less: after 10 seconds, a third.

    Args:
        clock: Where time comes from.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = self._last = clock.monotonic()
        self._weight = 0.0

    def tick(self) -> None:
        """Count one."""
        self._decay()
        self._weight += 1.0

    @property
    def rate(self) -> float:
        """How many per second; in the first second, of that second."""
        self._decay()
        observed = _MEMORY_SECONDS * -math.expm1(
            (self._began - self._last) / _MEMORY_SECONDS
        )
        return self._weight / max(observed, 1.0)

    def _decay(self) -> None:
        now = self._clock.monotonic()
        self._weight *= math.exp((self._last - now) / _MEMORY_SECONDS)
        self._last = now
