import base64
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Final

import attrs
import httpx
import pytest
import trustme

from css_snapshot import RetryPolicy, SnapshotService
from css_snapshot.endpoints import is_loopback
from css_snapshot.errors import (
    ConfigurationError,
    ConnectFailedError,
    ConnectionLostError,
    CSSError,
    GatewayError,
    RequestTimeoutError,
)
from css_snapshot.transport.proxies import EnvironmentProxies
from tests.support.fault_server import (
    FaultServer,
    Script,
    Wire,
    answer,
    deaf,
    drip_head,
    echo,
    garbage,
    replies,
    reset_after_request,
    reset_at_accept,
    serve,
    silent,
    tunnel_to,
)

MakeService = Callable[..., SnapshotService]
MakeTransport = Callable[..., httpx.AsyncBaseTransport]
WhereLeaked = Callable[[BaseException, Iterable[str]], list[str]]

USER: Final = "proxyuser"
PASSWORD: Final = "pr0xyPassw0rd"
HASTY: Final = 0.5
PATIENT: Final = 30.0
CREDENTIALS: Final = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def _proxy_for(url: str, variables: dict[str, str]) -> str | None:
    parsed = httpx.URL(url)
    proxies = EnvironmentProxies(
        {name.removesuffix("_proxy"): value for name, value in variables.items()}
    )
    proxy = proxies.for_origin((parsed.scheme, parsed.host, parsed.port))
    return None if proxy is None else str(proxy.address.url)


@pytest.mark.parametrize(
    ("url", "variables", "proxy"),
    [
        ("https://css.example", {}, None),
        ("https://css.example", {"https_proxy": "http://p:1"}, "http://p:1"),
        ("https://css.example", {"https_proxy": "p:1"}, "http://p:1"),
        ("https://css.example", {"https_proxy": "https://p:1"}, "https://p:1"),
        ("https://css.example", {"http_proxy": "http://p:1"}, None),
        ("https://css.example", {"all_proxy": "http://p:1"}, "http://p:1"),
        (
            "https://css.example",
            {"all_proxy": "http://p:1", "https_proxy": "http://q:1"},
            "http://q:1",
        ),
        ("http://css.example", {"http_proxy": "http://p:1"}, "http://p:1"),
        ("https://css.example", {"https_proxy": ""}, None),
        ("https://css.example", {"https_proxy": "p:65535"}, "http://p:65535"),
    ],
)
def test_the_proxy_is_the_one_for_the_scheme_or_for_all(
    url: str, variables: dict[str, str], proxy: str | None
) -> None:
    assert _proxy_for(url, variables) == proxy


@pytest.mark.parametrize(
    ("url", "bypassed"),
    [
        ("https://css.example", "css.example"),
        ("https://css.example", "CSS.Example"),
        ("https://css.example", "other, .example"),
        ("https://css.example", "example"),
        ("https://css.example", "*"),
        ("https://css.example", "css.example:443"),
        ("https://css.example:8443", "css.example:8443"),
        ("https://css.example:8443", "css.example"),
        ("https://10.0.0.8", "10.0.0.8"),
        ("http://css.example", "css.example:80"),
    ],
)
def test_a_host_in_no_proxy_is_reached_directly(url: str, bypassed: str) -> None:
    variables = {"all_proxy": "http://p:1", "no_proxy": bypassed}

    assert _proxy_for(url, variables) is None


@pytest.mark.parametrize(
    ("url", "bypassed"),
    [
        ("https://css.example", "other.example"),
        ("https://css.example", "css.example:8443"),
        ("https://css.example:8443", "css.example:443"),
        ("https://xcss.example", "css.example"),
        ("https://css.example.evil", "css.example"),
    ],
)
def test_a_host_not_in_no_proxy_goes_through_it(url: str, bypassed: str) -> None:
    variables = {"https_proxy": "http://p:1", "no_proxy": bypassed}

    assert _proxy_for(url, variables) == "http://p:1"


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://127.1.2.3",
        "http://[::1]:8080",
        "https://css.localhost",
    ],
)
def test_loopback_never_goes_through_a_proxy(url: str) -> None:
    variables = {"all_proxy": "http://p:1", "http_proxy": "http://p:1"}

    assert _proxy_for(url, variables) is None


@pytest.mark.parametrize(
    "host",
    ["css.example", "127.evil.example", "localhost.evil.example", "10.0.0.1", ""],
)
def test_other_hosts_are_not_taken_for_loopback(host: str) -> None:
    assert is_loopback(host) is False


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("HTTPS_PROXY", "https://css.example"),
        ("https_proxy", "https://css.example"),
        ("HTTP_PROXY", "http://css.example"),
        ("ALL_PROXY", "https://css.example"),
        ("all_proxy", "http://css.example"),
    ],
)
async def test_a_proxy_that_can_not_be_used_is_named_by_whoever_needs_it(
    make_transport: MakeTransport,
    monkeypatch: pytest.MonkeyPatch,
    transport_kind: str,
    variable: str,
    url: str,
) -> None:
    monkeypatch.setenv(variable, "socks://127.0.0.1:7890/")
    transport = make_transport(transport_kind, connections=1)

    for _ in range(2):
        with pytest.raises(
            ConfigurationError, match=f"^{variable}: is not the address"
        ):
            await transport.handle_async_request(httpx.Request("GET", url))


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"NO_PROXY": "*"},
        {"NO_PROXY": "10.0.0.0/8, css.example"},
        {"HTTPS_PROXY": "http://proxy.example:3128"},
    ],
    ids=["loopback", "all", "listed", "another"],
)
def test_a_proxy_that_can_not_be_used_stops_nobody_else(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:7890/")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    proxies = EnvironmentProxies.from_env()

    host = "css.example" if variables else "127.0.0.1"
    proxy = proxies.for_origin(("https", host, None))
    used = None if proxy is None else (proxy.variable, str(proxy.address.url))
    assert used == (
        ("HTTPS_PROXY", "http://proxy.example:3128")
        if "HTTPS_PROXY" in variables
        else None
    )


@pytest.mark.parametrize(
    "address",
    [
        f"socks5://{USER}:{PASSWORD}@proxy.example:1080",
        f"socks5h://{USER}:{PASSWORD}@proxy.example",
        f"socks4://{USER}:{PASSWORD}@proxy.example",
        f"ftp://{USER}:{PASSWORD}@proxy.example",
        f"http://{USER}:{PASSWORD}@",
        f"http://{USER}:{PASSWORD}@proxy.example:port",
        f"http://{USER}:{PASSWORD}@proxy.example:65536",
        f"http://{USER}:{PASSWORD}@[::",
        f"http://{USER}:{PASSWORD}@pro\x00xy.example",
        f"http://{USER}:{PASSWORD}@-\u2028-.example",
        "http://",
        "://",
    ],
    ids=[
        *("socks5", "socks5h", "socks4", "ftp", "no-host", "port-word", "port-high"),
        *("bracket", "control", "not-idna", "scheme-only", "nothing"),
    ],
)
def test_an_unusable_proxy_is_refused_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch,
    where_leaked: WhereLeaked,
    address: str,
) -> None:
    monkeypatch.setattr("os.environ", {"HTTPS_PROXY": address})
    monkeypatch.setattr("css_snapshot.transport.proxies._has_socks", lambda: False)
    proxies = EnvironmentProxies.from_env()

    with pytest.raises(ConfigurationError, match=r"^HTTPS_PROXY: is ") as caught:
        proxies.for_origin(("https", "css.example", None))

    assert where_leaked(caught.value, [PASSWORD]) == []
    assert "example" not in str(caught.value)
    assert USER not in str(caught.value)
    assert caught.value.__context__ is None


async def test_an_unusable_proxy_is_no_matter_when_the_environment_is_not_to_be_used(
    make_transport: MakeTransport, monkeypatch: pytest.MonkeyPatch, transport_kind: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", "ftp://proxy.example")
    transport = make_transport(transport_kind, trust_env=False)

    with pytest.raises(httpx.TransportError):
        await transport.handle_async_request(httpx.Request("GET", "http://css.invalid"))


def test_the_addresses_of_proxies_are_not_shown() -> None:
    proxies = EnvironmentProxies({"https": f"http://{USER}:{PASSWORD}@proxy.example"})
    proxy = proxies.for_origin(("https", "css.example", None))

    for shown in (repr(proxies), repr(proxy)):
        assert PASSWORD not in shown
        assert USER not in shown


@pytest.mark.parametrize("port", ["", ":1", ":65535"])
def test_the_address_of_a_proxy_may_have_any_port(port: str) -> None:
    proxies = EnvironmentProxies({"https": f"http://proxy.example{port}"})

    proxy = proxies.for_origin(("https", "css.example", None))

    assert proxy is not None
    assert str(proxy.address.url) == f"http://proxy.example{port}"


@pytest.mark.parametrize("is_installed", [True, False])
def test_a_socks_proxy_can_be_used_where_its_package_is(
    monkeypatch: pytest.MonkeyPatch, *, is_installed: bool
) -> None:
    def find(name: str) -> object:
        assert name == "socksio"
        return object() if is_installed else None

    monkeypatch.setattr("importlib.util.find_spec", find)
    proxies = EnvironmentProxies({"https": "socks5://proxy.example"})

    if is_installed:
        assert proxies.for_origin(("https", "css.example", None)) is not None
    else:
        with pytest.raises(ConfigurationError, match="needs the package socksio"):
            proxies.for_origin(("https", "css.example", None))


@pytest.fixture
def certified(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("css.example").configure_cert(context)
    return context


async def test_https_goes_through_a_tunnel_and_the_proxy_sees_no_credentials(
    make_service: MakeService,
    make_trusting: Callable[[str], httpx.AsyncBaseTransport],
    transport_kind: str,
    monkeypatch: pytest.MonkeyPatch,
    certified: ssl.SSLContext,
) -> None:
    async with (
        FaultServer(tls=certified) as server,
        FaultServer(healthy=tunnel_to(server)) as proxy,
    ):
        address = f"http://{USER}:{PASSWORD}@127.0.0.1:{proxy.port}"
        monkeypatch.setenv("HTTPS_PROXY", address)
        transport = make_trusting(transport_kind)
        service = make_service(transport)
        for _ in range(3):
            await service.create("c1", "snapshot_001")
        await transport.aclose()

    assert (proxy.connections, len(server.requests)) == (1, 3)
    (connect,) = proxy.requests
    assert (connect.method, connect.target) == ("CONNECT", "css.example:443")
    assert connect.headers["proxy-authorization"].startswith("Basic ")
    assert "x-auth-token" not in connect.headers
    assert "proxy-authorization" not in server.requests[0].headers
    assert "x-auth-token" in server.requests[0].headers


async def test_plain_http_is_forwarded_by_the_proxy(
    make_service: MakeService,
    make_transport: MakeTransport,
    transport_kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FaultServer(healthy=serve) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        service = make_service(
            make_transport(transport_kind),
            endpoint="http://css.example",
            allow_insecure=True,
        )
        await service.list("c1")

    (forwarded,) = proxy.requests
    assert forwarded.target.startswith("http://css.example/v1.0/")
    assert forwarded.headers["host"] == "css.example"


async def test_loopback_is_reached_past_the_proxy(
    make_service: MakeService,
    make_transport: MakeTransport,
    transport_kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FaultServer() as proxy, FaultServer() as server:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        transport = make_transport(transport_kind)
        await make_service(transport, endpoint=server.endpoint).list("c1")

    assert (proxy.connections, len(server.requests)) == (0, 1)


@pytest.mark.parametrize("status", [407, 403, 500, 502])
async def test_a_proxy_that_refuses_is_told_from_a_service_that_does(
    *,
    make_service: MakeService,
    make_transport: MakeTransport,
    where_leaked: WhereLeaked,
    monkeypatch: pytest.MonkeyPatch,
    transport_kind: str,
    status: int,
) -> None:
    async with FaultServer(healthy=replies(answer(status))) as proxy:
        address = f"http://{USER}:{PASSWORD}@127.0.0.1:{proxy.port}"
        monkeypatch.setenv("HTTPS_PROXY", address)
        service = make_service(
            make_transport(transport_kind), retry=RetryPolicy.gateway()
        )
        with pytest.raises(ConnectFailedError) as caught:
            await service.create("c1", "snapshot_001")

    assert (caught.value.kind, caught.value.sent) == ("proxy", False)
    assert proxy.connections == 1
    assert where_leaked(caught.value, [PASSWORD, CREDENTIALS]) == []


async def test_a_refusal_tells_the_variable_and_the_status_and_nothing_else(
    make_service: MakeService,
    make_transport: MakeTransport,
    monkeypatch: pytest.MonkeyPatch,
    transport_kind: str,
) -> None:
    spiteful = f"HTTP/1.1 407 {CREDENTIALS} \x1b[31m\r\nContent-Length: 0\r\n\r\n"
    async with FaultServer(healthy=replies(spiteful.encode())) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        service = make_service(make_transport(transport_kind))
        with pytest.raises(ConnectFailedError) as caught:
            await service.create("c1", "snapshot_001")

    assert str(caught.value) == (
        "no connection: the proxy in https_proxy refused with status 407;"
        " nothing was sent"
    )
    assert caught.value.retryable is False


async def ssh(wire: Wire) -> None:
    """Be another kind of server altogether, whose head never ends."""
    await wire.request()
    await wire.send(b"SSH-2.0-OpenSSH_9\r\n")
    await wire.client_gone()


async def ssh_at_once(wire: Wire) -> None:
    """Speak before being spoken to, as SSH does."""
    await wire.send(b"SSH-2.0-OpenSSH_9\r\n")
    await wire.client_gone()


async def closed_at_once(wire: Wire) -> None:
    """Close the connection without a word."""
    await wire.request()


async def half_a_head(wire: Wire) -> None:
    """Close the connection in the middle of the head."""
    await wire.request()
    await wire.send(b"HTTP/1.1 200 Connection est")


async def tunnel_to_nowhere(wire: Wire) -> None:
    """Promise a tunnel, and close it."""
    await wire.request()
    await wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")


async def tunnel_to_silence(wire: Wire) -> None:
    """Promise a tunnel in which nobody speaks."""
    await wire.request()
    await wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await wire.client_gone()


BROKEN_PROXIES: Final[dict[str, tuple[Script, float]]] = {
    "ssh": (ssh, HASTY),
    "ssh-at-once": (ssh_at_once, HASTY),
    "echo": (echo, PATIENT),
    "garbage": (garbage, PATIENT),
    "closed": (closed_at_once, PATIENT),
    "half-a-head": (half_a_head, PATIENT),
    "reset-at-accept": (reset_at_accept, PATIENT),
    "reset-later": (reset_after_request, PATIENT),
    "tunnel-to-nowhere": (tunnel_to_nowhere, PATIENT),
    "silent": (silent, HASTY),
    "deaf": (deaf, HASTY),
    "drip": (drip_head, HASTY),
    "tunnel-to-silence": (tunnel_to_silence, HASTY),
}
"""How a proxy may fail to make a tunnel, and the seconds that a call has."""


@pytest.mark.parametrize(
    ("script", "timeout"), BROKEN_PROXIES.values(), ids=BROKEN_PROXIES
)
async def test_a_proxy_that_makes_no_tunnel_proves_that_nothing_was_sent(
    *,
    make_service: MakeService,
    make_trusting: Callable[[str], httpx.AsyncBaseTransport],
    where_leaked: WhereLeaked,
    monkeypatch: pytest.MonkeyPatch,
    transport_kind: str,
    script: Script,
    timeout: float,
) -> None:
    async with FaultServer(healthy=script) as proxy:
        address = f"http://{USER}:{PASSWORD}@127.0.0.1:{proxy.port}"
        monkeypatch.setenv("HTTPS_PROXY", address)
        service = make_service(make_trusting(transport_kind), timeout=timeout)
        with pytest.raises(ConnectFailedError) as caught:
            await service.create("c1", "snapshot_001")

    assert (caught.value.kind, caught.value.sent) == ("proxy", False)
    assert caught.value.retryable is True
    assert "the proxy in HTTPS_PROXY failed" in str(caught.value)
    assert str(caught.value).isprintable()
    assert "SSH" not in str(caught.value)
    assert proxy.connections == 1
    assert where_leaked(caught.value, [PASSWORD, CREDENTIALS]) == []


async def test_a_proxy_that_nobody_listens_at_is_named(
    make_service: MakeService,
    make_transport: MakeTransport,
    monkeypatch: pytest.MonkeyPatch,
    transport_kind: str,
) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{bound.getsockname()[1]}")
        service = make_service(make_transport(transport_kind))
        with pytest.raises(
            ConnectFailedError, match="the proxy in ALL_PROXY"
        ) as caught:
            await service.create("c1", "snapshot_001")

    assert (caught.value.kind, caught.value.retryable) == ("proxy", True)


async def test_connections_through_a_proxy_are_tried_again_where_others_are(
    make_service: MakeService,
    make_trusting: Callable[[str], httpx.AsyncBaseTransport],
    transport_kind: str,
    monkeypatch: pytest.MonkeyPatch,
    certified: ssl.SSLContext,
) -> None:
    async with (
        FaultServer(tls=certified) as server,
        FaultServer(healthy=tunnel_to(server)) as proxy,
    ):
        proxy.plan(garbage, closed_at_once, reset_at_accept)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        transport = make_trusting(transport_kind)
        patient = RetryPolicy.gateway(attempts=4)
        service = make_service(transport, retry=attrs.evolve(patient, base=0.0))
        await service.create("c1", "snapshot_001")
        await transport.aclose()

    assert (proxy.connections, len(server.requests)) == (4, 1)


@pytest.mark.parametrize("flaw", ["certificate", "no-tls"])
async def test_tls_that_fails_inside_a_tunnel_is_told_from_the_proxy(
    *,
    make_service: MakeService,
    make_trusting: Callable[[str], httpx.AsyncBaseTransport],
    transport_kind: str,
    monkeypatch: pytest.MonkeyPatch,
    flaw: str,
) -> None:
    untrusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("css.example").configure_cert(untrusted)
    tls = untrusted if flaw == "certificate" else None

    async def refuse(wire: Wire) -> None:
        await wire.reader.read(1)
        await wire.send(answer(400))

    async with (
        FaultServer(tls=tls, healthy=refuse) as server,
        FaultServer(healthy=tunnel_to(server)) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        transport = make_trusting(transport_kind)
        with pytest.raises(ConnectFailedError) as caught:
            await make_service(transport).create("c1", "snapshot_001")
        await transport.aclose()

    assert (caught.value.kind, caught.value.sent) == ("tls", False)
    assert caught.value.retryable is False


@pytest.mark.parametrize(
    ("script", "error"),
    [(reset_after_request, ConnectionLostError), (silent, RequestTimeoutError)],
    ids=["reset", "silent"],
)
async def test_what_was_lost_inside_a_tunnel_may_have_been_carried_out(
    *,
    make_service: MakeService,
    make_trusting: Callable[[str], httpx.AsyncBaseTransport],
    transport_kind: str,
    monkeypatch: pytest.MonkeyPatch,
    certified: ssl.SSLContext,
    script: Script,
    error: type[CSSError],
) -> None:
    async with (
        FaultServer(tls=certified) as server,
        FaultServer(healthy=tunnel_to(server)) as proxy,
    ):
        server.plan(script)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        transport = make_trusting(transport_kind)
        service = make_service(transport, timeout=2 * HASTY)
        with pytest.raises(error) as caught:
            await service.create("c1", "snapshot_001")
        await transport.aclose()

    assert caught.value.sent is None
    assert len(server.requests) == 1


async def test_a_request_lost_by_a_proxy_that_forwards_may_have_been_carried_out(
    make_service: MakeService,
    make_transport: MakeTransport,
    transport_kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FaultServer(healthy=reset_after_request) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        service = make_service(
            make_transport(transport_kind),
            endpoint="http://css.example",
            allow_insecure=True,
        )
        with pytest.raises(ConnectionLostError) as caught:
            await service.create("c1", "snapshot_001")

    assert caught.value.sent is None
    assert len(proxy.requests) == 1


async def test_a_forwarding_proxy_that_fails_looks_like_a_gateway(
    make_service: MakeService,
    make_transport: MakeTransport,
    transport_kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FaultServer(healthy=replies(answer(502))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        service = make_service(
            make_transport(transport_kind),
            endpoint="http://css.example",
            allow_insecure=True,
        )
        with pytest.raises(GatewayError):
            await service.create("c1", "snapshot_001")

    assert proxy.connections == 1
