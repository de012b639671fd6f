"""Kept connections: whether one may carry another request."""

import select
from typing import Protocol


class HasFileno(Protocol):
    """A socket, or what asyncio and uvloop hand out for one."""

    def fileno(self) -> int:
        """Return the file descriptor."""
        ...


def has_spoken(sock: HasFileno) -> bool:
    """Tell whether a connection that nothing is due on has something to read.

    That is the end of the connection, or what nobody asked for: it must not carry
    another request. The event loop may not have noticed yet.
    """
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
