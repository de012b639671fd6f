"""Kept connections: whether one may carry another request."""

import select
from collections.abc import Callable
from typing import Protocol


class HasFileno(Protocol):
    """A socket, or what asyncio and uvloop hand out for one."""

    def fileno(self) -> int:
        """Return the file descriptor."""
        ...


def readability_check(sock: HasFileno) -> Callable[[], bool]:
    """Return what tells whether an open connection has something to read.

    Where nothing is due, that is the end of the connection, or what nobody asked for:
    it must not carry another request. The event loop may not have noticed yet.
    """
    if not hasattr(select, "poll"):  # Windows
        return lambda: bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return lambda: bool(poll.poll(0))
