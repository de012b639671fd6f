"""The canary phase of a run: a few go ahead, so that not all try a wrong key."""

import asyncio
import math

from css_snapshot.errors import APIError


class Canary:
    """Holds operations back until the service has accepted the run's credentials.

    Args:
        at_once: How many go ahead; more than five refusals in a row lock a key for
            five minutes. `None` lets everybody pass from the beginning.
    """

    def __init__(self, at_once: int | None) -> None:
        self._ahead = 0
        self._at_once = math.inf if at_once is None else at_once
        self._proven = False
        self._news = asyncio.Event()

    async def enter(self) -> None:
        """Wait until the credentials are known to be good, or go ahead and see."""
        while not self._proven and self._ahead >= self._at_once:
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
