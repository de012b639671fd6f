"""The first few go ahead, so that a wrong key is not tried by all at once."""

import asyncio
from typing import Final

_SCOUTS: Final = 4
"""More than five refusals in a row lock a key for five minutes."""


class Scouts:
    """Holds operations back until the service has accepted the run's credentials.

    Args:
        needed: Whether to; `False` lets everybody pass from the beginning.
    """

    def __init__(self, *, needed: bool) -> None:
        self._away = 0
        self._accepted = not needed
        self._news = asyncio.Event()

    async def enter(self) -> None:
        """Wait until it is known that the credentials are good, or go and see."""
        while not self._accepted and self._away >= _SCOUTS:
            self._news.clear()
            await self._news.wait()
        self._away += 1

    def accepted(self) -> None:
        """Note that the service has accepted the credentials."""
        if not self._accepted:
            self._accepted = True
            self._news.set()

    def leave(self) -> None:
        """Note that one who entered is done, whatever came of it."""
        self._away -= 1
        self._news.set()
