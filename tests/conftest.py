"""What every test runs under, and how tests get a service.

No test reaches beyond loopback, and none sees the proxies, credentials or
certificates of the machine it runs on. Names under `.invalid` can't be resolved, as
on a real network; any other name is a mistake of the test.
"""

import asyncio
import errno
import gc
import importlib.util
import ipaddress
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Final, Unpack

import certifi
import httpx
import pytest
import trustme
from _pytest.mark import ParameterSet
from hypothesis import given, settings
from hypothesis.strategies import none

from css_snapshot import RetryPolicy, SnapshotService, default_transport
from css_snapshot.auth import TokenAuth
from css_snapshot.service import ServiceOptions
from tests.support.leaks import leaks
from tests.support.thoroughness import examples
from tests.support.virtual_time import VirtualTime

PROJECT: Final = "6204a5bd270343b5885144cf9c8c158d"
TOKEN: Final = "MIIeToken0fTheTests+/="
METADATA: Final = "169.254.169.254"
"""Where a machine in the cloud asks for its credentials; none does here."""

_VARIABLES: Final = (
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ws_proxy", "wss_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "SSLKEYLOGFILE"),
    *("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
    *("HUAWEICLOUD_SDK_PROJECT_ID", "HUAWEICLOUD_SDK_REGION", "CSS_ENDPOINT"),
    *("HUAWEICLOUD_SDK_TOKEN", "CSS_SNAPSHOT_LOG", "CSS_SNAPSHOT_TRANSPORT"),
    *("HUAWEICLOUD_SDK_IAM_ENDPOINT", "HUAWEICLOUD_SDK_CREDENTIALS_FILE"),
    *("HUAWEICLOUD_SDK_IDP_ID", "HUAWEICLOUD_SDK_ID_TOKEN_FILE"),
)


_LOWEST: Final = frozenset(
    {
        *("api", "auth", "cli", "client", "emulator", "integrations", "transport"),
        *("workflows", "test_packaging.py", "test_retry.py", "test_service.py"),
    }
)
"""Where something tests what this package does with a dependency."""

settings.register_profile("suite", max_examples=examples(200), deadline=None)
settings.load_profile("suite")


def pytest_configure() -> None:
    """Undo that signals are ignored, which would make the commands under test deaf.

    A shell starts what is to run in the background deaf to Ctrl-C, `nohup` to a closed
    terminal, and children inherit it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start two workers per core, as tests wait for as long as they compute.

    They wait for real time limits, and for other processes.
    """
    return 2 * (os.cpu_count() or 1)


@settings(database=None, derandomize=True, max_examples=1)
@given(none())
def first_example(_nothing: None) -> None:
    """Have hypothesis make what it makes once."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among the tests, which all stay: a third of the time.

    While they run, look less often than usual, which takes a tenth of the time.
    """
    # At its first example, hypothesis asks who refers to its source of randomness, and
    # is told of nobody who is frozen.
    first_example()
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what a version of a dependency that is too old could break."""
    for item in items:
        if item.nodeid.split("::")[0].split("/")[1] in _LOWEST:
            item.add_marker("lowest")


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home directory without a profile file."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def for_all() -> Iterator[pytest.MonkeyPatch]:
    """Change what stays changed for all tests; once, as there are thousands."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="session", autouse=True)
def clean_environment(for_all: pytest.MonkeyPatch, empty_home: Path) -> None:
    """Take the machine's own settings out of the environment."""
    for variable in _VARIABLES:
        for_all.delenv(variable, raising=False)
    for_all.setenv("HOME", str(empty_home))


@pytest.fixture(scope="session", autouse=True)
def loopback_only(for_all: pytest.MonkeyPatch) -> None:
    """Refuse to look up, or connect to, anything but this machine."""
    resolve = socket.getaddrinfo
    connect = socket.socket.connect

    def guarded_resolve(
        host: str | bytes | None, *args: int | str | None, **options: int
    ) -> object:
        name = host.decode() if isinstance(host, bytes) else host or "localhost"
        if name.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if not _is_local(name) and name != METADATA:
            raise RuntimeError(f"a test looked up {name}")
        return resolve(host, *args, **options)  # type: ignore[arg-type]  # passed on as they came

    def guarded_connect(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] == METADATA:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        if isinstance(address, tuple) and not _is_local(str(address[0])):
            raise RuntimeError(f"a test connected to {address[0]}")
        connect(self, address)  # type: ignore[arg-type]  # passed on as it came

    for_all.setattr(socket, "getaddrinfo", guarded_resolve)
    for_all.setattr(socket.socket, "connect", guarded_connect)


@pytest.fixture(scope="session", autouse=True)
def one_authority(
    for_all: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Let httpx trust one authority of nobody's, read faster than the usual ones."""
    bundle = str(tmp_path_factory.mktemp("authorities") / "cacert.pem")
    trustme.CA().cert_pem.write_to_path(bundle)
    for_all.setattr(certifi, "where", lambda: bundle)


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture
async def virtual_time(monkeypatch: pytest.MonkeyPatch) -> VirtualTime:
    """Let the test's own event loop run on virtual time; see `virtual_time.py`."""
    time = VirtualTime()
    time.take_over(asyncio.get_running_loop(), monkeypatch)
    return time


def _needing(kind: str, package: str) -> ParameterSet:
    missing = importlib.util.find_spec(package) is None
    reason = f"{package} is not installed"
    return pytest.param(kind, marks=pytest.mark.skipif(missing, reason=reason))


@pytest.fixture(
    params=[
        "httpx",
        _needing("fast", "httptools"),
    ]
)
def transport_kind(request: pytest.FixtureRequest) -> str:
    """Run a test once over each kind of transport there is."""
    kind: str = request.param
    return kind


@pytest.fixture
async def make_transport() -> AsyncIterator[Callable[..., httpx.AsyncBaseTransport]]:
    """Make default transports, with its arguments, that the fixture closes."""
    made: list[httpx.AsyncBaseTransport] = []

    def make(*args: object, **options: object) -> httpx.AsyncBaseTransport:
        transport = default_transport(*args, **options)  # type: ignore[arg-type]  # checked by its own tests
        made.append(transport)
        return transport

    yield make
    for transport in made:
        await transport.aclose()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Stand for a certificate authority that `make_trusting` makes transports trust."""
    return trustme.CA()


@pytest.fixture
def make_trusting(
    make_transport: Callable[..., httpx.AsyncBaseTransport],
    authority: trustme.CA,
) -> Callable[[str], httpx.AsyncBaseTransport]:
    """Make transports of a kind, closed by the fixture, that trust `authority`."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trusting)

    def make(kind: str) -> httpx.AsyncBaseTransport:
        return make_transport(kind, ssl_context=trusting)

    return make


@pytest.fixture(scope="session")
def trusting_nobody() -> ssl.SSLContext:
    """Stand for the usual authorities, which take longer to read than most tests."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
async def make_service(
    trusting_nobody: ssl.SSLContext,
) -> AsyncIterator[Callable[..., SnapshotService]]:
    """Make services that don't pause between attempts, and that the fixture closes.

    A transport may come first; without one it is httpx, which respx can intercept,
    whatever else is installed. Any option of `SnapshotService` may follow.
    """
    made: list[SnapshotService | httpx.AsyncBaseTransport] = []

    def make(
        over: httpx.AsyncBaseTransport | None = None,
        /,
        **options: Unpack[ServiceOptions],
    ) -> SnapshotService:
        chosen = ServiceOptions(
            project_id=PROJECT,
            endpoint="https://css.example",
            auth=TokenAuth(TOKEN),
            retry=RetryPolicy(random=lambda: 0.0),
        )
        chosen.update(options)
        transport = over or chosen.get("transport")
        if transport is None:
            transport = default_transport("httpx", ssl_context=trusting_nobody)
            made.append(transport)
        chosen["transport"] = transport
        service = SnapshotService(**chosen)
        made.append(service)
        return service

    yield make
    for closable in made:
        await closable.aclose()


@pytest.fixture
def where_leaked() -> Callable[[BaseException, Iterable[str]], list[str]]:
    """Tell where an error, or anything that hangs on it, shows one of some secrets."""
    return lambda error, secrets: leaks([error], secrets)
