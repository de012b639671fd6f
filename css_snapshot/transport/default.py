"""Ways onto the network, and what their failures prove."""

import ssl
from typing import Literal

import httpx

from css_snapshot.errors import (
    ConfigurationError,
)
from css_snapshot.transport.proxies import EnvironmentProxies, Origin
from css_snapshot.transport.routed import RoutedTransport
from css_snapshot.transport.sharded import ShardedTransport

TransportKind = Literal["httpx", "aiohttp", "fast"]


def default_transport(
    kind: TransportKind | None = None,
    *,
    connections: int = 512,
    trust_env: bool = True,
    ssl_context: ssl.SSLContext | None = None,
) -> httpx.AsyncBaseTransport:
    """Make the transport a service uses when it is given none.

    It may be shared by any number of services in one event loop; whoever makes it
    closes it.

    Args:
        kind: The library underneath: `"httpx"`, which `None` takes too, `"aiohttp"`
            (extra `aiohttp`), or `"fast"`, which is pyreqwest (extra `fast`). Both
            others take about half the CPU of the first. The last has to be asked for
            even where it is installed: a process that ends with calls in flight, or
            without closing the transport, may be aborted by its threads (`SIGABRT`,
            seen in one of a hundred, pyreqwest 0.15.1).
        connections: How many requests may be in flight at once; more wait.
        trust_env: Whether to use the proxies the environment names. Loopback
            addresses never go through a proxy.
        ssl_context: TLS settings; by default the usual certificates are trusted,
            and `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured. `"fast"` has a TLS of
            its own, which honours these two variables always, and no context.

    Raises:
        ConfigurationError: The kind is unknown or its package is missing, there are
            to be no connections, a proxy in the environment can't be used, or
            `"fast"` is to use an `ssl_context`.
    """
    if kind not in {None, "httpx", "aiohttp", "fast"}:
        raise ConfigurationError(
            f"unknown transport kind {kind!r}; known: 'httpx', 'aiohttp', 'fast'"
        )
    if connections < 1:
        raise ConfigurationError("connections: must be at least 1")
    proxies = EnvironmentProxies.from_env() if trust_env else EnvironmentProxies({})
    if kind == "fast":
        return _over_pyreqwest(proxies, connections, ssl_context)
    context = ssl_context or httpx.create_ssl_context(trust_env=trust_env)
    if kind == "aiohttp":
        return _over_aiohttp(proxies, connections, context)
    return _over_httpx(proxies, connections, context)


def _over_pyreqwest(
    proxies: EnvironmentProxies, connections: int, context: ssl.SSLContext | None
) -> httpx.AsyncBaseTransport:
    try:
        from css_snapshot.transport.over_pyreqwest import FastTransport  # noqa: PLC0415  # extra
    except ImportError:
        raise _missing("fast", "pyreqwest") from None
    if context is not None:
        raise ConfigurationError(
            "ssl_context: the transport 'fast' has a TLS of its own; name certificates"
            " in SSL_CERT_FILE, or take the transport 'httpx' or 'aiohttp'"
        )
    try:
        return RoutedTransport(FastTransport, proxies=proxies, connections=connections)
    except RuntimeError as exc:
        raise ConfigurationError(f"the transport 'fast' can't be used: {exc}") from exc


def _over_aiohttp(
    proxies: EnvironmentProxies, connections: int, context: ssl.SSLContext
) -> httpx.AsyncBaseTransport:
    try:
        from css_snapshot.transport.over_aiohttp import (  # noqa: PLC0415  # extra
            aiohttp_transport,
        )
    except ImportError:
        raise _missing("aiohttp", "httpx-aiohttp") from None
    return RoutedTransport(
        lambda proxy: aiohttp_transport(proxy, context),
        proxies=proxies,
        connections=connections,
    )


def _missing(extra: str, package: str) -> ConfigurationError:
    return ConfigurationError(
        f"the transport {extra!r} needs the package {package}: install"
        f" css-snapshot[{extra}]"
    )


def _over_httpx(
    proxies: EnvironmentProxies, connections: int, context: ssl.SSLContext
) -> httpx.AsyncBaseTransport:
    def one_connection(origin: Origin) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=context,
            trust_env=False,
            proxy=proxies.for_origin(origin),
            limits=httpx.Limits(max_connections=1, keepalive_expiry=30.0),
        )

    return ShardedTransport(one_connection, connections=connections)


class ClientTransport(httpx.AsyncBaseTransport):
    """A transport that sends through a client of yours, with its hooks and mounts.

    The client's own authentication is not used, redirects are never followed, and
    the client stays yours to close.

    Args:
        client: The client to send through.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request as it is; see `httpx.AsyncBaseTransport`.

        Raises:
            ConfigurationError: The client is closed.
        """
        if self._client.is_closed:
            raise ConfigurationError("the client of this transport is closed")
        try:
            response = await self._client.send(
                request, stream=True, auth=None, follow_redirects=False
            )
        except httpx.HTTPStatusError as exc:
            # A hook called `raise_for_status`, but the verdict is the service's.
            return _as_read(exc.response)
        return _as_read(response) if response.is_stream_consumed else response


def _as_read(response: httpx.Response) -> httpx.Response:
    """Answer what a hook left of an answer that can't be read again."""
    try:
        content = response.content
    except httpx.ResponseNotRead:
        content = b""
    headers = response.headers.copy()
    headers.pop("content-encoding", None)
    return httpx.Response(response.status_code, headers=headers, content=content)
