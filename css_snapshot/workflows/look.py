"""Looking at how things stand after an answer that leaves it open."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import attrs

from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import CSSError, TransportError
from css_snapshot.retry import Found
from css_snapshot.workflows.verdict import verdict_on

SETTLE_SECONDS: Final = 15.0
"""How long what a lost request did may take to show."""

_FIRST_PAUSES: Final = (0.5, 1.0, 2.0, 4.0)
_LATER_PAUSE: Final = 5.0


def pauses() -> Iterator[float]:
    """Iterate over the seconds between looks, without end."""
    yield from _FIRST_PAUSES
    while True:
        yield _LATER_PAUSE


@attrs.define
class Looking:
    """Finds out whether a change was carried out although its answer does not say so.

    Hand `between` to `ApiClient.send`; after a failure, `is_open` says whether what
    became of the change is unknown.

    Attributes:
        client: The client, for its clock.
        is_done: Reads how things stand, and returns whether the change was carried
            out; an error it raises means that it can't be seen now.
        until: When to stop looking, on the clock's monotonic scale.
    """

    client: ApiClient
    is_done: Callable[[], Awaitable[bool]]
    until: float
    _was_unclear: bool = attrs.field(default=False, init=False)
    _may_go_on: bool = attrs.field(default=False, init=False)
    _unread: CSSError | None = attrs.field(default=None, init=False)

    async def between(self, failure: CSSError) -> Found[None] | None:
        """Look after a failure that, or an earlier one, leaves open what was done."""
        verdicts = {verdict_on(each) for each in (*failure.earlier, failure)}
        if verdicts.isdisjoint({"failed", "unknown"}):
            return None
        self._was_unclear = True
        self._may_go_on = "unknown" in verdicts
        # After a 500 nothing is under way any more; after a loss, the work may be.
        window = SETTLE_SECONDS if self._may_go_on else 0.0
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
            if is_last or not _may_pass(self._unread):
                return False
            await clock.sleep(min(next(pause), max(0.0, end - clock.monotonic())))

    def is_open(self, failure: CSSError) -> bool:
        """Check whether it is unknown what became of a change that ended so."""
        if not self._was_unclear:
            return False
        if self._unread is not None:
            return True
        return self._may_go_on and verdict_on(failure) != "rejected"

    def why_open(self, failure: CSSError) -> str:
        """Return what a failure and the looks after it say, for an error's text."""
        if self._unread is None:
            return f"{failure}; it does not show so far"
        return f"{failure}; looking failed: {self._unread}"

    async def _shows(self) -> bool:
        self._unread = None
        try:
            return await self.is_done()
        except CSSError as exc:
            self._unread = exc
            return False


def _may_pass(unread: CSSError | None) -> bool:
    return unread is None or unread.retryable or isinstance(unread, TransportError)
