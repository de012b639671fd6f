"""The canary phase of a run: a few go ahead, so that not all try a wrong key."""

import asyncio

from css_snapshot.errors import APIError, ConnectFailedError, CSSError


class Canary:
    """Holds operations back until the service has accepted the run's credentials.

    More than five refusals in a row lock a key for five minutes.

    Args:
        canaries: How many go ahead; infinity lets everybody pass from the beginning.
    """

    def __init__(self, canaries: float) -> None:
        self._ahead = 0
        self._canaries = canaries
        self._is_open = False
        self._news = asyncio.Event()

    async def enter(self) -> None:
        """Wait until nothing holds operations back, or go ahead and see."""
        while not self._is_open and self._ahead >= self._canaries:
            self._news.clear()
            await self._news.wait()
        self._ahead += 1

    def open(self) -> None:
        """Hold nothing back any more."""
        if not self._is_open:
            self._is_open = True
            self._news.set()

    def note(self, error: Exception) -> None:
        """Take an error into account: hold nothing back where no key can be refused.

        That is so where the service itself has answered, where nobody can be
        connected to, and where the error is not about this service at all. What is
        lost, or what the gateway answers in the service's place, may have been turned
        away before the credentials were looked at.
        """
        match error:
            case APIError(code=code):
                is_safe = code.startswith("CSS.")
            case CSSError():
                is_safe = isinstance(error, ConnectFailedError)
            case _:
                is_safe = True
        if is_safe:
            self.open()

    def leave(self) -> None:
        """Note that one that entered is done, whatever came of it."""
        self._ahead -= 1
        self._news.set()
