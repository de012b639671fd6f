import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final

import anyio
import httpcore
import httpx
import pytest

from css_snapshot import (
    ClientTransport,
    SnapshotService,
    default_transport,
)
from css_snapshot.errors import (
    ConfigurationError,
    ConnectFailedError,
    ConnectFailure,
    ConnectionLostError,
    CSSError,
    ForbiddenError,
    RequestTimeoutError,
    UnexpectedStatusError,
)
from css_snapshot.transport.failures import transport_error
from css_snapshot.transport.sharded import ShardedTransport
from tests.support.fault_server import (
    FaultServer,
    Wire,
    proper_answer,
    redirect,
    reset_after_request,
    silent,
)

MakeService = Callable[..., SnapshotService]
MakeTransport = Callable[..., httpx.AsyncBaseTransport]

CSS: Final = "https://css.example/"


def _raised(
    outer: Exception,
    *causes: BaseException,
    context: BaseException | None = None,
) -> Exception:
    """Chain exceptions as `raise ... from ...` would, the last one in a context."""
    link: BaseException = outer
    for cause in causes:
        link.__cause__ = cause
        link = cause
    if context is not None:
        link.__context__ = context
    return outer


def _refused() -> httpcore.ConnectError:
    refusal = httpcore.ConnectError("All connection attempts failed")
    refusal.__context__ = ConnectionRefusedError(111, "Connection refused")
    return refusal


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (_raised(httpx.ConnectError("all failed"), _refused()), "refused"),
        (
            _raised(
                httpx.ConnectError("unknown name"),
                httpcore.ConnectError(),
                context=socket.gaierror(-2, "Name or service not known"),
            ),
            "dns",
        ),
        (
            _raised(
                httpx.ConnectError("[SSL] bad"),
                httpcore.ConnectError(),
                context=ssl.SSLCertVerificationError("unknown CA"),
            ),
            "tls",
        ),
        (
            _raised(
                httpx.ConnectTimeout(""),
                httpcore.ConnectTimeout(),
                context=TimeoutError(),
            ),
            "timeout",
        ),
        (_raised(httpx.PoolTimeout("none free"), httpcore.PoolTimeout()), "pool"),
        (httpx.PoolTimeout("none free"), "pool"),
        (
            _raised(
                httpx.ProxyError("407 Authentication Required"), httpcore.ProxyError()
            ),
            "proxy",
        ),
        (
            _raised(
                httpx.ConnectError("no route"),
                httpcore.ConnectError(),
                context=OSError(113, "No route to host"),
            ),
            "other",
        ),
        (
            _raised(
                httpx.ConnectError("all failed"),
                httpcore.ConnectError(),
                context=_raised(
                    OSError("all failed"),
                    ExceptionGroup("both", [ConnectionRefusedError(), OSError(113)]),
                ),
            ),
            "refused",
        ),
    ],
    ids=[
        "refused",
        "dns",
        "tls",
        "timeout",
        "pool",
        "own-pool",
        "proxy",
        "route",
        "group",
    ],
)
def test_what_the_library_underneath_proves_was_not_sent(
    failure: Exception, kind: ConnectFailure
) -> None:
    error = transport_error(failure)

    assert isinstance(error, ConnectFailedError)
    assert (error.kind, error.sent) == (kind, False)
    assert str(error).endswith("nothing was sent")


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("as the fast transports put a reset after the request"),
        httpx.ConnectTimeout("likewise"),
        _raised(httpx.ConnectError("reset"), RuntimeError("of another library")),
        _raised(httpx.ReadError(""), httpcore.ReadError(), context=OSError(104, "x")),
        httpx.RemoteProtocolError("peer closed connection"),
        httpx.WriteError(""),
        httpx.DecodingError("bad gzip"),
        httpx.StreamClosed(),
        httpx.CloseError(""),
        httpx.NetworkError("?"),
        OSError(104, "Connection reset by peer"),
        ssl.SSLError("bad record mac"),
        anyio.ClosedResourceError(),
        httpcore.ReadError("raw"),
        httpx.ProxyError("no proof"),
        TimeoutError("of the operating system"),
    ],
    ids=lambda failure: f"{type(failure).__name__}-{failure}"[:30],
)
def test_without_proof_a_broken_connection_may_have_carried_the_request(
    failure: Exception,
) -> None:
    error = transport_error(failure)

    assert isinstance(error, ConnectionLostError | RequestTimeoutError)
    assert error.sent is None
    assert "may have been carried out" in str(error)


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("slow"),
        httpx.WriteTimeout("slow"),
        httpx.ConnectTimeout("no proof"),
    ],
)
def test_a_timeout_without_proof_is_a_timeout(failure: Exception) -> None:
    error = transport_error(failure)

    assert isinstance(error, RequestTimeoutError)
    assert error.sent is None


def test_an_error_the_caller_was_handling_proves_nothing_about_this_request() -> None:
    lost = httpx.ReadError("")
    lost.__cause__ = httpcore.ReadError()
    lost.__cause__.__context__ = _raised(httpx.ConnectError("other"), _refused())

    error = transport_error(lost)

    assert isinstance(error, ConnectionLostError)
    assert error.sent is None


async def test_a_call_made_while_handling_a_failed_connection_is_judged_by_itself(
    make_service: MakeService,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    async def failing_over(service: SnapshotService) -> None:
        async with httpx.AsyncClient() as client:
            try:
                await client.get(f"http://127.0.0.1:{port}/")
            except httpx.ConnectError:
                await service.create("c1", "snapshot_001")

    async with FaultServer() as server:
        server.plan(reset_after_request)
        with pytest.raises(ConnectionLostError) as caught:
            await failing_over(make_service(endpoint=server.endpoint))

    assert caught.value.sent is None
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "failure", [RuntimeError("bug"), TypeError(), KeyError("x"), httpx.InvalidURL("u")]
)
def test_a_bug_is_not_taken_for_the_network(failure: Exception) -> None:
    failure.__context__ = OSError("was being handled")

    assert transport_error(failure) is None


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = httpx.ReadError("a"), httpx.ReadError("b")
    first.__cause__, second.__cause__ = second, first

    assert isinstance(transport_error(first), ConnectionLostError)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "illegal status line: bytearray(b'x-auth-token: T0P')",
            "RemoteProtocolError (illegal status line)",
        ),
        (
            '400, message:\n  Bad status line "x-auth-token: T0P"',
            "RemoteProtocolError (400, message: Bad status line)",
        ),
        (
            "can't handle event type ConnectionClosed",
            "RemoteProtocolError (can't handle event type ConnectionClosed)",
        ),
        ("b'T0P'", "RemoteProtocolError"),
        ("", "RemoteProtocolError"),
    ],
)
def test_what_a_broken_server_sent_is_not_quoted(text: str, shown: str) -> None:
    error = transport_error(httpx.RemoteProtocolError(text))

    assert error is not None
    assert f"connection lost: {shown}; the request may" in str(error)
    assert "T0P" not in str(error)


def test_a_long_or_many_lined_reason_becomes_one_short_line() -> None:
    error = transport_error(OSError("first\nsecond\u2028third" + "x" * 1000))

    assert error is not None
    assert "first second third" in str(error)
    assert len(str(error)) < 300
    assert str(error).splitlines() == [str(error)]


@pytest.mark.parametrize(
    "failure",
    [
        httpx.LocalProtocolError("Illegal header value b'T0P'"),
        httpx.UnsupportedProtocol("ftp://T0P"),
    ],
)
def test_a_request_that_is_no_http_is_a_setting_and_not_quoted(
    failure: Exception,
) -> None:
    error = transport_error(failure)

    assert isinstance(error, ConfigurationError)
    assert error.sent is False
    assert "T0P" not in str(error)


@pytest.mark.parametrize("kind", ["requests", "HTTPX", ""])
def test_an_unknown_kind_of_transport_is_refused(kind: str) -> None:
    with pytest.raises(ConfigurationError, match="unknown transport kind"):
        default_transport(kind)  # type: ignore[arg-type]  # what a caller may write


@pytest.mark.parametrize("connections", [0, -1])
def test_a_transport_without_connections_is_refused(connections: int) -> None:
    with pytest.raises(ConfigurationError, match="connections: must be at least 1"):
        default_transport(connections=connections)


async def test_requests_in_flight_are_spread_over_connections_with_one_tls_context(
    make_service: MakeService,
    make_transport: MakeTransport,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[dict[str, object]] = []
    contexts: list[ssl.SSLContext] = []
    real, real_context = httpx.AsyncHTTPTransport, httpx.create_ssl_context

    def noting(**options: object) -> httpx.AsyncHTTPTransport:
        made.append(options)
        return real(**options)  # type: ignore[arg-type]  # passed on as they came

    def context(*, trust_env: bool) -> ssl.SSLContext:
        contexts.append(real_context(trust_env=trust_env))
        return contexts[-1]

    monkeypatch.setattr(httpx, "AsyncHTTPTransport", noting)
    monkeypatch.setattr(httpx, "create_ssl_context", context)
    together = asyncio.Barrier(20)

    async def wait_for_all(wire: Wire) -> None:
        received = await wire.request()
        await together.wait()
        await wire.send(proper_answer(received))

    async with FaultServer(healthy=wait_for_all) as server:
        transport = make_transport("httpx", connections=20)
        service = make_service(transport, endpoint=server.endpoint)
        await asyncio.gather(*(service.list("c1") for _ in range(20)))

    assert isinstance(transport, ShardedTransport)
    assert server.connections == 20
    assert len(made) == 20
    assert {id(options["verify"]) for options in made} == {id(contexts[0])}
    assert len(contexts) == 1
    assert all(options["trust_env"] is False for options in made)


async def test_a_connection_is_used_again(make_service: MakeService) -> None:
    async with FaultServer() as server:
        service = make_service(endpoint=server.endpoint)
        for _ in range(5):
            await service.list("c1")

    assert (server.connections, len(server.requests)) == (1, 5)


async def test_more_requests_than_connections_wait_for_their_turn(
    make_service: MakeService, make_transport: MakeTransport, transport_kind: str
) -> None:
    at_once: set[int] = set()
    seen: list[int] = []

    async def note(wire: Wire) -> None:
        while True:
            received = await wire.request()
            at_once.add(wire.number)
            seen.append(len(at_once))
            await asyncio.sleep(0.001)
            at_once.discard(wire.number)
            await wire.send(proper_answer(received))

    async with FaultServer(healthy=note) as server:
        transport = make_transport(transport_kind, connections=3)
        service = make_service(transport, endpoint=server.endpoint)
        await asyncio.gather(*(service.list("c1") for _ in range(30)))

    assert len(server.requests) == 30
    assert max(seen) == 3


async def test_a_call_that_gets_no_connection_in_time_proves_that_nothing_was_sent(
    make_service: MakeService, make_transport: MakeTransport, transport_kind: str
) -> None:
    async with FaultServer(healthy=silent) as server:
        transport = make_transport(transport_kind, connections=1)
        holder = make_service(transport, endpoint=server.endpoint)
        hasty = make_service(transport, endpoint=server.endpoint, timeout=0.1)
        holding = asyncio.create_task(holder.list("c1"))
        while not server.requests:  # noqa: ASYNC110  # the server is not ours to signal
            await asyncio.sleep(0.001)

        with pytest.raises(ConnectFailedError) as caught:
            await hasty.create("c1", "snapshot_001")

        holding.cancel()
        await asyncio.wait([holding])

    assert (caught.value.kind, caught.value.sent) == ("pool", False)
    assert len(server.requests) == 1


async def test_a_cancelled_call_leaves_its_connection_to_the_next(
    make_service: MakeService, make_transport: MakeTransport, transport_kind: str
) -> None:
    async with FaultServer() as server:
        server.plan(*[silent] * 3)
        service = make_service(
            make_transport(transport_kind, connections=1), endpoint=server.endpoint
        )
        for number in range(3):
            call = asyncio.create_task(service.list("c1"))
            while len(server.requests) <= number:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.001)
            call.cancel()
            await asyncio.wait([call])
            assert call.cancelled()

        assert await service.list("c1") == ()

    assert len(server.requests) == 4


async def test_a_client_of_the_user_carries_requests_with_its_hooks(
    make_service: MakeService,
) -> None:
    seen: list[str] = []

    async def on_request(request: httpx.Request) -> None:
        seen.append(f"{request.method} {request.url.path}")

    async def on_response(response: httpx.Response) -> None:
        seen.append(str(response.status_code))

    async with (
        FaultServer() as server,
        httpx.AsyncClient(
            event_hooks={"request": [on_request], "response": [on_response]},
            auth=("user", "of the client"),
            headers={"X-Of-Client": "1"},
            params={"of": "client"},
            cookies={"of": "client"},
        ) as client,
    ):
        service = make_service(ClientTransport(client), endpoint=server.endpoint)
        await service.list("c1")
        await service.aclose()
        assert not client.is_closed

    path = f"/v1.0/{'6204a5bd270343b5885144cf9c8c158d'}/clusters/c1/index_snapshots"
    assert seen == [f"GET {path}", "200"]
    assert server.requests[0].target == path
    assert not {"authorization", "x-of-client", "cookie"} & set(
        server.requests[0].headers
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_client_told_to_follow_redirects_follows_none_for_us(
    make_service: MakeService, status: int
) -> None:
    async with (
        FaultServer() as elsewhere,
        FaultServer() as server,
        httpx.AsyncClient(follow_redirects=True) as client,
    ):
        server.plan(redirect(f"{elsewhere.endpoint}/x", status))
        service = make_service(ClientTransport(client), endpoint=server.endpoint)
        with pytest.raises(UnexpectedStatusError, match=r"redirect to 127\.0\.0\.1"):
            await service.create("c1", "snapshot_001")

    assert (elsewhere.connections, len(server.requests)) == (0, 1)


def _refusing(request: httpx.Request) -> httpx.Response:
    body = b'{"errCode": "CSS.0015", "externalMessage": "denied"}'
    return httpx.Response(403, content=body, headers={"X-Request-Id": "r-3"})


@pytest.mark.parametrize("reads", [True, False])
async def test_a_hook_that_raises_for_status_leaves_the_verdict_to_the_service(
    make_service: MakeService, *, reads: bool
) -> None:
    async def hook(response: httpx.Response) -> None:
        if reads:
            await response.aread()
        response.raise_for_status()

    async with httpx.AsyncClient(
        transport=httpx.MockTransport(_refusing), event_hooks={"response": [hook]}
    ) as client:
        with pytest.raises(ForbiddenError) as caught:
            await make_service(ClientTransport(client)).create("c1", "snapshot_001")

    assert caught.value.request_id == "r-3"
    assert caught.value.__context__ is None


async def test_a_hook_that_reads_the_body_takes_it_from_nobody(
    make_service: MakeService,
) -> None:
    async def hook(response: httpx.Response) -> None:
        read.append(await response.aread())

    read: list[bytes] = []
    async with (
        FaultServer() as server,
        httpx.AsyncClient(event_hooks={"response": [hook]}) as client,
    ):
        service = make_service(ClientTransport(client), endpoint=server.endpoint)
        assert (await service.create("c1", "snapshot_001")).id.startswith("9dc4f5c9")

    assert len(read) == 1


async def test_a_client_that_is_closed_is_named_as_the_reason(
    make_service: MakeService,
) -> None:
    async with httpx.AsyncClient() as client:
        service = make_service(ClientTransport(client))

    with pytest.raises(ConfigurationError, match="client of this transport is closed"):
        await service.list("c1")


async def test_our_own_errors_pass_through_a_client_as_they_are(
    make_service: MakeService,
) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise failure

    failure: CSSError = ConnectFailedError("no", kind="dns")
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        with pytest.raises(ConnectFailedError) as caught:
            await make_service(ClientTransport(client)).list("c1")

    assert caught.value is failure
