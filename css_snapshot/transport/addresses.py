"""The addresses of a host: a socket connected to one that accepts.

asyncio too can try the next address while one does not respond, but leaves sockets open
if it is cancelled then.
"""

import asyncio
import contextlib
import socket
from collections import deque
from typing import Any, Final

from css_snapshot.transport.proxies import LAST_PORT

_NEXT_AFTER: Final = 0.25
"""Seconds until the next address is tried as well, as RFC 8305 recommends."""

_Address = tuple[int, int, int, str, Any]
_Attempt = asyncio.Task[socket.socket]


async def connect_to_any(host: str, port: int) -> socket.socket:
    """Return a socket that is connected to the first address of a host to accept.

    Raises:
        OSError: If there is no such port, the name has no address, or none accepts:
            the reason of the first to fail.
        UnicodeError: If the host can't be a name.
    """
    addresses = deque(await _look_up(host, port))
    if len(addresses) == 1:
        return await _connect(addresses[0])
    attempts: set[_Attempt] = set()
    try:
        return await _race(addresses, attempts)
    finally:
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(_close)


async def _race(addresses: deque[_Address], attempts: set[_Attempt]) -> socket.socket:
    failures: list[BaseException] = []
    while addresses or attempts:
        if addresses:
            attempts.add(asyncio.create_task(_connect(addresses.popleft())))
        patience = _NEXT_AFTER if addresses else None
        done, _ = await asyncio.wait(
            attempts, timeout=patience, return_when=asyncio.FIRST_COMPLETED
        )
        for attempt in done:
            attempts.discard(attempt)
            failure = attempt.exception()
            if failure is None:
                return attempt.result()
            failures.append(failure)
    raise failures[0]


async def _look_up(host: str, port: int) -> list[_Address]:
    if port > LAST_PORT:
        # Of which the C library takes the remainder.
        raise OSError(f"there is no port {port}")
    numeric = socket.AI_NUMERICHOST
    with contextlib.suppress(socket.gaierror):
        # Of what is an address already nothing is looked up, which takes no thread.
        return list(
            socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=numeric)
        )
    loop = asyncio.get_running_loop()
    return list(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))


async def _connect(address: _Address) -> socket.socket:
    family, kind, protocol, _, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


def _close(attempt: _Attempt) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()
