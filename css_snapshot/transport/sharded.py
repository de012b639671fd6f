"""A transport of many one-connection transports.

httpcore walks over every connection of a pool on each request, so that one pool of
fifty costs five times the CPU of five pools of ten (encode/httpcore#1035). A pool of
one has nothing to walk over, and choosing the least loaded one is taking any idle one.
"""

import contextlib
import functools
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import attrs
import httpx

from css_snapshot.transport.proxies import Origin
from css_snapshot.transport.slots import IDLE_SECONDS, Lease, Slots


class OneConnection(Protocol):
    """A transport of one connection, which can tell whether to use it again."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; see `httpx.AsyncBaseTransport`."""
        ...

    async def aclose(self) -> None:
        """Close the connection."""
        ...

    def is_reusable(self) -> bool:
        """Tell, after a whole response, whether nothing is left over behind it."""
        ...


@attrs.define(eq=False)
class _Shard:
    transport: OneConnection
    idle_since: float = 0.0


class ShardedTransport(httpx.AsyncBaseTransport):
    """Spreads requests over transports that each carry one at a time.

    The transport used last is used first, so that as few connections are kept as
    the load needs. Closed are those that were idle for too long, whose request failed
    or was cancelled (httpcore can lose track of a connection then, and a pool of one
    would never carry anything again), and on which more arrived than one response: it
    would be taken for the response to the next request.

    Args:
        make: Makes the transport of one connection to an origin.
        connections: How many requests may be in flight at once; further ones wait
            up to their pool timeout (in seconds, as httpx states it per request).
        monotonic: Returns seconds that never go back.
    """

    def __init__(
        self,
        make: Callable[[Origin], OneConnection],
        *,
        connections: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._monotonic = monotonic
        self._slots = Slots(connections)
        self._idle: dict[Origin, deque[_Shard]] = {}
        self._busy: set[_Shard] = set()

    @property
    def in_flight(self) -> int:
        """How many requests are in flight now."""
        return len(self._busy)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request on an idle connection; see `httpx.AsyncBaseTransport`.

        Raises:
            httpx.PoolTimeout: If no connection became free within the pool timeout.
            ConfigurationError: If the transport is closed or belongs to another event
                loop, or the proxy or the certificates that the origin needs can't be
                used.
        """
        await self._slots.take(request)
        try:
            return await self._send(request)
        except BaseException:
            self._slots.give_back()
            raise

    async def aclose(self) -> None:
        """Close every connection, those of requests in flight too, for good."""
        self._slots.closed = True
        idle = [shard for shards in self._idle.values() for shard in shards]
        self._idle.clear()
        for shard in (*idle, *self._busy):
            await self._close(shard)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        origin = (url.scheme, url.host, url.port)
        shard = self._take(origin)
        try:
            response = await shard.transport.handle_async_request(request)
            release = functools.partial(self._release, origin, shard)
            response.stream = Lease(response, release)
        except BaseException:
            await self._discard(shard)
            raise
        return response

    def _take(self, origin: Origin) -> _Shard:
        self._slots.check_open()
        idle = self._idle.get(origin)
        shard = idle.pop() if idle else _Shard(self._make(origin))
        self._busy.add(shard)
        return shard

    async def _discard(self, shard: _Shard) -> None:
        self._busy.discard(shard)
        await self._close(shard)

    @staticmethod
    async def _close(shard: _Shard) -> None:
        # One that can't be closed, as its event loop is, keeps no other open.
        with contextlib.suppress(Exception):
            await shard.transport.aclose()

    async def _release(self, origin: Origin, shard: _Shard, intact: bool) -> None:
        """Take a connection back, and close one that is not to be kept."""
        self._slots.give_back()
        if self._slots.closed or not intact or not shard.transport.is_reusable():
            await self._discard(shard)
            return
        self._busy.discard(shard)
        shard.idle_since = self._monotonic()
        self._idle.setdefault(origin, deque()).append(shard)
        stale = self._stale(shard.idle_since - IDLE_SECONDS)
        if stale is not None:
            await self._discard(stale)

    def _stale(self, idle_before: float) -> _Shard | None:
        """Take out one connection that was idle for too long, if there is any."""
        for idle in self._idle.values():
            if idle and idle[0].idle_since < idle_before:
                return idle.popleft()
        return None
