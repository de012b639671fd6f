"""A transport over others that pool connections: which of them leads to an origin."""

from collections.abc import Callable

import httpx

from css_snapshot.transport.proxies import EnvironmentProxies, Origin, Proxy
from css_snapshot.transport.slots import Lease, Slots

Make = Callable[[str, Proxy | None], httpx.AsyncBaseTransport]
"""Makes the transport for a scheme, through a proxy or (`None`) directly."""


class RoutedTransport(httpx.AsyncBaseTransport):
    """Sends directly or through a proxy, by origin.

    Args:
        make: Makes the transport for a scheme and a proxy, when it is first needed.
        proxies: Which proxy leads to an origin.
        connections: How many requests may be in flight at once; further ones wait
            up to their pool timeout (in seconds, as httpx states it per request).
    """

    def __init__(
        self, make: Make, *, proxies: EnvironmentProxies, connections: int
    ) -> None:
        self._make = make
        self._proxies = proxies
        self._slots = Slots(connections)
        self._made: dict[tuple[str, bool], httpx.AsyncBaseTransport] = {}
        self._routes: dict[Origin, httpx.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; see `httpx.AsyncBaseTransport`.

        Raises:
            httpx.PoolTimeout: If too many requests were in flight for too long.
            httpx.TransportError: If the transport that leads there raises it.
            ConfigurationError: If the transport is closed or belongs to another event
                loop, or the proxy or the certificates that the origin needs can't be
                used.
        """
        await self._slots.take(request)
        try:
            response = await self._route(request.url).handle_async_request(request)
            if isinstance(response.stream, httpx.ByteStream):
                # What is in memory already occupies nothing.
                self._slots.give_back()
            else:
                response.stream = Lease(response, self._release)
        except BaseException:
            self._slots.give_back()
            raise
        return response

    async def aclose(self) -> None:
        """Close every connection, those of requests in flight too, for good."""
        self._slots.closed = True
        for transport in self._made.values():
            await transport.aclose()

    def _route(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        self._slots.check_open()
        origin = (url.scheme, url.host, url.port)
        route = self._routes.get(origin)
        if route is None:
            route = self._routes[origin] = self._new_route(origin)
        return route

    def _new_route(self, origin: Origin) -> httpx.AsyncBaseTransport:
        scheme = origin[0]
        proxy = self._proxies.for_origin(origin)
        key = (scheme, proxy is not None)
        if key not in self._made:
            self._made[key] = self._make(scheme, proxy)
        return self._made[key]

    async def _release(self, _: bool) -> None:
        self._slots.give_back()
