"""A clock that stands still until a test moves it, or a service sleeps on it.

Where many tasks wait at once, or limits of real time must not pass, `virtual_time.py`
takes over the clock of the event loop instead.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from css_snapshot.clock import Clock

_SPEED: Final = 100.0


@attrs.frozen(kw_only=True)
class HurriedClock(Clock):
    """Runs faster where the package waits; the limits of attempts stay as they are."""

    monotonic: Callable[[], float] = lambda: time.monotonic() * _SPEED
    sleep: Callable[[float], Awaitable[None]] = lambda seconds: asyncio.sleep(
        seconds / _SPEED
    )


@attrs.define
class ManualClock:
    """Tells its time as a datetime if called, which is all that the plugins ask for.

    Attributes:
        now: The wall-clock time, aware.
        pauses: How long it was slept on, each time.
    """

    now: datetime = datetime(2026, 11, 23, 10, 11, 12, tzinfo=UTC)
    pauses: list[float] = attrs.field(factory=list)
    _began: datetime = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._began = self.now

    @property
    def elapsed(self) -> float:
        """How many seconds it was moved."""
        return (self.now - self._began).total_seconds()

    def __call__(self) -> datetime:
        return self.now

    def timestamp(self) -> float:
        """Return the time in seconds since the epoch, as the emulator asks for it."""
        return self.now.timestamp()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def clock(self) -> Clock:
        """Return the same time as a clock for a service, on which sleeping is free."""
        return Clock(now=self, monotonic=self.timestamp, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)
