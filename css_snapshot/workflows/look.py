"""Looking at how things stand after an answer that leaves it open."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import attrs

from css_snapshot.api.operations import Operation
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import CSSError, IndeterminateError, TransportError
from css_snapshot.retry import Found
from css_snapshot.workflows.defaults import SETTLE_SECONDS
from css_snapshot.workflows.verdict import verdict_on

_FIRST_PAUSES: Final = (0.5, 1.0, 2.0, 4.0)
_LATER_PAUSE: Final = 5.0

IsDone = Callable[[], Awaitable[bool]]
"""Reads how things stand, and returns whether a change was carried out.

An error that it raises means that this can't be seen now.
"""


def pauses() -> Iterator[float]:
    """Iterate over the seconds between looks, without end."""
    yield from _FIRST_PAUSES
    while True:
        yield _LATER_PAUSE


async def change(
    client: ApiClient,
    operation: Operation[None],
    is_done: IsDone,
    *,
    until: float,
    unknown: Callable[[str], IndeterminateError],
) -> None:
    """Carry out a change, and look where an answer leaves open whether it was made.

    Args:
        client: Carries the calls.
        operation: The change; safe to repeat.
        is_done: Looks.
        until: When to give up, on the clock's monotonic scale.
        unknown: Makes the error for a change of which nothing is known, of why.

    Raises:
        IndeterminateError: If it is unknown, even after looking.
        CSSError: If the change was refused, or not sent.
    """
    looking = Looking(client, is_done, until)
    try:
        await client.send(operation, until=until, between=looking.between)
    except CSSError as exc:
        if not looking.is_open(exc):
            raise
        error = unknown(f"{exc}; {looking.last_look}")
        error.earlier = (*exc.earlier, exc)
        raise error from exc


@attrs.define
class Looking:
    """Looks whether a change was carried out.

    Attributes:
        client: The client, for its clock.
        is_done: Looks once.
        until: When to stop looking, on the clock's monotonic scale.
    """

    client: ApiClient
    is_done: IsDone
    until: float
    _verdicts: set[str] = attrs.field(factory=set, init=False)
    _unread: CSSError | None = attrs.field(default=None, init=False)

    async def between(self, failure: CSSError) -> Found[None] | None:
        """Look after an attempt if it, or an earlier one, leaves open what was done."""
        self._verdicts.add(verdict_on(failure))
        if self._verdicts.isdisjoint({"failed", "unknown"}):
            return None
        # After a 500 nothing is under way any more; after a loss, the work may be.
        window = SETTLE_SECONDS if "unknown" in self._verdicts else 0.0
        return Found(None) if await self.shows_within(window) else None

    async def shows_within(self, window: float) -> bool:
        """Look until the change shows, for the last time after so many seconds."""
        clock = self.client.clock
        end = min(clock.monotonic() + window, self.until)
        pause = pauses()
        while True:
            is_last = clock.monotonic() >= end
            if await self._shows():
                return True
            if is_last or not self._may_pass():
                return False
            await clock.sleep(min(next(pause), max(0.0, end - clock.monotonic())))

    def is_open(self, failure: CSSError) -> bool:
        """Check whether it is unknown what became of a change that ended so."""
        if self.was_unread:
            return True
        return "unknown" in self._verdicts and verdict_on(failure) != "rejected"

    @property
    def was_unread(self) -> bool:
        """Whether the last look could not be had."""
        return self._unread is not None

    @property
    def last_look(self) -> str:
        """What the last look came to, for an error's text."""
        if self._unread is None:
            return "it does not show so far"
        return f"looking failed: {self._unread}"

    async def _shows(self) -> bool:
        self._unread = None
        try:
            return await self.is_done()
        except CSSError as exc:
            self._unread = exc
            return False

    def _may_pass(self) -> bool:
        unread = self._unread
        return unread is None or unread.retryable or isinstance(unread, TransportError)
