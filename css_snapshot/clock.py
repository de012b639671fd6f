"""The clock: one value that tests replace."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import attrs


def utc_now() -> datetime:
    """Return the wall-clock time as an aware UTC datetime."""
    return datetime.now(UTC)


@attrs.frozen(kw_only=True)
class Clock:
    """The three ways in which this package meets time.

    Attributes:
        now: Returns the wall-clock time as an aware UTC datetime.
        monotonic: Returns seconds that never go back, from any starting point.
        sleep: Waits for a number of seconds.
    """

    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
