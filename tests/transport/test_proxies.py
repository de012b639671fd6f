import base64
import ssl
from collections.abc import Callable, Iterable
from typing import Final

import httpx
import pytest
import trustme

from css_snapshot import RetryPolicy, SnapshotService, default_transport
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
    answer,
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
CREDENTIALS: Final = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

# httpx-aiohttp gives a proxy's password to aiohttp in a way it no longer likes.
pytestmark = pytest.mark.filterwarnings(
    "ignore:BasicAuth is deprecated:DeprecationWarning",
    "ignore:The 'proxy_auth' parameter is deprecated:DeprecationWarning",
)


def _proxy_for(url: str, variables: dict[str, str]) -> str | None:
    parsed = httpx.URL(url)
    proxies = EnvironmentProxies(
        {name.removesuffix("_proxy"): value for name, value in variables.items()}
    )
    proxy = proxies.for_origin((parsed.scheme, parsed.host, parsed.port))
    return None if proxy is None else str(proxy.url)


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
    ],
)
def test_a_host_in_no_proxy_is_reached_directly(url: str, bypassed: str) -> None:
    variables = {"https_proxy": "http://p:1", "no_proxy": bypassed}

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
    "variable", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"]
)
def test_every_variable_that_names_a_proxy_is_checked_at_construction(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "ftp://proxy.example")

    with pytest.raises(ConfigurationError, match="is not a usable address"):
        default_transport()


@pytest.mark.parametrize(
    "address",
    [
        f"socks5://{USER}:{PASSWORD}@proxy.example:1080",
        f"socks5h://{USER}:{PASSWORD}@proxy.example",
        f"socks4://{USER}:{PASSWORD}@proxy.example",
        f"ftp://{USER}:{PASSWORD}@proxy.example",
        f"http://{USER}:{PASSWORD}@",
        f"http://{USER}:{PASSWORD}@proxy.example:port",
        f"http://{USER}:{PASSWORD}@proxy.example:99999",
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
def test_an_unusable_proxy_is_refused_at_construction_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch,
    where_leaked: WhereLeaked,
    address: str,
) -> None:
    monkeypatch.setattr("os.environ", {"HTTPS_PROXY": address})
    monkeypatch.setattr("css_snapshot.transport.proxies._has_socks", lambda: False)

    with pytest.raises(ConfigurationError, match="in the environment is") as caught:
        default_transport()

    assert where_leaked(caught.value, [PASSWORD]) == []
    assert "example" not in str(caught.value)
    assert USER not in str(caught.value)
    assert caught.value.__context__ is None


def test_an_unusable_proxy_is_no_matter_when_the_environment_is_not_to_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.example")

    assert default_transport(trust_env=False) is not None


def test_the_addresses_of_proxies_are_not_shown() -> None:
    proxies = EnvironmentProxies({"https": f"http://{USER}:{PASSWORD}@proxy.example"})

    assert PASSWORD not in repr(proxies)


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
        for number in range(3):
            await service.create("c1", f"snapshot_{number}")
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


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (garbage, ConnectionLostError),
        (reset_at_accept, ConnectionLostError),
        (reset_after_request, ConnectionLostError),
        (silent, RequestTimeoutError),
    ],
    ids=["garbage", "reset", "reset-later", "silent"],
)
async def test_a_proxy_that_breaks_off_is_proof_at_most_that_nothing_was_sent(
    *,
    make_service: MakeService,
    make_transport: MakeTransport,
    where_leaked: WhereLeaked,
    monkeypatch: pytest.MonkeyPatch,
    transport_kind: str,
    script: Script,
    error: type[CSSError],
) -> None:
    async with FaultServer(healthy=script) as proxy:
        address = f"http://{USER}:{PASSWORD}@127.0.0.1:{proxy.port}"
        monkeypatch.setenv("HTTPS_PROXY", address)
        service = make_service(make_transport(transport_kind), timeout=0.3)
        with pytest.raises(CSSError) as caught:
            await service.create("c1", "snapshot_001")

    outcome = (type(caught.value), caught.value.sent)
    assert outcome in {(error, None), (ConnectFailedError, False)}
    assert proxy.connections == 1
    assert where_leaked(caught.value, [PASSWORD, CREDENTIALS]) == []


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
