"""A transport over asyncio and httptools that proves what it has not sent.

Exactly-once stands on what was sent and what was not. A request that meets a
connection which the server has closed is sent again on a new one, or fails with proof
that nothing was sent; the libraries report it as lost, like one that has arrived.
"""

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from typing import Final

import httpx

from css_snapshot.transport.addresses import connect_to_any
from css_snapshot.transport.failures import NothingSentError, no_connection
from css_snapshot.transport.http1_connection import Connection
from css_snapshot.transport.http1_messages import encode_request
from css_snapshot.transport.slots import IDLE_SECONDS

_DEFAULT_PORTS: Final = {b"http": 80, b"https": 443}
_BUFFER_SIZE: Final = 64 * 1024

_Origin = tuple[bytes, bytes, int | None]


class HttptoolsTransport(httpx.AsyncBaseTransport):
    """Sends HTTP/1.1 requests directly, over connections that it keeps.

    It takes any number of requests at once: their number is `RoutedTransport`'s
    business. Bodies are sent in one piece, so their length must be known, and `HEAD`
    is refused.

    uvloop drops what a TLS connection has not read yet when the other side closes it: a
    long response with `Connection: close` may be a lost one there, never one cut short.

    Args:
        context: TLS settings.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._buffer = memoryview(bytearray(_BUFFER_SIZE))
        self._connections: set[Connection] = set()
        self._idle: defaultdict[_Origin, deque[Connection]] = defaultdict(deque)
        self._is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; see `httpx.AsyncBaseTransport`.

        Raises:
            NothingSentError: If it is proven that nothing was sent.
            httpx.LocalProtocolError: If the request can't be sent as HTTP/1.1.
            httpx.UnsupportedProtocol: If the scheme is neither http nor https.
            httpx.TransportError: If no response arrived otherwise.
        """
        data = encode_request(request, await request.aread())
        url = request.url
        origin = (url.raw_scheme, url.raw_host, url.port)
        limits = request.extensions.get("timeout", {})
        connection = self._send_on_kept(origin, data)
        if connection is None:
            connection = await self._connect(origin, limits.get("connect"))
            _send_on_new(connection, data)
        limit = limits.get("read")
        try:
            status, headers = await connection.head(limit)
        except BaseException:
            connection.close()
            raise
        return httpx.Response(
            status, headers=headers, stream=self._body(origin, connection, limit)
        )

    async def aclose(self) -> None:
        """Close every connection, those of requests in flight too, for good."""
        self._is_closed = True
        # One that can't be closed, as its event loop is, keeps no other open.
        await asyncio.gather(
            *[connection.aclose() for connection in self._connections],
            return_exceptions=True,
        )

    def _send_on_kept(self, origin: _Origin, data: bytes) -> Connection | None:
        idle = self._idle[origin]
        while idle:
            connection = idle.pop()
            if connection.send(data):
                return connection
            connection.close()
        return None

    async def _connect(self, origin: _Origin, limit: float | None) -> Connection:
        scheme, host, port = origin[0], origin[1].decode("ascii"), origin[2]
        if scheme not in _DEFAULT_PORTS:
            raise httpx.UnsupportedProtocol("neither http nor https")
        is_encrypted = scheme == b"https"
        try:
            async with asyncio.timeout(limit):
                sock = await connect_to_any(
                    host, _DEFAULT_PORTS[scheme] if port is None else port
                )
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self._buffer, self._connections),
                    sock=sock,
                    ssl=self._context if is_encrypted else None,
                    server_hostname=host if is_encrypted else None,
                )
        except (OSError, UnicodeError) as exc:
            raise no_connection(exc) from exc
        if self._is_closed:
            connection.close()
        return connection

    def _body(
        self, origin: _Origin, connection: Connection, limit: float | None
    ) -> httpx.AsyncByteStream:
        if not connection.is_complete:
            return _Body(connection, limit, lambda: self._release(origin, connection))
        # Nearly all arrive whole: the connection need not wait for who reads the body.
        body = connection.take()
        self._release(origin, connection)
        return httpx.ByteStream(body)

    def _release(self, origin: _Origin, connection: Connection) -> None:
        if self._is_closed or not connection.put_aside():
            connection.close()
            return
        idle = self._idle[origin]
        idle.append(connection)
        while idle[0].idle_since < connection.idle_since - IDLE_SECONDS:
            idle.popleft().close()


def _send_on_new(connection: Connection, data: bytes) -> None:
    if not connection.send(data):
        connection.close()
        raise NothingSentError("the connection was closed before the request was sent")


class _Body(httpx.AsyncByteStream):
    """The body of a response, which gives its connection back when closed, once."""

    def __init__(
        self,
        connection: Connection,
        limit: float | None,
        release: Callable[[], None],
    ) -> None:
        self._connection: Connection | None = connection
        self._limit = limit
        self._release = release

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._connection is not None:
            piece = await self._connection.read(self._limit)
            if not piece:
                return
            yield piece
        # By now the connection may carry the response to another request.
        raise httpx.StreamClosed

    async def aclose(self) -> None:
        """Give the connection back; see `httpx.AsyncByteStream`."""
        if self._connection is not None:
            self._connection = None
            self._release()
