"""The canary phase of a run: a few go ahead, so that not all try a wrong key."""

import asyncio
from typing import Final

from css_snapshot.errors import APIError

_AT_ONCE: Final = 4
"""More than five refusals in a row lock a key for five minutes."""


class Canary:
    """Holds operations back until the service has accepted the run's credentials.

    Args:
        needed: Whether to; `False` lets everybody pass from the beginning.
    """

    def __init__(self, *, needed: bool) -> None:
        self._ahead = 0
        self._proven = not needed
        self._news = asyncio.Event()

    async def enter(self) -> None:
        """Wait until the credentials are known to be good, or go ahead and see."""
        while not self._proven and self._ahead >= _AT_ONCE:
            self._news.clear()
            await self._news.wait()
        self._ahead += 1

    def prove(self) -> None:
        """Note that the service has accepted the credentials."""
        if not self._proven:
            self._proven = True
            self._news.set()

    def note(self, error: Exception) -> None:
        """Take an error into account: only an answer of the service proves anything.

        What is lost, or what the gateway answers in its place, may have been turned
        away before the credentials were looked at.
        """
        if isinstance(error, APIError) and error.code.startswith("CSS."):
            self.prove()

    def leave(self) -> None:
        """Note that one that entered is done, whatever came of it."""
        self._ahead -= 1
        self._news.set()
