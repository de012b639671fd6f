"""What the default transport sees inside httpcore, and what it does where it can't."""

import ssl
from collections.abc import Mapping

import httpx
import pytest

from css_snapshot.transport.over_httpx import HttpxConnection
from css_snapshot.transport.proxies import Proxy
from tests.support.fault_server import FaultServer


def _connection(proxy: Proxy | None = None) -> HttpxConnection:
    return HttpxConnection(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), proxy)


async def _get(connection: HttpxConnection, url: str, **extensions: object) -> None:
    request = httpx.Request("GET", url, extensions=extensions)
    response = await connection.handle_async_request(request)
    await response.aread()
    await response.aclose()


async def test_a_clean_connection_is_reusable() -> None:
    async with FaultServer() as server, _connection() as connection:
        await _get(connection, f"{server.endpoint}/x")

        assert connection.is_reusable()


def test_a_transport_without_a_connection_has_nothing_left_over() -> None:
    assert _connection().is_reusable()


@pytest.mark.parametrize(
    "missing",
    ["_h11_state", "_network_stream"],
)
async def test_where_httpcore_is_built_otherwise_no_connection_is_kept(
    missing: str,
) -> None:
    async with FaultServer() as server, _connection() as connection:
        await _get(connection, f"{server.endpoint}/x")
        inner = connection._pool.connections[0]._connection  # type: ignore[attr-defined]  # what is looked at
        kept = vars(inner).pop(missing)
        try:
            assert not connection.is_reusable()
        finally:
            setattr(inner, missing, kept)


async def test_a_trace_of_the_caller_s_is_called_and_left_on_the_request() -> None:
    seen: list[str] = []

    async def trace(event: str, info: Mapping[str, object]) -> None:
        seen.append(event)

    async with FaultServer() as proxy:
        address = httpx.Proxy(f"http://127.0.0.1:{proxy.port}")
        async with _connection(Proxy("HTTP_PROXY", address)) as connection:
            request = httpx.Request(
                "GET", "http://css.example/x", extensions={"trace": trace}
            )
            response = await connection.handle_async_request(request)
            await response.aclose()

    assert request.extensions == {"trace": trace}
    assert "http11.send_request_headers.started" in seen


async def test_the_connect_timeout_ends_with_connecting() -> None:
    async with FaultServer() as proxy:
        address = httpx.Proxy(f"http://127.0.0.1:{proxy.port}")
        async with _connection(Proxy("HTTP_PROXY", address)) as connection:
            for _ in range(2):
                await _get(
                    connection, "http://css.example/x", timeout={"connect": None}
                )

    assert proxy.connections == 1


def test_tls_to_a_proxy_trusts_what_tls_through_it_does() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    secure = Proxy("HTTPS_PROXY", httpx.Proxy("https://proxy.example"))
    plain = Proxy("HTTPS_PROXY", httpx.Proxy("http://proxy.example"))

    HttpxConnection(context, secure)
    HttpxConnection(context, plain)

    assert secure.address.ssl_context is context
    assert plain.address.ssl_context is None
