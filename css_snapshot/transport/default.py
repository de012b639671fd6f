"""The transport of a service that is given none, and the way to bring one's own."""

import ssl
from collections.abc import Callable, Mapping
from typing import Final, Literal, get_args

import httpx

from css_snapshot.errors import ConfigurationError
from css_snapshot.transport.over_httpx import HttpxConnection
from css_snapshot.transport.proxies import EnvironmentProxies, Origin, Proxy
from css_snapshot.transport.routed import RoutedTransport
from css_snapshot.transport.sharded import ShardedTransport
from css_snapshot.transport.tls import TlsContexts, usual_context

TransportKind = Literal["httpx", "fast"]


def default_transport(
    kind: TransportKind = "httpx",
    *,
    connections: int = 512,
    trust_env: bool = True,
    ssl_context: ssl.SSLContext | None = None,
) -> httpx.AsyncBaseTransport:
    """Make the transport that a service uses when it is given none.

    It may be shared by any number of services in one event loop; whoever makes it
    closes it.

    Args:
        kind: `"httpx"`; or `"fast"` (extra `fast`), a transport of our own over
            httptools, which takes a quarter of the CPU and proves more often that
            nothing was sent. Through a proxy, `"fast"` is `"httpx"`.
        connections: How many requests may be in flight at once; more wait.
        trust_env: Whether to use the proxies and certificates that the environment
            names. Loopback addresses never go through a proxy.
        ssl_context: TLS settings; by default the usual authorities are trusted, or
            those in `SSL_CERT_FILE`, `SSL_CERT_DIR` or `REQUESTS_CA_BUNDLE`. They are
            read, and a proxy's address is, when the first request needs them.

    Raises:
        ConfigurationError: If the kind is unknown, its package is missing, or
            `connections` is not positive.
    """
    if kind not in _MAKERS:
        known = ", ".join(map(repr, get_args(TransportKind)))
        raise ConfigurationError(f"unknown transport kind {kind!r}; known: {known}")
    if connections < 1:
        raise ConfigurationError("connections: must be at least 1")
    proxies = EnvironmentProxies.from_env() if trust_env else EnvironmentProxies({})
    contexts = TlsContexts(ssl_context, trust_env=trust_env)
    return _MAKERS[kind](proxies, contexts, connections)


def check_tls_environment() -> None:
    """Check the certificates that the environment names, as an https origin would.

    Raises:
        ConfigurationError: If `SSL_CERT_FILE`, `SSL_CERT_DIR` or `REQUESTS_CA_BUNDLE`
            names what is missing or holds no certificate.
    """
    usual_context(trust_env=True)


def _over_httpx(
    proxies: EnvironmentProxies, contexts: TlsContexts, connections: int
) -> httpx.AsyncBaseTransport:
    def make(origin: Origin) -> HttpxConnection:
        proxy = proxies.for_origin(origin)
        return HttpxConnection(contexts.for_hops(origin[0], proxy), proxy)

    return ShardedTransport(make, connections=connections)


def _over_httptools(
    proxies: EnvironmentProxies, contexts: TlsContexts, connections: int
) -> httpx.AsyncBaseTransport:
    try:
        from css_snapshot.transport.over_httptools import (  # noqa: PLC0415  # extra
            HttptoolsTransport,
        )
    except ImportError:
        raise _missing("fast", "httptools") from None

    def make(scheme: str, proxy: Proxy | None) -> httpx.AsyncBaseTransport:
        if proxy is not None:
            return _over_httpx(proxies, contexts, connections)
        return HttptoolsTransport(contexts.for_hops(scheme, proxy))

    return RoutedTransport(make, proxies=proxies, connections=connections)


def _missing(extra: str, package: str) -> ConfigurationError:
    return ConfigurationError(
        f"the transport {extra!r} needs the package {package}: install"
        f" css-snapshot[{extra}]"
    )


_Maker = Callable[[EnvironmentProxies, TlsContexts, int], httpx.AsyncBaseTransport]

_MAKERS: Final[Mapping[TransportKind, _Maker]] = {
    "httpx": _over_httpx,
    "fast": _over_httptools,
}


class ClientTransport(httpx.AsyncBaseTransport):
    """A transport that sends through a client of the caller's, with its hooks and mounts.

    The client's own authentication is not used, redirects are never followed, and
    the client stays the caller's to close.

    Args:
        client: The client to send through.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request as it is; see `httpx.AsyncBaseTransport`.

        Raises:
            ConfigurationError: If the client is closed.
        """
        if self._client.is_closed:
            raise ConfigurationError("the client of this transport is closed")
        try:
            response = await self._client.send(
                request, stream=True, auth=None, follow_redirects=False
            )
        except httpx.HTTPStatusError as exc:
            # A hook called `raise_for_status`, but the service reads the status.
            return _as_read(exc.response)
        return _as_read(response) if response.is_stream_consumed else response


def _as_read(response: httpx.Response) -> httpx.Response:
    """Return what a hook has left of a response that can't be read again."""
    try:
        content = response.content
    except httpx.ResponseNotRead:
        content = b""
    headers = response.headers.copy()
    headers.pop("content-encoding", None)
    return httpx.Response(response.status_code, headers=headers, content=content)
