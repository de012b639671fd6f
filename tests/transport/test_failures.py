import socket
import ssl
import types
from collections.abc import Callable
from typing import cast

import anyio
import httpcore
import httpx
import pytest

from css_snapshot import (
    SnapshotService,
)
from css_snapshot.errors import (
    ConfigurationError,
    ConnectFailedError,
    ConnectFailure,
    ConnectionLostError,
    CSSError,
    RequestTimeoutError,
    TransportError,
)
from css_snapshot.transport.failures import (
    NothingSentError,
    fate_if_lost,
    no_connection,
    no_tunnel,
    transport_error,
)
from tests.support.fault_server import (
    FaultServer,
    reset_after_request,
)

MakeService = Callable[..., SnapshotService]


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
    error = transport_error(failure, "POST")

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
    error = transport_error(failure, "POST")

    assert isinstance(error, ConnectionLostError | RequestTimeoutError)
    assert error.sent is None
    assert "may have been carried out" in str(error)


@pytest.mark.parametrize("failure", [httpx.ReadError("x"), httpx.ReadTimeout("x")])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_only_reads_was_not_carried_out(failure: Exception, method: str) -> None:
    error = transport_error(failure, method)

    assert isinstance(error, TransportError)
    assert error.sent is None
    assert str(error).endswith("the request changes nothing and can be sent again")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_changes_something_may_have_been_carried_out(method: str) -> None:
    assert fate_if_lost(method) == "the request may have been carried out"


@pytest.mark.parametrize(
    ("cause", "kind", "final"),
    [
        (ConnectionRefusedError(111, "refused"), "refused", False),
        (socket.gaierror(-2, "unknown"), "dns", False),
        (ssl.SSLCertVerificationError("unknown CA"), "tls", True),
        (ssl.SSLEOFError("EOF"), "other", False),
        (ssl.SSLZeroReturnError("closed"), "other", False),
        (ssl.SSLWantReadError("not yet"), "other", False),
        (ssl.SSLWantWriteError("not yet"), "other", False),
        (TimeoutError(), "timeout", False),
        (httpcore.ConnectTimeout(), "timeout", False),
        (OSError(113, "no route"), "other", False),
    ],
)
def test_what_kept_a_connection_from_being_made(
    cause: BaseException, kind: ConnectFailure, *, final: bool
) -> None:
    error = no_connection(cause)

    assert (error.kind, error.final) == (kind, final)
    assert str(error).startswith(type(cause).__name__)


@pytest.mark.parametrize(
    ("cause", "kind", "final", "said"),
    [
        (httpcore.ProxyError("407 no"), "proxy", True, "refused with status 407"),
        (httpcore.ProxyError("no method"), "proxy", False, "ProxyError (no method)"),
        (ssl.SSLCertVerificationError("unknown CA"), "tls", True, "unknown CA"),
        (ConnectionRefusedError(111, "no"), "proxy", False, "[Errno 111] no"),
        (
            httpcore.RemoteProtocolError("illegal line: bytearray(b'T0P')"),
            "proxy",
            False,
            "RemoteProtocolError (illegal line)",
        ),
        (httpcore.ReadError("407 is not a status here"), "proxy", False, "ReadError"),
    ],
)
def test_what_a_proxy_did_in_place_of_a_tunnel(
    cause: BaseException, kind: ConnectFailure, said: str, *, final: bool
) -> None:
    error = no_tunnel("HTTPS_PROXY", cause)

    assert (error.kind, error.final) == (kind, final)
    assert said in str(error)
    assert "T0P" not in str(error)
    assert ("HTTPS_PROXY" in str(error)) is (kind == "proxy")


@pytest.mark.parametrize("final", [True, False])
def test_a_transport_that_knows_is_believed_wherever_it_stands(*, final: bool) -> None:
    known = NothingSentError("the reason", kind="proxy", final=final)
    failure = _raised(httpx.ReadError("wrapped"), known, httpcore.ReadError("below"))

    error = transport_error(failure, "POST")

    assert isinstance(error, ConnectFailedError)
    assert (error.kind, error.sent, error.retryable) == ("proxy", False, not final)
    assert str(error) == "no connection: the reason; nothing was sent"


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("slow"),
        _raised(httpx.ReadTimeout("slow"), httpcore.ReadTimeout("slow")),
        httpx.WriteTimeout("slow"),
        httpx.ConnectTimeout("no proof"),
    ],
)
def test_a_timeout_without_proof_is_a_timeout(failure: Exception) -> None:
    error = transport_error(failure, "POST")

    assert isinstance(error, RequestTimeoutError)
    assert error.sent is None


def test_an_error_the_caller_was_handling_proves_nothing_about_this_request() -> None:
    lost = httpx.ReadError("")
    lost.__cause__ = httpcore.ReadError()
    lost.__cause__.__context__ = _raised(httpx.ConnectError("other"), _refused())

    error = transport_error(lost, "POST")

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

    assert transport_error(failure, "POST") is None


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = httpx.ReadError("a"), httpx.ReadError("b")
    first.__cause__, second.__cause__ = second, first

    assert isinstance(transport_error(first, "POST"), ConnectionLostError)


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
    error = transport_error(httpx.RemoteProtocolError(text), "POST")

    assert error is not None
    assert f"connection lost: {shown}; the request may" in str(error)
    assert "T0P" not in str(error)


@pytest.mark.parametrize(
    ("failure", "shown"),
    [
        (
            _raised(httpx.ProxyError("no"), httpcore.ProxyError("no: 'T0P'")),
            "no connection: ProxyError (no); nothing was sent",
        ),
        (
            _raised(httpx.ConnectError("no"), httpcore.ConnectError("not 'localhost'")),
            "no connection: ConnectError (not 'localhost'); nothing was sent",
        ),
    ],
)
def test_names_of_hosts_are_quoted_and_what_a_proxy_said_is_not(
    failure: Exception, shown: str
) -> None:
    assert str(transport_error(failure, "POST")) == shown


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("ClientConnectorError", ConnectFailedError),
        ("ClientConnectorDNSError", ConnectFailedError),
        ("ClientProxyConnectionError", ConnectFailedError),
        ("ClientHttpProxyError", ConnectFailedError),
        ("ConnectionTimeoutError", ConnectFailedError),
        ("SocketTimeoutError", RequestTimeoutError),
        ("ServerTimeoutError", RequestTimeoutError),
        ("ServerDisconnectedError", ConnectionLostError),
        ("ClientOSError", ConnectionLostError),
        ("ClientPayloadError", ConnectionLostError),
    ],
)
def test_aiohttp_under_a_transport_that_is_not_ours(
    name: str, error: type[CSSError]
) -> None:
    aiohttp = pytest.importorskip("aiohttp")
    kind: type[Exception] = getattr(aiohttp, name)
    # Their own texts need a whole connection to tell of.
    told = {"__module__": kind.__module__, "__str__": lambda _: "why"}
    stand_in = cast(
        "type[Exception]",
        types.new_class(name, (kind,), exec_body=lambda body: body.update(told)),
    )
    failure = httpx.ConnectTimeout("why")
    failure.__cause__ = stand_in.__new__(stand_in)

    assert type(transport_error(failure, "POST")) is error


def test_a_long_or_many_lined_reason_becomes_one_short_line() -> None:
    error = transport_error(OSError("first\nsecond\u2028third" + "x" * 1000), "POST")

    assert error is not None
    assert f"(first second third{'x' * 182})" in str(error)
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
    error = transport_error(failure, "POST")

    assert isinstance(error, ConfigurationError)
    assert error.sent is False
    assert "T0P" not in str(error)


def test_a_cause_behind_a_cycle_is_found() -> None:
    failure = httpx.ConnectError("")
    core = httpcore.ConnectError("")
    failure.__cause__ = core
    core.__context__ = failure
    core.__cause__ = socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    error = transport_error(failure, "POST")

    assert isinstance(error, ConnectFailedError)
    assert error.kind == "dns"
