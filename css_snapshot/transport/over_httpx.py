"""httpx as a transport of one connection: what may have been sent, and is it clean."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import httpx

from css_snapshot.transport.failures import no_tunnel
from css_snapshot.transport.proxies import Proxy
from css_snapshot.transport.slots import IDLE_SECONDS

_Trace = Callable[[str, Mapping[str, Any]], Awaitable[object]]

_LEAVING: Final = "http11.send_request_headers.started"


class HttpxConnection(httpx.AsyncHTTPTransport):
    """Sends through httpx, over one connection, with proof of what was not sent.

    Args:
        context: TLS settings.
        proxy: What to send through; `None` to go directly.
    """

    def __init__(self, context: ssl.SSLContext, proxy: Proxy | None) -> None:
        super().__init__(
            verify=context,
            trust_env=False,
            proxy=None if proxy is None else _with_context(proxy, context),
            limits=httpx.Limits(max_connections=1, keepalive_expiry=IDLE_SECONDS),
        )
        self._proxy = proxy

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; see `httpx.AsyncHTTPTransport`.

        Raises:
            NothingSentError: If the proxy made no tunnel within the connect timeout.
        """
        if self._proxy is None:
            return await super().handle_async_request(request)
        extensions = request.extensions
        connecting = _Connecting(extensions)
        request.extensions = {**extensions, "trace": connecting.trace}
        try:
            async with connecting.limit:
                return await super().handle_async_request(request)
        except Exception as exc:
            if connecting.done:
                raise
            raise no_tunnel(self._proxy.variable, exc) from exc
        finally:
            request.extensions = extensions

    def is_reusable(self) -> bool:
        """Tell, after a whole response, whether nothing is left over behind it.

        httpcore would take what is left over for the response to the next request, and
        has no way to ask, so this looks inside. Where it can't, the answer is no.
        """
        try:
            return not any(map(_has_leftovers, self._pool.connections))
        except AttributeError:
            return False


class _Connecting:
    """Watches a request until its own headers leave, which ends the connect timeout.

    httpcore limits each step of connecting by itself, and the wait for a proxy to
    respond to CONNECT by the timeout for reading.

    Args:
        extensions: The request's.

    Attributes:
        limit: The connect timeout, over all steps.
        done: Whether the request's own headers may have left.
    """

    def __init__(self, extensions: dict[str, Any]) -> None:
        self.limit = asyncio.timeout(extensions.get("timeout", {}).get("connect"))
        self.done = False
        self._theirs: _Trace | None = extensions.get("trace")

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of an event; see httpcore's extension `trace`."""
        if event == _LEAVING and info["request"].method != b"CONNECT":
            self.limit.reschedule(None)
            self.done = True
        if self._theirs is not None:
            await self._theirs(event, info)


def _with_context(proxy: Proxy, context: ssl.SSLContext) -> httpx.Proxy:
    """Let the TLS to a proxy trust what the TLS through it does."""
    address = proxy.address
    if proxy.scheme == "https":
        address.ssl_context = context
    return address


def _has_leftovers(connection: Any) -> bool:
    """Tell whether bytes wait to be read where httpcore would not look for them.

    They can be in h11's buffer, in TLS that is decrypted record by record, and in the
    queue of anyio, which splits what it read at once. Those still in the socket are
    found by httpcore before it uses the connection again.
    """
    while not hasattr(connection, "_h11_state"):
        connection = connection._connection  # noqa: SLF001  # see is_reusable
    unparsed, _ = connection._h11_state.trailing_data  # noqa: SLF001
    stream = connection._network_stream._stream  # noqa: SLF001
    while hasattr(stream, "transport_stream"):
        if _is_readable(stream._ssl_object):  # noqa: SLF001
            return True
        stream = stream.transport_stream
    return bool(unparsed or stream._protocol.read_queue)  # noqa: SLF001


def _is_readable(tls: ssl.SSLObject) -> bool:
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        return True
    return True
