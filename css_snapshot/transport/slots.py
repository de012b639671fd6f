"""Who may send through a transport: one event loop, while open, so many at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx

from css_snapshot.errors import ConfigurationError


class Admission:
    """Lets requests in, up to a number at once; further ones wait for their turn.

    Args:
        connections: How many requests may be in flight at once.
    """

    def __init__(self, connections: int) -> None:
        self._slots = asyncio.Semaphore(connections)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closed = False

    async def enter(self, request: httpx.Request) -> None:
        """Take a slot, waiting up to the request's pool timeout for one.

        Raises:
            httpx.PoolTimeout: None got free within the pool timeout.
            ConfigurationError: The transport belongs to another event loop.
        """
        self._check_loop()
        if not self._slots.locked():
            await self._slots.acquire()
            return
        limit = request.extensions.get("timeout", {}).get("pool")
        try:
            async with asyncio.timeout(limit):
                await self._slots.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout(
                f"no connection got free in {limit:g} s", request=request
            ) from None

    def leave(self) -> None:
        """Give a slot back."""
        self._slots.release()

    def check_open(self) -> None:
        """Check that requests may still be sent.

        Raises:
            ConfigurationError: They may not.
        """
        if self.closed:
            raise ConfigurationError(
                "the transport, or the service it is of, is closed"
            )

    def _check_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ConfigurationError(
                "this transport was first used in another event loop, which its"
                " connections belong to; make one per event loop"
            )


class Lease(httpx.AsyncByteStream):
    """The body of an answer, which gives back what it occupies when closed, once.

    Args:
        response: The answer, of an asynchronous transport.
        release: Gives it back, told whether the body closed in good order.

    Raises:
        TypeError: The transport is not an asynchronous one after all.
    """

    __slots__ = ("_open", "_release", "_stream")

    def __init__(
        self, response: httpx.Response, release: Callable[[bool], Awaitable[object]]
    ) -> None:
        self._stream = async_stream(response)
        self._release = release
        self._open = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        """Close the body, and give back what it occupies; see `httpx`."""
        if not self._open:
            return
        self._open = False
        intact = False
        try:
            await self._stream.aclose()
            intact = True
        finally:
            await self._release(intact)


def async_stream(response: httpx.Response) -> httpx.AsyncByteStream:
    """Answer the body of an asynchronous transport's answer.

    Raises:
        TypeError: The transport is not an asynchronous one after all.
    """
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TypeError("an asynchronous transport must answer an asynchronous stream")
    return stream
