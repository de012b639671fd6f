"""What every kind of transport of ours does with what it is given.

That they tell faults alike is tested in `test_wire_faults.py`.
"""

import asyncio
import contextlib
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from typing import Final

import httpx
import pytest
import trustme

import tests.support.fault_server as faults
from css_snapshot import SnapshotService, default_transport
from css_snapshot.errors import (
    ConfigurationError,
    ConnectFailedError,
    ConnectionLostError,
    RequestTimeoutError,
)
from css_snapshot.transport.default import TransportKind
from css_snapshot.transport.failures import transport_error
from css_snapshot.transport.sharded import ShardedTransport
from tests.support.fault_server import FaultServer, Wire

MakeService = Callable[..., SnapshotService]
MakeTransport = Callable[..., httpx.AsyncBaseTransport]
MakeTrusting = Callable[[str], httpx.AsyncBaseTransport]

NO_READ_LIMIT: Final = {"connect": 10.0, "pool": 10.0, "read": None, "write": None}


@pytest.fixture
def kind(transport_kind: TransportKind) -> TransportKind:
    return transport_kind


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer() as server:
        yield server


def _post(
    url: str,
    body: bytes = b"{}",
    *,
    headers: dict[str, str] | None = None,
    timeout: dict[str, float | None] | None = None,
) -> httpx.Request:
    return httpx.Request(
        "POST",
        url,
        headers=headers,
        content=body,
        extensions={"timeout": timeout or NO_READ_LIMIT},
    )


async def _send(
    transport: httpx.AsyncBaseTransport, request: httpx.Request
) -> httpx.Response:
    response = await transport.handle_async_request(request)
    await response.aread()
    await response.aclose()
    return response


async def test_the_default_is_httpx_whatever_else_is_installed(
    make_transport: MakeTransport,
) -> None:
    assert isinstance(make_transport(), ShardedTransport)


def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "httptools"]:
        monkeypatch.delitem(sys.modules, name)
    for module in ("over_httptools", "http1_connection", "http1_messages"):
        home = f"css_snapshot.transport.{module}"
        monkeypatch.delitem(sys.modules, home, raising=False)
        monkeypatch.delattr(home, raising=False)
    monkeypatch.setitem(sys.modules, "httptools", None)

    with pytest.raises(ConfigurationError) as caught:
        default_transport("fast")

    assert "css-snapshot[fast]" in str(caught.value)
    assert "httptools" in str(caught.value)


async def test_nothing_is_added_to_a_request_nor_taken_away(
    server: FaultServer, make_transport: MakeTransport, kind: TransportKind
) -> None:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "User-Agent": "ours",
        "X-Sdk-Date": "20260101T000000Z",
    }
    url = f"{server.endpoint}/v1.0/p/clusters?start=1&limit=100"

    await _send(make_transport(kind), _post(url, b'{"name":"a"}', headers=headers))

    (received,) = server.requests
    assert received.target == "/v1.0/p/clusters?start=1&limit=100"
    assert received.body == b'{"name":"a"}'
    assert received.headers == {
        **{name.lower(): value for name, value in headers.items()},
        "host": f"127.0.0.1:{server.port}",
        "content-length": "12",
    }


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_request_without_a_body_stays_without(
    server: FaultServer,
    make_transport: MakeTransport,
    kind: TransportKind,
    method: str,
) -> None:
    await _send(make_transport(kind), httpx.Request(method, f"{server.endpoint}/x"))

    (received,) = server.requests
    assert (received.method, received.body) == (method, b"")
    assert received.headers.get("content-length", "0") == "0"
    assert "transfer-encoding" not in received.headers


async def test_a_request_without_headers_gets_only_what_http_demands(
    server: FaultServer, make_transport: MakeTransport, kind: TransportKind
) -> None:
    request = _post(f"{server.endpoint}/x", b"{}")
    for name in [*request.headers]:
        if name not in {"host", "content-length"}:
            del request.headers[name]

    await _send(make_transport(kind), request)

    assert set(server.requests[0].headers) == {"host", "content-length"}


async def test_an_empty_body_of_a_post_has_its_length_said(
    server: FaultServer, make_transport: MakeTransport, kind: TransportKind
) -> None:
    await _send(make_transport(kind), _post(f"{server.endpoint}/x", b""))

    assert server.requests[0].headers["content-length"] == "0"


async def test_cookies_are_not_kept(
    server: FaultServer, make_transport: MakeTransport, kind: TransportKind
) -> None:
    server.plan(faults.replies(faults.answer(201, b"", "Set-Cookie: session=1")))
    transport = make_transport(kind)

    for _ in range(2):
        await _send(transport, _post(f"{server.endpoint}/x"))

    assert ["cookie" in received.headers for received in server.requests] == [False] * 2


async def test_a_body_is_not_inflated_behind_our_back(
    server: FaultServer, make_transport: MakeTransport, kind: TransportKind
) -> None:
    server.plan(faults.replies(faults.answer(201, b"raw", "Content-Encoding: gzip")))

    response = await make_transport(kind).handle_async_request(
        _post(f"{server.endpoint}/x")
    )
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    chunks = [chunk async for chunk in stream]
    await stream.aclose()

    assert b"".join(chunks) == b"raw"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
@pytest.mark.parametrize(
    "script", [faults.reset_after_request, faults.half_closed, faults.reset_on_reuse]
)
async def test_what_may_have_been_carried_out_is_unknown_and_sent_once(
    server: FaultServer,
    make_transport: MakeTransport,
    kind: TransportKind,
    method: str,
    script: faults.Script,
) -> None:
    server.plan(script)
    transport = make_transport(kind)
    url = f"{server.endpoint}/x"
    sent = 1
    if script is faults.reset_on_reuse:
        await _send(transport, httpx.Request(method, url))
        sent = 2

    with pytest.raises(httpx.TransportError) as caught:
        await _send(transport, httpx.Request(method, url))

    error = transport_error(caught.value, method)
    assert type(error) is ConnectionLostError
    assert error.sent is None
    assert [received.method for received in server.requests] == [method] * sent


async def _carry(wire: Wire, port: int) -> None:
    """Carry everything on to another server, until both sides have closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        await asyncio.gather(_pipe(wire.reader, writer), _pipe(reader, wire.writer))
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def test_a_body_is_not_handed_over_once_the_call_was_cancelled(
    make_trusting: MakeTrusting, authority: trustme.CA, kind: TransportKind
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    connected, go_on = asyncio.Event(), asyncio.Event()
    transport = make_trusting(kind)

    async with FaultServer(tls=context) as server:

        async def held_up(wire: Wire) -> None:
            connected.set()
            await go_on.wait()
            await _carry(wire, server.port)

        async with FaultServer(healthy=held_up) as front:
            request = _post(f"https://localhost:{front.port}/x", b'{"name":"a"}')
            call = asyncio.create_task(_send(transport, request))
            await connected.wait()
            call.cancel()
            await asyncio.wait([call])

            go_on.set()
            await front.closed()
            await server.closed()

    assert call.cancelled()
    assert server.requests == []


async def test_a_request_nobody_waits_for_is_given_up_in_the_end(
    make_transport: MakeTransport, kind: TransportKind
) -> None:
    arrived = asyncio.Event()
    limits = {"connect": 0.2, "pool": 0.2, "read": 0.1, "write": None}
    transport = make_transport(kind)
    async with FaultServer(healthy=faults.silent_once(arrived)) as server:
        request = _post(f"{server.endpoint}/x", timeout=limits)
        call = asyncio.create_task(_send(transport, request))
        await arrived.wait()
        call.cancel()
        await asyncio.wait([call])

        async with asyncio.timeout(5.0):
            await server.closed()


async def test_a_plain_client_s_read_limit_is_kept(
    server: FaultServer, make_transport: MakeTransport, kind: TransportKind
) -> None:
    server.plan(faults.silent)
    limits = {"connect": 0.05, "pool": 0.05, "read": 0.05, "write": None}

    with pytest.raises(httpx.TransportError) as caught:
        await _send(make_transport(kind), _post(f"{server.endpoint}/x", timeout=limits))

    assert type(transport_error(caught.value, "POST")) is RequestTimeoutError


async def test_requests_beyond_the_connections_wait_and_then_give_up(
    make_service: MakeService, make_transport: MakeTransport, kind: TransportKind
) -> None:
    arrived, held = asyncio.Event(), asyncio.Event()

    async def hold(wire: Wire) -> None:
        received = await wire.request()
        arrived.set()
        await held.wait()
        await wire.send(faults.proper_answer(received))
        await faults.serve(wire)

    async with FaultServer(healthy=hold) as server:
        transport = make_transport(kind, connections=1)
        patient = make_service(transport, endpoint=server.endpoint)
        hasty = make_service(transport, endpoint=server.endpoint, timeout=0.4)
        first = asyncio.create_task(patient.list("c1"))
        await arrived.wait()

        with pytest.raises(ConnectFailedError) as caught:
            await hasty.list("c1")
        held.set()
        await first
        await patient.list("c1")

    assert caught.value.kind == "pool"
    assert (server.connections, len(server.requests)) == (1, 2)


async def test_a_closed_transport_sends_no_more(
    server: FaultServer, make_transport: MakeTransport, kind: TransportKind
) -> None:
    transport = make_transport(kind)
    await _send(transport, _post(f"{server.endpoint}/x"))
    await transport.aclose()

    with pytest.raises(ConfigurationError, match="closed"):
        await _send(transport, _post(f"{server.endpoint}/x"))

    assert len(server.requests) == 1


def test_a_transport_belongs_to_one_event_loop(kind: TransportKind) -> None:
    async def use(transport: httpx.AsyncBaseTransport) -> None:
        async with FaultServer() as server:
            await _send(transport, _post(f"{server.endpoint}/x"))

    with contextlib.ExitStack() as stack:
        first = stack.enter_context(asyncio.Runner())
        transport = default_transport(kind)
        first.run(use(transport))
        with (
            asyncio.Runner() as second,
            pytest.raises(ConfigurationError, match="another event loop"),
        ):
            second.run(use(transport))
        first.run(transport.aclose())
