from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from css_snapshot.errors import ConfigurationError
from css_snapshot.transport.proxies import EnvironmentProxies, Proxy
from css_snapshot.transport.routed import RoutedTransport
from css_snapshot.transport.slots import async_stream


def _routed(
    make: Callable[[str, Proxy | None], httpx.AsyncBaseTransport],
    proxies: dict[str, str] | None = None,
) -> RoutedTransport:
    return RoutedTransport(
        make, proxies=EnvironmentProxies(proxies or {}), connections=1
    )


async def test_a_setting_that_can_not_be_used_is_told_as_it_is() -> None:
    def make(*_: object) -> httpx.AsyncBaseTransport:
        raise ConfigurationError("no SOCKS")

    transport = _routed(make)

    for _ in range(2):
        with pytest.raises(ConfigurationError, match="no SOCKS"):
            await transport.handle_async_request(
                httpx.Request("GET", "http://css.example/")
            )


async def test_origins_share_a_transport_by_scheme_and_by_whether_there_is_a_proxy() -> (
    None
):
    made: list[tuple[str, str | None]] = []

    def make(scheme: str, proxy: Proxy | None) -> httpx.AsyncBaseTransport:
        made.append((scheme, None if proxy is None else str(proxy.address.url)))
        return httpx.MockTransport(lambda _: httpx.Response(200))

    transport = _routed(make, {"https": "http://proxy.example", "no": "b.example"})
    for url in (
        *("http://a.example", "http://b.example:81", "https://a.example"),
        *("https://b.example", "https://c.example", "https://a.example"),
    ):
        response = await transport.handle_async_request(httpx.Request("GET", url))
        await async_stream(response).aclose()

    assert made == [
        ("http", None),
        ("https", "http://proxy.example"),
        ("https", None),
    ]


def _request() -> httpx.Request:
    return httpx.Request(
        "GET", "http://css.example/", extensions={"timeout": {"pool": 0.0}}
    )


async def test_a_body_in_memory_occupies_nothing() -> None:
    transport = _routed(
        lambda *_: httpx.MockTransport(lambda _: httpx.Response(200, content=b"hello"))
    )

    for _ in range(2):
        response = await transport.handle_async_request(_request())
        assert await response.aread() == b"hello"


async def test_a_body_under_way_occupies_a_slot_until_it_is_closed() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"hello"

    transport = _routed(
        lambda *_: httpx.MockTransport(lambda _: httpx.Response(200, content=pieces()))
    )
    first = await transport.handle_async_request(_request())

    with pytest.raises(httpx.PoolTimeout):
        await transport.handle_async_request(_request())

    await first.aclose()
    second = await transport.handle_async_request(_request())
    assert await second.aread() == b"hello"
    await second.aclose()
