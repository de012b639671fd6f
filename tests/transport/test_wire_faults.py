import asyncio
import contextlib
import datetime as dt
import socket
import ssl
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
)
from typing import Final

import attrs
import httpx
import pytest
import trustme

import tests.support.fault_server as faults
from css_snapshot import SnapshotService
from css_snapshot.auth import AkSkAuth, Credentials
from css_snapshot.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectFailedError,
    ConnectFailure,
    ConnectionLostError,
    CSSError,
    InternalServerError,
    InvalidResponseError,
    NotFoundError,
    RequestTimeoutError,
    UnexpectedStatusError,
)
from tests.support.fault_server import FaultServer, Script, Wire, proper_answer

MakeService = Callable[..., SnapshotService]
WhereLeaked = Callable[[BaseException, Iterable[str]], list[str]]
Call = Callable[[SnapshotService], Awaitable[object]]

SECRETS: Final = ("T0kenThatMustNotBeSeen", "Secur1tyTokenUnseen", "S1gnatureUnseen")
SECRET_KEY: Final = "S3cretKeyThatMustNotBeSeen"
HASTY: Final = 0.3
PATIENT: Final = 30.0


class EveryHeader(httpx.Auth):
    """Sends every kind of credential at once."""

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers["X-Auth-Token"] = SECRETS[0]
        request.headers["X-Security-Token"] = SECRETS[1]
        request.headers["Authorization"] = f"SDK-HMAC-SHA256 Signature={SECRETS[2]}"
        yield request


@attrs.frozen
class Fault:
    """What a script does, and what a call is to make of it.

    Attributes:
        script: What the first connection does.
        error: The exact class raised, or several where libraries differ.
        requests: How many whole requests the server reads until then.
        timeout: Seconds the attempt has.
    """

    script: Script
    error: type[CSSError] | tuple[type[CSSError], ...]
    requests: int = 1
    timeout: float = PATIENT


def _says(status: int, body: bytes) -> Script:
    return faults.replies(faults.answer(status, body))


FAULTS: Final = {
    "reset-at-accept": Fault(
        faults.reset_at_accept, (ConnectionLostError, ConnectFailedError), 0
    ),
    "reset-before-answer": Fault(faults.reset_after_request, ConnectionLostError),
    "reset-during-answer": Fault(faults.reset_during_answer, ConnectionLostError),
    "half-closed": Fault(faults.half_closed, ConnectionLostError),
    "truncated-body": Fault(faults.truncated_body, ConnectionLostError),
    "truncated-head": Fault(faults.truncated_head, ConnectionLostError),
    "bad-chunk": Fault(faults.bad_chunk, ConnectionLostError),
    "garbage": Fault(faults.garbage, ConnectionLostError),
    "echo": Fault(faults.echo, ConnectionLostError),
    "echo-in-header": Fault(faults.echo_in_header, ConnectionLostError),
    "oversized-headers": Fault(faults.oversized_headers, ConnectionLostError),
    "switching-protocols": Fault(
        faults.replies(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
        (ConnectionLostError, UnexpectedStatusError),
    ),
    "drip-body": Fault(faults.drip_body, RequestTimeoutError, 1, HASTY),
    "drip-head": Fault(faults.drip_head, RequestTimeoutError, 1, HASTY),
    "silent": Fault(faults.silent, RequestTimeoutError, 1, HASTY),
    "deaf": Fault(faults.deaf, RequestTimeoutError, 0, HASTY),
    "endless-interim": Fault(faults.endless_interim, RequestTimeoutError, 1, HASTY),
    "endless-body": Fault(faults.endless_body, InvalidResponseError),
    "gzip-bomb": Fault(faults.gzip_bomb, InvalidResponseError),
    "bad-gzip": Fault(faults.bad_gzip, InvalidResponseError),
    "token-in-a-401": Fault(
        _says(401, faults.error_body("APIGW.0301", f"bad token {SECRETS[0]}")),
        AuthenticationError,
    ),
    "headers-in-a-page": Fault(
        _says(404, f"<title>x-auth-token: {SECRETS[0]}</title>".encode()),
        NotFoundError,
    ),
}
HARMLESS: Final = {
    "healthy": faults.serve,
    "mislabelled": faults.mislabelled,
    "interim": faults.interim_then_answer,
    "http-1.0": faults.http_1_0,
    "gzip-with-tail": faults.gzip_with_tail,
    "odd-headers": faults.odd_headers,
}


async def create(service: SnapshotService) -> object:
    return await service.create("c1", "snapshot_001")


async def list_all(service: SnapshotService) -> object:
    return await service.list("c1")


CALLS: Final[dict[str, Call]] = {"create": create, "list": list_all}


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> Call:
    return CALLS[request.param]


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer() as server:
        yield server


@pytest.fixture
def transport(
    transport_kind: str, make_trusting: Callable[[str], httpx.AsyncBaseTransport]
) -> httpx.AsyncBaseTransport:
    return make_trusting(transport_kind)


@pytest.fixture
def service_at(
    transport: httpx.AsyncBaseTransport, make_service: MakeService
) -> Callable[[str, float], SnapshotService]:
    """Make services for several addresses that share one transport."""

    def make(endpoint: str, timeout: float = PATIENT) -> SnapshotService:
        return make_service(
            transport, endpoint=endpoint, auth=EveryHeader(), timeout=timeout
        )

    return make


ServiceAt = Callable[..., SnapshotService]


async def _failure(call: Call, service: SnapshotService) -> CSSError:
    with pytest.raises(CSSError) as caught:
        await call(service)
    return caught.value


async def _assert_healthy(service: SnapshotService, server: FaultServer) -> None:
    before = len(server.requests)

    await asyncio.gather(*(list_all(service) for _ in range(4)))

    assert len(server.requests) == before + 4


# Waiting costs time, so what is only waited for is called in one way alone.
@pytest.mark.parametrize(
    ("name", "call"),
    [
        pytest.param(name, call, id=f"{name}-{called}")
        for name, fault in FAULTS.items()
        for called, call in CALLS.items()
        if called == "create" or fault.timeout == PATIENT
    ],
)
async def test_a_fault_is_told_truly_shows_no_secret_and_leaves_the_pool_healthy(
    server: FaultServer,
    service_at: ServiceAt,
    where_leaked: WhereLeaked,
    call: Call,
    name: str,
) -> None:
    fault = FAULTS[name]
    server.plan(fault.script)

    error = await _failure(call, service_at(server.endpoint, fault.timeout))

    assert type(error) in (
        fault.error if isinstance(fault.error, tuple) else (fault.error,)
    )
    assert error.sent is (False if isinstance(error, ConnectFailedError) else None)
    assert call is create or "may have been carried out" not in str(error)
    assert len(server.requests) == fault.requests
    assert where_leaked(error, SECRETS) == []
    assert (error.__cause__, error.__context__) == (None, None)
    assert str(error).splitlines() == [str(error)]
    await _assert_healthy(service_at(server.endpoint), server)


@pytest.mark.parametrize("name", HARMLESS)
async def test_an_odd_answer_that_is_one_is_taken(
    server: FaultServer, service_at: ServiceAt, call: Call, name: str
) -> None:
    server.plan(HARMLESS[name])
    service = service_at(server.endpoint)

    assert await call(service) is not None

    assert len(server.requests) == 1
    await _assert_healthy(service, server)


@pytest.mark.parametrize("script", [faults.drip_body, faults.drip_head, faults.silent])
async def test_the_deadline_of_a_call_is_real(
    server: FaultServer,
    transport: httpx.AsyncBaseTransport,
    make_service: MakeService,
    script: Script,
) -> None:
    server.plan(script)
    service = make_service(
        transport, endpoint=server.endpoint, timeout=PATIENT, deadline=HASTY
    )

    with pytest.raises(RequestTimeoutError) as caught:
        await service.create("c1", "snapshot_001")

    assert caught.value.sent is None
    assert len(server.requests) == 1


async def test_a_refused_connection_proves_that_nothing_was_sent(
    server: FaultServer, service_at: ServiceAt, where_leaked: WhereLeaked, call: Call
) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        error = await _failure(call, service_at(f"http://127.0.0.1:{port}"))

    _assert_not_sent(error, "refused", where_leaked)
    await _assert_healthy(service_at(server.endpoint), server)


async def test_a_name_that_does_not_exist_proves_that_nothing_was_sent(
    server: FaultServer, service_at: ServiceAt, where_leaked: WhereLeaked, call: Call
) -> None:
    error = await _failure(call, service_at("https://css.invalid"))

    _assert_not_sent(error, "dns", where_leaked)
    await _assert_healthy(service_at(server.endpoint), server)


async def test_a_connection_that_is_never_accepted_proves_that_nothing_was_sent(
    server: FaultServer, service_at: ServiceAt, where_leaked: WhereLeaked, call: Call
) -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for occupant in (first, second):
            occupant.setblocking(False)
            occupant.connect_ex(full.getsockname())
        port = full.getsockname()[1]
        error = await _failure(call, service_at(f"http://127.0.0.1:{port}", HASTY))

    _assert_not_sent(error, "timeout", where_leaked)
    await _assert_healthy(service_at(server.endpoint), server)


def _assert_not_sent(
    error: CSSError, kind: ConnectFailure, where_leaked: WhereLeaked
) -> None:
    assert type(error) is ConnectFailedError
    assert error.kind == kind
    assert error.sent is False
    assert error.retryable is (kind != "tls")
    assert where_leaked(error, SECRETS) == []
    assert (error.__cause__, error.__context__) == (None, None)


def _has_ipv6() -> bool:
    with (
        contextlib.suppress(OSError),
        socket.create_server(("::1", 0), family=socket.AF_INET6),
    ):
        return True
    return False


def _context(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


def _expired() -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(days=1)


@pytest.mark.parametrize("flaw", ["unknown-authority", "wrong-host", "expired"])
async def test_a_certificate_that_is_not_right_proves_that_nothing_was_sent(
    *,
    server: FaultServer,
    service_at: ServiceAt,
    authority: trustme.CA,
    where_leaked: WhereLeaked,
    call: Call,
    flaw: str,
) -> None:
    leaf = {
        "unknown-authority": lambda: trustme.CA().issue_cert("localhost"),
        "wrong-host": lambda: authority.issue_cert("css.example"),
        "expired": lambda: authority.issue_cert("localhost", not_after=_expired()),
    }[flaw]()

    async with FaultServer(tls=_context(leaf)) as impostor:
        error = await _failure(call, service_at(impostor.endpoint))

    _assert_not_sent(error, "tls", where_leaked)
    assert impostor.requests == []
    await _assert_healthy(service_at(server.endpoint), server)


async def test_a_right_certificate_is_accepted(
    service_at: ServiceAt, authority: trustme.CA, call: Call
) -> None:
    context = _context(authority.issue_cert("localhost"))

    async with FaultServer(tls=context) as server:
        server.plan(faults.reset_after_request)
        service = service_at(server.endpoint)
        error = await _failure(call, service)
        assert await call(service) is not None

    assert type(error) is ConnectionLostError
    assert len(server.requests) == 2


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_endpoint_may_be_an_address_of_ipv6(
    service_at: ServiceAt, authority: trustme.CA, call: Call, scheme: str
) -> None:
    names: list[str | None] = []
    tls = _context(authority.issue_cert("::1")) if scheme == "https" else None
    if tls is not None:
        tls.sni_callback = lambda _, name, __: names.append(name)

    async with FaultServer(tls=tls, host="::1") as server:
        place = f"[::1]:{server.port}"
        assert await call(service_at(f"{scheme}://{place}")) is not None

    assert server.requests[0].headers["host"] == place
    # RFC 6066: an address is no server name.
    assert set(names) <= {None}


async def test_a_server_that_speaks_no_tls_proves_that_nothing_was_sent(
    server: FaultServer, service_at: ServiceAt, where_leaked: WhereLeaked
) -> None:
    server.plan(faults.replies(b"HTTP/1.1 400 Bad Request\r\n\r\n"))

    async def refuse(wire: Wire) -> None:
        await wire.reader.read(1)
        await wire.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with FaultServer(healthy=refuse) as plain:
        error = await _failure(create, service_at(f"https://localhost:{plain.port}"))

    _assert_not_sent(error, "tls", where_leaked)


async def _closed_in_the_handshake(wire: Wire) -> None:
    await wire.reader.read(1)


async def test_a_handshake_that_never_ends_proves_that_nothing_was_sent(
    service_at: ServiceAt, where_leaked: WhereLeaked
) -> None:
    async with FaultServer(healthy=faults.deaf) as plain:
        service = service_at(f"https://localhost:{plain.port}", HASTY)
        error = await _failure(create, service)

    _assert_not_sent(error, "timeout", where_leaked)


@pytest.mark.parametrize("script", [faults.reset_at_accept, _closed_in_the_handshake])
async def test_a_handshake_that_is_broken_off_proves_that_nothing_was_sent(
    service_at: ServiceAt, where_leaked: WhereLeaked, script: Script
) -> None:
    async with FaultServer(healthy=script) as plain:
        error = await _failure(create, service_at(f"https://localhost:{plain.port}"))

    _assert_not_sent(error, "other", where_leaked)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_a_redirect_reaches_nobody_else(
    server: FaultServer, service_at: ServiceAt, call: Call, status: int
) -> None:
    async with FaultServer() as elsewhere:
        server.plan(faults.redirect(f"{elsewhere.endpoint}/stolen", status))
        error = await _failure(call, service_at(server.endpoint))

    assert type(error) is UnexpectedStatusError
    assert "redirect to 127.0.0.1, not followed" in str(error)
    assert (elsewhere.connections, len(server.requests)) == (0, 1)
    await _assert_healthy(service_at(server.endpoint), server)


async def test_a_kept_connection_closed_by_the_server_is_replaced_unnoticed(
    server: FaultServer, service_at: ServiceAt, call: Call
) -> None:
    server.plan(*[faults.close_after_answer] * 3)
    service = service_at(server.endpoint)

    for number in range(4):
        await call(service)
        if number < 3:
            await server.closed()

    assert (server.connections, len(server.requests)) == (4, 4)


async def test_a_connection_closed_right_after_its_answer_is_not_written_to(
    server: FaultServer, service_at: ServiceAt, call: Call
) -> None:
    server.plan(*[faults.close_after_answer] * 200)
    service = service_at(server.endpoint)

    for _ in range(200):
        await call(service)

    assert (server.connections, len(server.requests)) == (200, 200)


async def test_a_kept_connection_reset_between_requests_is_replaced_unnoticed(
    server: FaultServer, service_at: ServiceAt, call: Call
) -> None:
    answered = asyncio.Event()

    async def reset_when_told(wire: Wire) -> None:
        await wire.send(proper_answer(await wire.request()))
        await answered.wait()
        wire.reset()

    server.plan(reset_when_told)
    service = service_at(server.endpoint)
    await call(service)
    answered.set()
    await server.closed()

    await call(service)

    assert (server.connections, len(server.requests)) == (2, 2)


async def test_a_request_lost_on_a_kept_connection_is_not_sent_again(
    server: FaultServer, service_at: ServiceAt, call: Call
) -> None:
    server.plan(faults.reset_on_reuse)
    service = service_at(server.endpoint)
    await call(service)

    error = await _failure(call, service)

    assert type(error) is ConnectionLostError
    assert error.sent is None
    assert len(server.requests) == 2
    await _assert_healthy(service, server)


async def test_a_500_lets_its_connection_be_used_again_by_the_retry(
    server: FaultServer, service_at: ServiceAt
) -> None:
    five_hundred = faults.answer(500, faults.error_body("CSS.0005", "server error"))
    server.plan(faults.replies(five_hundred, five_hundred, five_hundred))

    error = await _failure(create, service_at(server.endpoint))

    assert type(error) is InternalServerError
    assert (server.connections, len(server.requests)) == (1, 3)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (faults.echo, ConnectionLostError),
        (faults.echo_in_header, ConnectionLostError),
        (faults.reset_after_request, ConnectionLostError),
        (_says(401, b"<title>no</title>"), AuthenticationError),
    ],
    ids=["echo", "echo-in-header", "reset", "401"],
)
async def test_signing_keys_are_not_shown_either(
    *,
    server: FaultServer,
    transport: httpx.AsyncBaseTransport,
    make_service: MakeService,
    where_leaked: WhereLeaked,
    script: Script,
    error: type[CSSError],
) -> None:
    credentials = Credentials(
        access_key="ACCESSKEYOFTESTS",
        secret_key=SECRET_KEY,
        security_token=SECRETS[1],
    )
    server.plan(script)
    service = make_service(
        transport, endpoint=server.endpoint, auth=AkSkAuth(credentials)
    )

    caught = await _failure(create, service)

    signature = server.requests[0].headers["authorization"].rpartition("=")[2]
    assert type(caught) is error
    assert where_leaked(caught, [SECRET_KEY, SECRETS[1], signature]) == []


async def test_a_header_that_breaks_http_is_refused_and_not_quoted(
    server: FaultServer, service_at: ServiceAt, where_leaked: WhereLeaked
) -> None:
    class Broken(EveryHeader):
        async def async_auth_flow(
            self, request: httpx.Request
        ) -> AsyncGenerator[httpx.Request, httpx.Response]:
            request.headers["X-Auth-Token"] = f"{SECRETS[0]}\r\nX-More: 1"
            yield request

    service = service_at(server.endpoint)
    service._client.auth = Broken()

    error = await _failure(create, service)

    assert type(error) is ConfigurationError
    assert where_leaked(error, SECRETS) == []
    assert server.requests == []
    await _assert_healthy(service_at(server.endpoint), server)


def _steps() -> Iterator[int]:
    yield from range(40)
    yield from range(40, 120, 8)


async def test_calls_cancelled_at_any_step_leave_the_pool_healthy(
    server: FaultServer, service_at: ServiceAt
) -> None:
    service = service_at(server.endpoint)

    for steps in _steps():
        call = asyncio.create_task(service.create("c1", "snapshot_001"))
        for _ in range(steps):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])

    await _assert_healthy(service, server)
    assert await create(service) is not None
