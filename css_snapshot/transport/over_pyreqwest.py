"""pyreqwest as a transport: what it does on its own, turned off or made safe."""

import math
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import certifi
import httpx
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.compatibility.httpx import HttpxTransport
from pyreqwest.proxy import ProxyBuilder

_CONNECT_SECONDS: Final = 10.0
_SHORTEST: Final = 10
_IDLE: Final = timedelta(seconds=30)


class FastTransport(httpx.AsyncBaseTransport):
    """Sends through pyreqwest's own httpx transport.

    pyreqwest goes on with a request nobody waits for any more, and would still send
    it when the connection is there at last. So a body is handed over only while
    somebody waits; a request without one (`GET`, `DELETE`) may still arrive.

    Time limits: the one for connecting is rounded down to 10, 5, 2.5, ... seconds (or
    up from 10: 20, 40, ...), as a client has a fixed one. With a limit for reading,
    the sum of both is the limit of the whole request; without, there is none.

    `Accept: */*` and a `User-Agent` are added to a request that has none; neither is
    ever signed.

    Args:
        proxy: What to send through; `None` to go directly.

    Raises:
        RuntimeError: This process was forked from one that has used pyreqwest.
    """

    def __init__(self, proxy: httpx.Proxy | None) -> None:
        self._proxy = proxy
        first = _client(proxy, _CONNECT_SECONDS)
        self._by_connect_limit = {_CONNECT_SECONDS: HttpxTransport(first)}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; see `httpx.AsyncBaseTransport`.

        Raises:
            ValueError: pyreqwest does not take the request.
        """
        content = await request.aread()
        limits = request.extensions.get("timeout", {})
        transport = self._transport(limits.get("connect"))
        body = _Body(content)
        outgoing = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            stream=body,
            extensions=_whole_limit(limits.get("connect"), limits.get("read")),
        )
        if not content:
            outgoing.read()
        try:
            return await transport.handle_async_request(outgoing)
        except BaseException:
            body.wanted = False
            raise

    async def aclose(self) -> None:
        """Close the connections that are not in use."""
        for transport in self._by_connect_limit.values():
            await transport.aclose()

    def _transport(self, connect: float | None) -> HttpxTransport:
        seconds = _step(connect)
        transport = self._by_connect_limit.get(seconds)
        if transport is None:
            transport = HttpxTransport(_client(self._proxy, seconds))
            self._by_connect_limit[seconds] = transport
        return transport


class _Body(httpx.SyncByteStream):
    """A body that is not handed over once nobody waits for the answer.

    It is read in pyreqwest's thread when the connection is there, hence synchronous.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.wanted = True

    def __iter__(self) -> Iterator[bytes]:
        if not self.wanted:
            raise ConnectionAbortedError("nobody waits for the answer any more")
        yield self._content


def _step(connect: float | None) -> float:
    if connect is None or connect == _CONNECT_SECONDS:
        return _CONNECT_SECONDS
    steps = math.floor(math.log2(max(connect, 1e-9) / _CONNECT_SECONDS))
    return _CONNECT_SECONDS * 2.0 ** max(steps, -_SHORTEST)


def _whole_limit(
    connect: float | None, read: float | None
) -> dict[str, dict[str, float]]:
    if read is None:
        return {}
    return {"timeout": {"total": (connect or _CONNECT_SECONDS) + read}}


def _client(proxy: httpx.Proxy | None, connect_seconds: float) -> Client:
    builder = (
        ClientBuilder()
        .follow_redirects(False)
        .default_cookie_store(False)
        .referer(False)
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .no_proxy()
        .connect_timeout(timedelta(seconds=connect_seconds))
        .pool_idle_timeout(_IDLE)
    )
    if proxy is not None:
        builder = builder.proxy(_proxy(proxy))
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        # The system's own store, which pyreqwest reads, may be missing in a container.
        builder = builder.add_root_certificate_pem(Path(certifi.where()).read_bytes())
    return builder.build()


def _proxy(proxy: httpx.Proxy) -> ProxyBuilder:
    builder = ProxyBuilder.all(str(proxy.url))
    return builder if proxy.auth is None else builder.basic_auth(*proxy.auth)
