"""aiohttp as a transport: what it does on its own, turned off or told apart."""

import ssl
import weakref
from typing import Final, cast

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from httpx_aiohttp import AiohttpTransport

from css_snapshot.errors import ConfigurationError
from css_snapshot.transport.failures import (
    NothingSentError,
    no_connection,
    no_tunnel,
)
from css_snapshot.transport.kept import readability_check
from css_snapshot.transport.proxies import Proxy
from css_snapshot.transport.slots import IDLE_SECONDS

_ADDED_HEADERS: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


def aiohttp_transport(context: ssl.SSLContext, proxy: Proxy | None) -> AiohttpTransport:
    """Make a transport over aiohttp that sends a request once, and as it is.

    aiohttp spells some characters of a query its own way (`%2C` as a comma), and gives
    a `DELETE` a `Content-Length` of 0. The signature covers the decoded query and no
    length, so it holds all the same.

    Args:
        context: TLS settings.
        proxy: What to send through; `None` to go directly.

    Raises:
        ConfigurationError: If the proxy is a SOCKS proxy, which aiohttp can't use.
    """
    if proxy is not None and proxy.is_socks:
        raise ConfigurationError(
            f"{proxy.variable}: is a SOCKS proxy, which the transport 'aiohttp' can't"
            " use"
        )

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=_Connector(context, None if proxy is None else proxy.variable),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_ADDED_HEADERS,
            trust_env=False,
            middlewares=(_once,),
        )

    return AiohttpTransport(
        verify=context, proxy=None if proxy is None else proxy.address, client=session
    )


class _Connector(aiohttp.TCPConnector):
    """Connects with proof of what was not sent, and keeps no connection that spoke.

    Args:
        context: TLS settings.
        proxy: The variable that names the proxy of all its connections, if any.
    """

    def __init__(self, context: ssl.SSLContext, proxy: str | None) -> None:
        super().__init__(limit=0, keepalive_timeout=IDLE_SECONDS, ssl=context)
        self._proxy = proxy
        self._kept: weakref.WeakSet[ResponseHandler] = weakref.WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,
    ) -> Connection:
        """Take a connection out of the pool, or make one; see `aiohttp.BaseConnector`.

        Raises:
            NothingSentError: If none can be made.
        """
        while True:
            connection = await self._connect(req, traces, timeout)
            protocol = cast("ResponseHandler", connection.protocol)
            if protocol in self._kept and not _is_quiet(protocol):
                connection.close()
                continue
            self._kept.add(protocol)
            return connection

    async def _connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,
    ) -> Connection:
        try:
            return await super().connect(req, traces, timeout)
        except (aiohttp.ClientError, TimeoutError) as exc:
            if self._proxy is None:
                raise no_connection(exc) from exc
            raise no_tunnel(self._proxy, exc) from exc


def _is_quiet(protocol: ResponseHandler) -> bool:
    """Tell whether a server has said nothing since its last response.

    aiohttp would take it for the response to the next request, or write to what is
    closed already. Of the beginning of a response only its parser knows.
    """
    try:
        if protocol.should_close or protocol.transport is None:
            return False
        parser = protocol._parser  # noqa: SLF001  # there is no other way to ask
        begun = parser is not None and parser.feed_eof() is not None
        has_spoken = readability_check(protocol.transport.get_extra_info("socket"))
        return not begun and not has_spoken()
    except Exception:  # noqa: BLE001  # a parser that can't tell is no proof
        return False


async def _once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a request, and keep aiohttp from sending it again.

    After a connection broke, aiohttp repeats `GET`, `PUT` and `DELETE` by itself.
    """
    try:
        return await send(request)
    except (
        aiohttp.ClientConnectionResetError,
        aiohttp.ClientOSError,
        aiohttp.ServerDisconnectedError,
    ) as exc:
        if _wrote_nothing(exc, request):
            raise NothingSentError(
                "the connection was closed before the request"
            ) from exc
        raise httpx.ReadError(str(exc)) from exc


def _wrote_nothing(failure: BaseException, request: aiohttp.ClientRequest) -> bool:
    """Tell whether aiohttp found a connection closed when it was about to write.

    It writes the headers together with a body that is in one piece.
    """
    origin = (
        failure.__cause__ if isinstance(failure, aiohttp.ClientOSError) else failure
    )
    return (
        isinstance(origin, aiohttp.ClientConnectionResetError)
        and "closing transport" in str(origin)
        and isinstance(request.body, bytes | aiohttp.BytesPayload)
    )
