"""Time that passes only when someone sleeps, and then at once."""

import asyncio
from datetime import UTC, datetime

from css_snapshot.clock import Clock


class EmulatedTime:
    """A clock whose sleepers wake at once, and in the order in which they are due.

    Args:
        began: Where it starts, in seconds since the epoch.
    """

    def __init__(self, began: float) -> None:
        self._now = began
        self._due: list[float] = []

    def timestamp(self) -> float:
        """Return the emulated time in seconds since the epoch."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait for a number of emulated seconds without taking any real time."""
        due = self._now + max(seconds, 0.0)
        self._due.append(due)
        try:
            while True:
                await asyncio.sleep(0)
                if self._now >= due:
                    return
                if due == min(self._due):
                    self._now = due
        finally:
            self._due.remove(due)

    def clock(self) -> Clock:
        """Return this time as a clock for a service."""
        return Clock(
            now=lambda: datetime.fromtimestamp(self._now, UTC),
            monotonic=self.timestamp,
            sleep=self.sleep,
        )
