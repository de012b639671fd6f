"""How fast operations may start: the rate, and what a throttling gateway makes of it."""

import asyncio
import math
from typing import Final

from css_snapshot.clock import Clock
from css_snapshot.errors import ThrottledError
from css_snapshot.fanout.meter import Meter

_BURST_SECONDS: Final = 0.05
_RECOVERY_SECONDS: Final = 60.0
_SLOWEST: Final = 1 / 60
_LONGEST_BACKOFF: Final = 60.0
LONGEST_HOLD: Final = 900.0
"""Seconds of pause that a run accepts from a gateway; more ends the target."""


class Pace:
    """Lets operations start one after the other, no more of them than the rate allows.

    When the gateway throttles, the rate is halved, counted from the limit that the
    gateway states if that is lower, and everything pauses as long as it asks for.
    Then the rate grows steadily, by the rate of before in a minute, up to what was
    configured and the gateway stated. Within 0.05 seconds, what was missed is caught
    up with.

    Args:
        rate: Starts per second; `None` for no limit until the gateway throttles.
        clock: Where time comes from.
    """

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._clock = clock
        self._ceiling = rate
        self._rate = rate
        self._growth = 0.0
        self._grown_at = 0.0
        self._next = 0.0
        self._held_until = 0.0
        self._cuts = 0
        self._streak = 0
        self._started = Meter(clock)
        self._turn = asyncio.Lock()

    @property
    def allowed(self) -> float | None:
        """Starts per second that are allowed now; `None` for no limit."""
        if self._rate is not None and self._growth:
            now = self._clock.monotonic()
            grown = self._rate + self._growth * max(0.0, now - self._grown_at)
            self._rate = grown if self._ceiling is None else min(grown, self._ceiling)
            self._grown_at = max(self._grown_at, now)
        return self._rate

    async def turn(self) -> int:
        """Wait until the next operation may start, first come first served.

        Returns:
            A mark of this moment, to be handed to `slow_down`.
        """
        if self._rate is not None:
            async with self._turn:
                while (wait := self._wait()) > 0:
                    await self._clock.sleep(wait)
                self._take()
        self._started.tick()
        return self._cuts

    def succeeded(self) -> None:
        """Note that the gateway let one through."""
        self._streak = 0

    def slow_down(self, throttled: ThrottledError, mark: int) -> float:
        """Halve the rate, once for all that started before the last time it was.

        Args:
            throttled: What the gateway said.
            mark: What `turn` answered when that operation started.

        Returns:
            Seconds until operations start again.
        """
        if mark == self._cuts:
            self._cut(throttled)
        hold = throttled.retry_after
        if hold is None:
            hold = min(_LONGEST_BACKOFF, 2.0 ** (self._streak - 1))
        if hold <= LONGEST_HOLD:
            until = self._clock.monotonic() + hold
            self._held_until = self._grown_at = max(self._held_until, until)
        return hold

    def _cut(self, throttled: ThrottledError) -> None:
        self._cuts += 1
        self._streak = min(self._streak + 1, 32)
        before = self.allowed
        if throttled.limit is not None:
            count, seconds = throttled.limit
            stated = max(count / seconds, _SLOWEST)
            self._ceiling = min(self._ceiling or stated, stated)
            before = min(before or stated, stated)
        if before is None:
            before = self._started.rate
        before = max(before, _SLOWEST)
        self._rate = max(before / 2, _SLOWEST)
        self._growth = before / _RECOVERY_SECONDS
        self._grown_at = self._clock.monotonic()

    def _wait(self) -> float:
        earliest = max(self._next - _BURST_SECONDS, self._held_until)
        return earliest - self._clock.monotonic()

    def _take(self) -> None:
        now = self._clock.monotonic()
        self._next = max(self._next, now) + 1 / (self.allowed or math.inf)
