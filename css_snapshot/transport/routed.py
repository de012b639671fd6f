"""A transport over others that pool connections: which of them leads to an origin."""

import re
from collections.abc import Callable
from typing import Final

import httpx

from css_snapshot.errors import ConfigurationError
from css_snapshot.transport.proxies import EnvironmentProxies, Origin
from css_snapshot.transport.slots import Admission, Lease

Make = Callable[[httpx.Proxy | None], httpx.AsyncBaseTransport]
"""Makes the transport that leads through a proxy, or directly."""


_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")


class RoutedTransport(httpx.AsyncBaseTransport):
    """Sends directly or through a proxy, by origin.

    Args:
        make: Makes the transport for a proxy, or for going directly. The latter is
            made at once, so that what keeps a library from working is known early.
        proxies: Which proxy leads to an origin.
        connections: How many requests may be in flight at once; further ones wait
            up to their pool timeout (in seconds, as httpx states it per request).
    """

    def __init__(
        self, make: Make, *, proxies: EnvironmentProxies, connections: int
    ) -> None:
        self._make = make
        self._proxies = proxies
        self._admission = Admission(connections)
        self._direct = make(None)
        self._proxied: dict[str, httpx.AsyncBaseTransport] = {}
        self._routes: dict[Origin, httpx.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; see `httpx.AsyncBaseTransport`.

        Raises:
            httpx.PoolTimeout: Too many requests were in flight for too long.
            httpx.LocalProtocolError: The request can't be sent as HTTP.
            httpx.RemoteProtocolError: The answer can't be read, for example for a
                header the library has no way with.
            ConfigurationError: The transport is closed, or belongs to another event
                loop.
        """
        await self._admission.enter(request)
        try:
            response = await self._route(request.url).handle_async_request(request)
            response.stream = Lease(response, self._release)
        except ValueError as exc:
            self._admission.leave()
            if isinstance(exc, ConfigurationError):
                raise
        except BaseException:
            self._admission.leave()
            raise
        else:
            return response
        # Raised outside the handler: the library's error quotes the header.
        if _can_be_sent(request):
            raise httpx.RemoteProtocolError("the answer can't be read", request=request)
        raise httpx.LocalProtocolError(
            "the request can't be sent as HTTP", request=request
        )

    async def aclose(self) -> None:
        """Close every connection, those of requests in flight too, for good."""
        self._admission.closed = True
        for transport in (self._direct, *self._proxied.values()):
            await transport.aclose()

    def _route(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        self._admission.check_open()
        origin = (url.scheme, url.host, url.port)
        route = self._routes.get(origin)
        if route is None:
            route = self._routes[origin] = self._new_route(origin)
        return route

    def _new_route(self, origin: Origin) -> httpx.AsyncBaseTransport:
        proxy = self._proxies.for_origin(origin)
        if proxy is None:
            return self._direct
        scheme = origin[0]
        if scheme not in self._proxied:
            self._proxied[scheme] = self._make(proxy)
        return self._proxied[scheme]

    async def _release(self, _: bool) -> None:
        self._admission.leave()


def _can_be_sent(request: httpx.Request) -> bool:
    return all(
        _NAME.fullmatch(name) and _VALUE.fullmatch(value)
        for name, value in request.headers.raw
    )
