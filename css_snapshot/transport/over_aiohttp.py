"""aiohttp as a transport: what it does on its own, turned off or told apart."""

import ssl
from typing import Final

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from css_snapshot.errors import ConfigurationError

_ADDED_HEADERS: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_IDLE_SECONDS: Final = 30.0


def aiohttp_transport(
    proxy: httpx.Proxy | None, context: ssl.SSLContext
) -> AiohttpTransport:
    """Make a transport over aiohttp that sends a request once, and as it is.

    aiohttp spells some characters of a query its own way (`%2C` as a comma), and gives
    a `DELETE` a `Content-Length` of 0. The signature covers the decoded query and no
    length, so it holds all the same.

    Args:
        proxy: What to send through; `None` to go directly.
        context: TLS settings.

    Raises:
        ConfigurationError: The proxy is a SOCKS one, which aiohttp has no way with.
    """
    if proxy is not None and proxy.url.scheme.startswith("socks"):
        raise ConfigurationError(
            "the proxy in the environment is a SOCKS proxy, which the transport"
            " 'aiohttp' can't use"
        )

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=_IDLE_SECONDS, ssl=context
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_ADDED_HEADERS,
            trust_env=False,
            middlewares=(_once,),
        )

    return AiohttpTransport(verify=context, proxy=proxy, client=session)


async def _once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a request, and keep aiohttp from sending it again.

    After a connection broke, aiohttp repeats `GET`, `PUT` and `DELETE` by itself.
    """
    try:
        return await send(request)
    except aiohttp.ClientConnectorError as exc:
        raise httpx.ConnectError(str(exc)) from exc
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
        raise httpx.ReadError(str(exc)) from exc
