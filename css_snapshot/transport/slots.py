"""The requests that a transport carries at once: so many, in one event loop, while open."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import httpx

from css_snapshot.errors import ConfigurationError

IDLE_SECONDS: Final = 30.0
"""How long a connection without a request is kept, in every transport."""


class Slots:
    """A number of slots, of which each request in flight takes one.

    Args:
        connections: How many requests may be in flight at once; further ones wait.

    Attributes:
        closed: Whether the transport was closed, so that nothing is sent any more.
    """

    def __init__(self, connections: int) -> None:
        self._free = asyncio.Semaphore(connections)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closed = False

    async def take(self, request: httpx.Request) -> None:
        """Take a slot, waiting up to the request's pool timeout for one.

        Raises:
            httpx.PoolTimeout: If no slot became free within the pool timeout.
            ConfigurationError: If the transport belongs to another event loop.
        """
        self._check_loop()
        if not self._free.locked():
            await self._free.acquire()
            return
        limit = request.extensions.get("timeout", {}).get("pool")
        try:
            async with asyncio.timeout(limit):
                await self._free.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout(
                f"no connection became free in {limit:g} s", request=request
            ) from None

    def give_back(self) -> None:
        """Give a slot back."""
        self._free.release()

    def check_open(self) -> None:
        """Check that requests may still be sent.

        Raises:
            ConfigurationError: If the transport is closed.
        """
        if self.closed:
            raise ConfigurationError(
                "the transport, or the service that it belongs to, is closed"
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
    """The body of a response, which gives back what it occupies when closed, once.

    Args:
        response: The response of an asynchronous transport.
        release: Gives it back, told whether the body closed in good order.

    Raises:
        TypeError: If the transport is not an asynchronous one after all.
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
    """Return the body of an asynchronous transport's response.

    Raises:
        TypeError: If the transport is not an asynchronous one after all.
    """
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TypeError("an asynchronous transport must return an asynchronous stream")
    return stream
