"""What only the transport over httptools does, on real sockets.

That it tells faults as the others do is tested in `test_wire_faults.py`,
`test_fault_outcomes.py`, `test_leftovers.py` and `test_proxies.py`.
"""

import asyncio
import gc
import socket
import ssl
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

import attrs
import httpx
import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

import tests.support.fault_server as faults
from css_snapshot import SnapshotService, default_transport
from css_snapshot.auth import TokenAuth
from css_snapshot.errors import (
    ConfigurationError,
    ConnectFailedError,
    ConnectionLostError,
    RequestTimeoutError,
)
from css_snapshot.transport.failures import NothingSentError, transport_error
from tests.support.fault_server import FaultServer, Script, Wire, answer
from tests.support.thoroughness import examples
from tests.support.virtual_time import VirtualTime

pytest.importorskip("httptools")

from css_snapshot.transport import http1_connection, over_httptools
from css_snapshot.transport.http1_connection import Connection
from css_snapshot.transport.over_httptools import HttptoolsTransport

MakeTrusting = Callable[[str], httpx.AsyncBaseTransport]

LIMITS: Final = {"connect": 10.0, "pool": 10.0, "read": 30.0, "write": None}
MEBIBYTE: Final = 1024 * 1024
OK: Final = answer(200, b"hello")


def _request(
    server: FaultServer,
    body: bytes = b"{}",
    *,
    method: str = "POST",
    **limits: float | None,
) -> httpx.Request:
    return httpx.Request(
        method,
        f"{server.endpoint}/x",
        content=body,
        extensions={"timeout": {**LIMITS, **limits}},
    )


async def _send(
    transport: httpx.AsyncBaseTransport, request: httpx.Request
) -> httpx.Response:
    response = await transport.handle_async_request(request)
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response


def _stream(response: httpx.Response) -> httpx.AsyncByteStream:
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return response.stream


async def _next(response: httpx.Response) -> bytes:
    return await anext(_stream(response).__aiter__())


def _untrusting() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
async def transport() -> AsyncIterator[HttptoolsTransport]:
    transport = HttptoolsTransport(_untrusting())
    yield transport
    await transport.aclose()
    assert not transport._connections


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer() as server:
        yield server


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    """Listen without an event loop, so that nothing happens but what the test does."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening


async def _kept(
    transport: HttptoolsTransport, peer: socket.socket
) -> tuple[httpx.Request, socket.socket]:
    """Make a connection that is kept, and return the other end of it."""
    port = peer.getsockname()[1]
    request = httpx.Request("POST", f"http://127.0.0.1:{port}/x", content=b"{}")
    call = asyncio.create_task(_send(transport, request))
    peer.setblocking(False)
    loop = asyncio.get_running_loop()
    accepted, _ = await loop.sock_accept(peer)
    accepted.setblocking(False)
    assert await loop.sock_recv(accepted, 65536)
    await loop.sock_sendall(accepted, OK)
    assert (await call).content == b"hello"
    return request, accepted


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, faults._RESET_ON_CLOSE)
    connection.close()


def _end(connection: socket.socket) -> None:
    connection.close()


def _say(connection: socket.socket) -> None:
    connection.send(OK)


@pytest.mark.parametrize("leave", [_reset, _end, _say])
async def test_a_connection_gone_stale_unnoticed_is_not_written_to(
    transport: HttptoolsTransport,
    peer: socket.socket,
    leave: Callable[[socket.socket], None],
) -> None:
    request, accepted = await _kept(transport, peer)
    with accepted:
        leave(accepted)
        # The event loop has had no chance to notice.
        again = asyncio.create_task(_send(transport, request))
        fresh, _ = await asyncio.get_running_loop().sock_accept(peer)
        with fresh:
            fresh.setblocking(False)
            assert await asyncio.get_running_loop().sock_recv(fresh, 65536)
            await asyncio.get_running_loop().sock_sendall(fresh, OK)

            assert (await again).status_code == 200


async def test_a_write_that_the_system_refuses_proves_that_nothing_was_sent(
    transport: HttptoolsTransport,
    peer: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The reset comes between the look and the write.
    monkeypatch.setattr(http1_connection, "readability_check", lambda _: lambda: False)
    request, accepted = await _kept(transport, peer)
    _reset(accepted)
    peer.close()

    with pytest.raises(NothingSentError) as caught:
        await _send(transport, request)

    error = transport_error(caught.value, "POST")
    assert isinstance(error, ConnectFailedError)
    assert (error.kind, error.sent) == ("refused", False)


async def test_a_new_connection_that_is_gone_before_the_write_proves_it_too(
    transport: HttptoolsTransport, monkeypatch: pytest.MonkeyPatch, server: FaultServer
) -> None:
    monkeypatch.setattr(http1_connection, "readability_check", lambda _: lambda: True)

    with pytest.raises(NothingSentError) as caught:
        await _send(transport, _request(server))

    error = transport_error(caught.value, "POST")
    assert isinstance(error, ConnectFailedError)
    assert error.sent is False
    assert "closed before the request was sent" in str(error)
    await asyncio.sleep(0)
    assert not transport._connections


async def test_a_lost_request_is_not_told_as_one_that_was_not_sent(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    server.plan(faults.reset_on_reuse)
    await _send(transport, _request(server))

    with pytest.raises(httpx.ReadError) as caught:
        await _send(transport, _request(server))

    assert isinstance(transport_error(caught.value, "POST"), ConnectionLostError)
    assert len(server.requests) == 2


async def test_one_connection_carries_one_request_after_the_other(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    for _ in range(5):
        await _send(transport, _request(server))
    await asyncio.gather(*(_send(transport, _request(server)) for _ in range(3)))

    assert (server.connections, len(server.requests)) == (3, 8)


def _let_pass(transport: HttptoolsTransport, seconds: float) -> None:
    for connection in transport._connections:
        connection.idle_since -= seconds


@pytest.mark.parametrize(("seconds", "connections"), [(29.0, 1), (31.0, 2)])
async def test_a_connection_idle_for_too_long_is_not_used_again(
    transport: HttptoolsTransport, server: FaultServer, seconds: float, connections: int
) -> None:
    await _send(transport, _request(server))
    _let_pass(transport, seconds)
    await _send(transport, _request(server))
    await asyncio.sleep(0)

    assert server.connections == connections
    assert len(transport._connections) == 1


async def test_a_stale_connection_is_passed_over_for_one_that_is_not(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    await asyncio.gather(*(_send(transport, _request(server)) for _ in range(2)))
    (idle,) = transport._idle.values()
    idle[-1].idle_since -= 31.0

    await _send(transport, _request(server))
    await asyncio.sleep(0)

    assert server.connections == 2
    assert len(transport._connections) == 1


@pytest.mark.parametrize(("seconds", "left"), [(29.0, 3), (31.0, 1)])
async def test_connections_idle_for_too_long_are_closed_when_one_is_put_aside(
    transport: HttptoolsTransport, server: FaultServer, seconds: float, left: int
) -> None:
    await asyncio.gather(*(_send(transport, _request(server)) for _ in range(2)))
    hold = asyncio.Event()

    async def held(wire: Wire) -> None:
        received = await wire.request()
        await hold.wait()
        await wire.send(faults.proper_answer(received))
        await wire.client_gone()

    server.plan(held)
    slow = [asyncio.create_task(_send(transport, _request(server))) for _ in range(3)]
    await asyncio.wait(slow, return_when=asyncio.FIRST_COMPLETED)
    _let_pass(transport, seconds)
    hold.set()
    await asyncio.wait(slow)
    await asyncio.sleep(0)

    assert len(transport._connections) == left


@pytest.mark.parametrize("method", ["HEAD", "CONNECT"])
async def test_what_can_not_be_sent_makes_no_connection(
    transport: HttptoolsTransport, server: FaultServer, method: str
) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        await _send(transport, _request(server, b"", method=method))

    assert server.connections == 0


async def test_a_body_of_unknown_length_is_refused(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"{"
        yield b"}"

    request = httpx.Request("POST", f"{server.endpoint}/x", content=pieces())
    with pytest.raises(httpx.LocalProtocolError, match="frame"):
        await _send(transport, request)


async def test_another_scheme_is_refused(transport: HttptoolsTransport) -> None:
    with pytest.raises(httpx.UnsupportedProtocol):
        await _send(transport, httpx.Request("GET", "ftp://127.0.0.1/x"))


async def test_a_plain_client_can_use_it(server: FaultServer) -> None:
    transport = HttptoolsTransport(_untrusting())
    async with httpx.AsyncClient(transport=transport) as client:
        got = [await client.post(f"{server.endpoint}/x", json={}) for _ in range(2)]

    assert [response.status_code for response in got] == [201, 201]
    assert got[0].json() == {
        "backup": {"id": "9dc4f5c9-33c0-45c7", "name": "snapshot_001"}
    }
    assert server.connections == 1


async def test_a_large_body_comes_whole_and_a_little_at_a_time(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    body = bytes(range(256)) * (4 * MEBIBYTE // 256)
    server.plan(faults.replies(answer(200, body)))

    response = await transport.handle_async_request(_request(server))
    pieces = []
    buffered = []
    async for piece in _stream(response):
        pieces.append(piece)
        (connection,) = transport._connections
        buffered.append(connection._reader.buffered)
    await response.aclose()

    assert b"".join(pieces) == body
    assert max(map(len, pieces)) <= 128 * 1024
    assert max(buffered) <= 128 * 1024
    await _send(transport, _request(server))
    assert server.connections == 1


async def test_a_server_is_held_up_while_nobody_reads(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    sent = 0

    async def flood(wire: Wire) -> None:
        nonlocal sent
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await wire.send(chunk)
            sent += 1

    server.plan(flood)
    response = await transport.handle_async_request(_request(server))
    before = -1
    while sent > before:
        before = sent
        for _ in range(100):
            await asyncio.sleep(0)

    (connection,) = transport._connections
    assert connection._is_paused
    assert connection._reader.buffered <= 128 * 1024
    assert sum([1 async for _ in _first(_stream(response), 200)]) == 200
    await response.aclose()


async def _first(stream: httpx.AsyncByteStream, number: int) -> AsyncIterator[bytes]:
    count = 0
    async for piece in stream:
        yield piece
        count += 1
        if count == number:
            return


async def test_a_body_that_came_whole_keeps_no_connection_busy(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    responses = [
        await transport.handle_async_request(_request(server)) for _ in range(2)
    ]

    assert server.connections == 1
    assert {await response.aread() for response in responses} == {faults.BACKUP}


async def test_a_body_left_unread_costs_the_connection(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    server.plan(faults.replies(answer(200, b" " * MEBIBYTE)))

    response = await transport.handle_async_request(_request(server))
    await response.aclose()
    await response.aclose()
    await _send(transport, _request(server))

    assert [received.connection for received in server.requests] == [0, 1]


async def test_a_body_can_not_be_read_after_it_was_closed(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    server.plan(faults.replies(answer(200, b" " * MEBIBYTE)))
    response = await transport.handle_async_request(_request(server))
    stream = _stream(response)
    pieces = stream.__aiter__()
    assert await anext(pieces)

    await response.aclose()

    for late in (pieces, stream.__aiter__()):
        with pytest.raises(httpx.StreamClosed):
            await anext(late)


async def test_what_reads_a_body_while_it_is_closed_is_woken(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    async def stalls(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        await wire.client_gone()

    server.plan(stalls)
    response = await transport.handle_async_request(_request(server))
    reading = asyncio.create_task(_next(response))
    await asyncio.sleep(0)

    await response.aclose()

    with pytest.raises(httpx.ReadError, match="closed"):
        await reading


async def _hasty(wire: Wire) -> None:
    await wire.reader.readexactly(1)
    await wire.send(answer(413, b"too large"))
    await wire.client_gone()


async def test_a_response_before_the_request_was_read_is_taken(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    server.plan(_hasty)

    response = await _send(transport, _request(server, b" " * (32 * MEBIBYTE)))

    assert (response.status_code, response.content) == (413, b"too large")
    await _send(transport, _request(server))
    assert server.requests[-1].connection == 1


async def test_a_server_that_ends_without_reading_the_request_is_not_waited_for(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    async def deaf(wire: Wire) -> None:
        await wire.reader.readexactly(1)
        wire.writer.write_eof()
        await wire.client_gone()

    server.plan(deaf)

    with pytest.raises(httpx.RemoteProtocolError, match="before the end"):
        await _send(transport, _request(server, b" " * (32 * MEBIBYTE), read=None))


async def test_a_body_without_a_length_ends_though_the_request_was_not_read(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    async def hasty(wire: Wire) -> None:
        await wire.reader.readexactly(1)
        await wire.send(b"HTTP/1.1 413 Too large\r\n\r\ntoo large")
        wire.writer.write_eof()
        await wire.client_gone()

    server.plan(hasty)
    request = _request(server, b" " * (32 * MEBIBYTE), read=None)

    async with asyncio.timeout(LIMITS["read"]):
        response = await _send(transport, request)

    assert (response.status_code, response.content) == (413, b"too large")


@pytest.mark.parametrize("ending", ["end", "reset"])
async def test_a_body_without_a_length_is_whole_only_if_the_connection_ends_properly(
    transport: HttptoolsTransport, server: FaultServer, ending: str
) -> None:
    read = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await read.wait()
        if ending == "reset":
            wire.reset()

    server.plan(script)
    response = await transport.handle_async_request(_request(server))
    pieces = _stream(response).__aiter__()
    assert await anext(pieces) == b"hello"
    read.set()

    expected = StopAsyncIteration if ending == "end" else httpx.ReadError
    with pytest.raises(expected):
        await anext(pieces)
    await response.aclose()


async def test_a_transport_that_closes_cuts_no_body_short_unnoticed(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    async def endless(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await wire.client_gone()

    server.plan(endless)
    response = await transport.handle_async_request(_request(server))
    pieces = _stream(response).__aiter__()
    await anext(pieces)

    await transport.aclose()

    with pytest.raises(httpx.ReadError, match="closed"):
        await anext(pieces)
    await response.aclose()


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
    ],
    ids=["head", "extension", "trailer"],
)
async def test_what_has_no_end_is_given_up(
    transport: HttptoolsTransport, server: FaultServer, start: bytes
) -> None:
    async def endless(wire: Wire) -> None:
        await wire.request()
        await wire.send(start)
        while True:
            await wire.send(b"a" * 4096)

    server.plan(endless)

    with pytest.raises(httpx.RemoteProtocolError, match="goes on without content"):
        await _send(transport, _request(server))

    await server.closed()


async def test_a_reader_that_waits_too_long_closes_the_connection(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    server.plan(faults.silent)

    with pytest.raises(httpx.ReadTimeout) as caught:
        await _send(transport, _request(server, read=0.05))

    assert isinstance(transport_error(caught.value, "POST"), RequestTimeoutError)
    await server.closed()


@attrs.define(eq=False)
class Recorder(asyncio.Transport):
    """Stands for a connection that asyncio has made."""

    written: list[bytes] = attrs.field(factory=list)
    reading: list[str] = attrs.field(factory=list)
    closed: bool = False
    extra: dict[str, object] = attrs.field(factory=dict)

    def get_extra_info(self, name: str, default: object = None) -> Any:
        # It has no socket, and TLS only if told.
        return self.extra.get(name, default)

    def write(self, data: Any) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.reading.append("paused")

    def resume_reading(self) -> None:
        self.reading.append("resumed")

    def get_write_buffer_size(self) -> int:
        return 0


@attrs.define(eq=False)
class Line:
    """A connection without a socket."""

    wire: Recorder
    connection: Connection
    buffer: memoryview

    def say(self, data: bytes) -> None:
        self.buffer[: len(data)] = data
        self.connection.buffer_updated(len(data))


@pytest.fixture
async def line(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    monkeypatch.setattr(http1_connection, "readability_check", lambda _: lambda: False)
    buffer = memoryview(bytearray(65536))
    connection = Connection(buffer, set())
    wire = Recorder()
    connection.connection_made(wire)
    yield Line(wire, connection, buffer)
    connection.connection_lost(None)


async def test_a_connection_that_is_lost_tells_why(line: Line) -> None:
    assert line.connection.send(b"request")
    why = ConnectionResetError("by peer")

    line.connection.connection_lost(why)

    with pytest.raises(httpx.ReadError) as caught:
        await line.connection.head(10.0)
    assert caught.value.__cause__ is why


async def test_the_limit_for_reading_starts_anew_with_each_piece(
    virtual_time: VirtualTime, line: Line
) -> None:
    assert line.connection.send(b"request")
    head = asyncio.create_task(line.connection.head(10.0))
    for piece in (b"HTTP/1.1 200 OK\r\n", b"Content-Length: 5\r\n", b"\r\nhe"):
        await asyncio.sleep(9.0)
        line.say(piece)
    assert (await head)[0] == 200
    assert await line.connection.read(10.0) == b"he"

    rest = asyncio.create_task(line.connection.read(10.0))
    await asyncio.sleep(9.0)
    assert not rest.done()

    with pytest.raises(httpx.ReadTimeout):
        await rest
    assert virtual_time.elapsed == 37.0
    assert line.wire.closed


async def test_a_shorter_limit_replaces_a_longer_one(
    virtual_time: VirtualTime, line: Line
) -> None:
    line.connection.send(b"request")
    head = asyncio.create_task(line.connection.head(30.0))
    await asyncio.sleep(1.0)
    line.say(answer(200, b"hello"))
    await head
    line.connection.send(b"request")

    with pytest.raises(httpx.ReadTimeout):
        await line.connection.head(5.0)

    assert virtual_time.elapsed == 6.0


async def test_no_timer_outlives_the_connection(
    virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http1_connection, "readability_check", lambda _: lambda: False)
    buffer = memoryview(bytearray(65536))
    line = Line(Recorder(), Connection(buffer, set()), buffer)
    line.connection.connection_made(line.wire)
    for limit in (30.0, 20.0):
        line.connection.send(b"request")
        head = asyncio.create_task(line.connection.head(limit))
        await asyncio.sleep(1.0)
        line.say(answer(200, b"hello"))
        await head
    line.connection.connection_lost(None)
    gone = weakref.ref(line.connection)

    del line
    gc.collect()

    assert gone() is None
    assert virtual_time.elapsed == 2.0


async def test_no_limit_outlives_the_request_that_has_it(
    virtual_time: VirtualTime, line: Line
) -> None:
    line.connection.send(b"request")
    head = asyncio.create_task(line.connection.head(5.0))
    await asyncio.sleep(1.0)
    line.say(answer(200, b"hello"))
    await head
    line.connection.send(b"request")
    head = asyncio.create_task(line.connection.head(None))
    await asyncio.sleep(100.0)
    line.say(answer(201, b"hello"))

    assert (await head)[0] == 201


async def test_time_that_nobody_waits_for_is_not_counted(
    virtual_time: VirtualTime, line: Line
) -> None:
    line.connection.send(b"request")
    head = asyncio.create_task(line.connection.head(10.0))
    await asyncio.sleep(5.0)
    line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
    await head
    await line.connection.read(10.0)
    await asyncio.sleep(100.0)

    rest = asyncio.create_task(line.connection.read(10.0))
    await asyncio.sleep(5.0)
    line.say(b"llo")

    assert await rest == b"llo"
    assert not line.wire.closed


async def test_a_limit_holds_after_time_that_nobody_waited_for(
    virtual_time: VirtualTime, line: Line
) -> None:
    line.connection.send(b"request")
    head = asyncio.create_task(line.connection.head(10.0))
    await asyncio.sleep(5.0)
    line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    await head
    await asyncio.sleep(95.0)

    with pytest.raises(httpx.ReadTimeout):
        await line.connection.read(10.0)

    assert virtual_time.elapsed == 110.0


async def test_tls_may_say_something_before_the_first_request_and_not_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Its tickets, which the event loop has not read yet.
    monkeypatch.setattr(http1_connection, "readability_check", lambda _: lambda: True)
    buffer = memoryview(bytearray(65536))
    wire = Recorder(extra={"ssl_object": object()})
    line = Line(wire, Connection(buffer, set()), buffer)
    line.connection.connection_made(wire)

    assert line.connection.send(b"request")
    line.say(answer(200, b"hello"))
    assert line.connection.put_aside()
    assert not line.connection.send(b"request")

    assert wire.written == [b"request"]
    line.connection.connection_lost(None)


async def test_closing_takes_until_the_connection_is_lost(line: Line) -> None:
    closing = asyncio.create_task(line.connection.aclose())
    for _ in range(10):
        await asyncio.sleep(0)
    assert line.wire.closed
    assert not closing.done()

    line.connection.connection_lost(None)
    await closing


async def test_a_connection_that_took_long_to_make_is_not_stale(
    virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http1_connection, "readability_check", lambda _: lambda: False)
    connection = Connection(memoryview(bytearray(65536)), set())
    # asyncio makes the object first, and TLS after it.
    await asyncio.sleep(45.0)
    connection.connection_made(Recorder())

    assert connection.send(b"request")
    connection.connection_lost(None)
    assert virtual_time.elapsed == 45.0


@pytest.mark.parametrize(("seconds", "fresh"), [(30.0, True), (30.5, False)])
async def test_a_connection_may_be_idle_for_so_long(
    virtual_time: VirtualTime, line: Line, seconds: float, *, fresh: bool
) -> None:
    line.connection.send(b"request")
    await asyncio.sleep(60.0)
    line.say(answer(200, b"hello"))
    assert line.connection.put_aside()
    await asyncio.sleep(seconds)

    assert line.connection.send(b"request") is fresh
    assert virtual_time.elapsed == 60.0 + seconds


async def test_what_a_server_says_first_keeps_the_request_from_being_sent(
    line: Line,
) -> None:
    line.say(b"SSH-2.0-OpenSSH_9\r\n")

    assert not line.connection.send(b"request")
    await asyncio.sleep(0)
    assert (line.wire.written, line.wire.closed) == ([], True)


async def test_reading_is_paused_above_a_limit_and_resumed_below(line: Line) -> None:
    line.connection.send(b"request")
    head = asyncio.create_task(line.connection.head(10.0))
    await asyncio.sleep(0)
    line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b" " * 60000)
    await head
    line.say(b" " * 5536)
    assert line.wire.reading == []
    line.say(b" " * 14464)
    assert line.wire.reading == ["paused"]

    assert len(await line.connection.read(10.0)) == 80000
    assert line.wire.reading == ["paused"]
    rest = asyncio.create_task(line.connection.read(10.0))
    await asyncio.sleep(0)
    assert line.wire.reading == ["paused", "resumed"]
    line.say(b" " * 10000)
    assert len(await rest) == 10000
    rest = asyncio.create_task(line.connection.read(10.0))
    await asyncio.sleep(0)
    line.say(b" " * 10000)

    assert len(await rest) == 10000
    assert line.wire.reading == ["paused", "resumed"]
    assert line.connection.put_aside()


async def test_what_can_not_be_read_closes_the_connection_though_nobody_waits(
    line: Line,
) -> None:
    line.connection.send(b"request")
    line.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    await asyncio.sleep(0)

    assert line.wire.closed
    with pytest.raises(httpx.RemoteProtocolError):
        await line.connection.read(10.0)


@pytest.mark.parametrize("steps", range(30))
async def test_a_call_cancelled_at_any_step_gives_back_what_it_took(
    server: FaultServer, steps: int
) -> None:
    transport = default_transport("fast", connections=1, trust_env=False)
    server.plan(faults.replies(answer(200, b" " * 3 * MEBIBYTE)))
    call = asyncio.create_task(_send(transport, _request(server)))
    for _ in range(steps):
        await asyncio.sleep(0)

    call.cancel()
    await asyncio.wait([call])

    assert call.cancelled()
    assert (await _send(transport, _request(server))).status_code in {200, 201}
    await transport.aclose()
    await server.closed()


async def test_a_cancelled_call_closes_its_connection(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    arrived = asyncio.Event()
    server.plan(faults.silent_once(arrived))
    call = asyncio.create_task(_send(transport, _request(server)))
    await arrived.wait()

    call.cancel()

    await server.closed()
    assert call.cancelled()
    assert not transport._connections


async def test_a_transport_that_closes_fails_what_is_in_flight(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    arrived = asyncio.Event()
    server.plan(faults.silent_once(arrived))
    call = asyncio.create_task(_send(transport, _request(server)))
    await arrived.wait()

    await transport.aclose()

    with pytest.raises(httpx.ReadError, match="the connection was closed"):
        await call
    await server.closed()


async def test_a_transport_that_closes_while_it_connects_sends_nothing(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    call = asyncio.create_task(_send(transport, _request(server)))
    await asyncio.sleep(0)

    await transport.aclose()

    with pytest.raises(NothingSentError):
        await call
    await server.closed()
    assert server.requests == []


async def test_a_response_that_ends_after_closing_is_read_to_its_end(
    transport: HttptoolsTransport, server: FaultServer
) -> None:
    server.plan(faults.replies(answer(200, b" " * 80000)))
    response = await transport.handle_async_request(_request(server))
    transport._is_closed = True

    assert len(await response.aread()) == 80000
    await response.aclose()
    await asyncio.sleep(0)

    assert not transport._connections


def test_a_transport_whose_event_loop_is_gone_can_be_closed(
    peer: socket.socket,
) -> None:
    transport = HttptoolsTransport(_untrusting())
    with asyncio.Runner() as first:
        _, accepted = first.run(_kept(transport, peer))
    (connection,) = transport._connections

    with asyncio.Runner() as second:
        second.run(transport.aclose())

    # Only the event loop that is gone could have closed it.
    transport_of_asyncio: Any = connection._transport
    transport_of_asyncio._sock.close()
    transport_of_asyncio._sock = None
    accepted.close()


@pytest.fixture
def sni() -> list[str]:
    return []


@pytest.fixture
async def secure(
    authority: trustme.CA, sni: list[str]
) -> AsyncIterator[tuple[FaultServer, HttptoolsTransport]]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    tls.sni_callback = lambda _, name, __: sni.append(name)
    trusting = _untrusting()
    authority.configure_trust(trusting)
    transport = HttptoolsTransport(trusting)
    async with FaultServer(tls=tls) as server:
        yield server, transport
        await transport.aclose()
        assert not transport._connections


async def test_tls_names_the_server_and_keeps_the_connection(
    secure: tuple[FaultServer, HttptoolsTransport], sni: list[str]
) -> None:
    server, transport = secure
    for _ in range(3):
        await _send(transport, _request(server))

    assert sni == ["localhost"]
    assert (server.connections, len(server.requests)) == (1, 3)


@pytest.mark.parametrize("steps", range(0, 40, 2))
async def test_a_call_over_tls_cancelled_at_any_step_leaves_nothing_open(
    secure: tuple[FaultServer, HttptoolsTransport], steps: int
) -> None:
    server, transport = secure
    server.plan(faults.silent)
    call = asyncio.create_task(_send(transport, _request(server)))
    for _ in range(steps):
        await asyncio.sleep(0)

    call.cancel()
    await asyncio.wait([call])
    await server.closed()

    assert call.cancelled()
    for _ in range(3):
        await asyncio.sleep(0)
    assert not transport._connections


async def test_a_large_body_comes_whole_through_tls(
    secure: tuple[FaultServer, HttptoolsTransport],
) -> None:
    server, transport = secure
    body = bytes(range(256)) * (4 * MEBIBYTE // 256)
    server.plan(faults.replies(answer(200, body)))

    response = await transport.handle_async_request(_request(server))

    assert await response.aread() == body
    await response.aclose()
    await _send(transport, _request(server))
    assert server.connections == 1


async def test_a_body_without_a_length_ends_with_the_tls_connection(
    secure: tuple[FaultServer, HttptoolsTransport],
) -> None:
    server, transport = secure
    server.plan(faults.http_1_0)

    response = await _send(transport, _request(server))

    assert response.content == faults.BACKUP


async def test_a_tls_connection_with_a_request_half_sent_is_not_used_again(
    secure: tuple[FaultServer, HttptoolsTransport],
) -> None:
    server, transport = secure
    server.plan(_hasty)

    response = await _send(transport, _request(server, b" " * (8 * MEBIBYTE)))

    assert (response.status_code, response.content) == (413, b"too large")
    await _send(transport, _request(server))
    assert server.requests[-1].connection == 1


@pytest.mark.parametrize(("size", "connections"), [(15 * 1024, 1), (17 * 1024, 2)])
async def test_a_tls_connection_is_kept_after_what_is_surely_sent(
    secure: tuple[FaultServer, HttptoolsTransport], size: int, connections: int
) -> None:
    server, transport = secure
    for _ in range(2):
        await _send(transport, _request(server, b" " * size))

    assert server.connections == connections


@pytest.mark.parametrize("size", [150_000, 250_000])
@pytest.mark.parametrize("framing", ["length", "end"])
async def test_what_came_before_the_end_of_tls_is_read_however_late(
    secure: tuple[FaultServer, HttptoolsTransport], size: int, framing: str
) -> None:
    server, transport = secure
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, it: problems.append(it))
    length = b"Content-Length: %d\r\n" % size if framing == "length" else b""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n%b\r\n" % length

    async def ends(wire: Wire) -> None:
        await wire.request()
        await wire.send(head + b" " * size)

    server.plan(ends)
    response = await transport.handle_async_request(_request(server))
    await server.closed()
    # The event loop has time to see the end, which is to be read only then.
    for _ in range(20):
        await asyncio.sleep(0)

    assert len(await response.aread()) == size
    await response.aclose()
    await transport.aclose()
    assert problems == []


async def test_a_body_without_a_length_is_not_whole_if_tls_does_not_say_so(
    secure: tuple[FaultServer, HttptoolsTransport],
) -> None:
    server, transport = secure

    async def cut_off(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\n\r\n{}")
        wire.writer.transport.abort()

    server.plan(cut_off)

    with pytest.raises(httpx.RemoteProtocolError, match="before the end"):
        await _send(transport, _request(server))


async def test_a_tls_connection_closed_after_a_response_is_replaced_unnoticed(
    secure: tuple[FaultServer, HttptoolsTransport],
) -> None:
    server, transport = secure
    server.plan(*[faults.close_after_answer] * 3)

    for _ in range(4):
        await _send(transport, _request(server))
        if server.connections < 4:
            await server.closed()

    assert (server.connections, len(server.requests)) == (4, 4)


async def test_a_service_makes_and_closes_the_transport_that_it_is_told_by_name(
    server: FaultServer,
) -> None:
    async with SnapshotService(
        project_id="p1",
        endpoint=server.endpoint,
        auth=TokenAuth("token"),
        transport="fast",
    ) as service:
        await service.list("c1")
        await service.list("c1")
        assert server.connections == 1

    await server.closed()
    with pytest.raises(ConfigurationError, match="closed"):
        await service.list("c1")


@pytest.mark.parametrize("kind", ["fastest", ""])
def test_a_service_refuses_a_transport_that_it_does_not_know(kind: str) -> None:
    with pytest.raises(ConfigurationError, match="unknown transport kind"):
        SnapshotService(
            project_id="p1",
            region="cn-north-4",
            auth=TokenAuth("token"),
            transport=kind,  # type: ignore[arg-type]  # what a caller may write
        )


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Draw the bytes of a response, or of what is nearly one."""
    version = draw(st.sampled_from([b"1.1", b"1.0"]))
    status = draw(
        st.sampled_from([b"200 OK", b"201", b"204 None", b"304 Same", b"500 X"])
    )
    # Some take several reads, and more than is read ahead.
    factor = draw(st.sampled_from([1, 1, 1, 1000]))
    body = draw(st.binary(max_size=200)) * factor
    fields = draw(
        st.lists(
            st.sampled_from(
                [
                    b"X-Odd: caf\xe9",
                    b"X-Empty:",
                    b"x-spaced:  a  b\t",
                    b"Content-Type: application/json",
                    b"Connection: close",
                    b"Connection: keep-alive",
                    b"X-Request-Id: 1",
                ]
            ),
            max_size=4,
        )
    )
    framing = draw(st.sampled_from(["length", "chunks", "end"]))
    if framing == "length":
        fields.append(b"Content-Length: %d" % len(body))
    elif framing == "chunks":
        fields.append(b"transfer-encoding: chunked")
        size = draw(st.integers(1, 99)) * factor
        body = _in_chunks(body, size, draw(st.sampled_from(EXTRAS)))
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n"]))
    head = b"\r\n".join([b"HTTP/%b %b" % (version, status), *fields])
    whole = interim + head + b"\r\n\r\n" + body
    return whole[: draw(st.just(len(whole)) | st.integers(0, len(whole)))]


EXTRAS: Final = ((b"", b""), (b";a=b", b"X-Trailer: 1\r\n"))


def _in_chunks(body: bytes, size: int, extras: tuple[bytes, bytes]) -> bytes:
    extension, trailer = extras
    chunks = [body[n : n + size] for n in range(0, len(body), size)]
    coded = [b"%x%b\r\n%b\r\n" % (len(c), extension, c) for c in chunks]
    return b"".join([*coded, b"0\r\n", trailer, b"\r\n"])


def _says(data: bytes) -> Script:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(data)

    return script


async def _reading(
    make: Callable[[], httpx.AsyncBaseTransport], server: FaultServer, data: bytes
) -> tuple[object, ...]:
    transport = make()
    server.plan(_says(data))
    try:
        response = await transport.handle_async_request(_request(server))
        stream = _stream(response)
        body = b"".join([piece async for piece in stream])
        await stream.aclose()
    except httpx.TransportError as error:
        return (type(transport_error(error, "POST")),)
    finally:
        await transport.aclose()
    return (response.status_code, response.headers.raw, body)


@pytest.fixture(scope="session", params=["http", "https"])
def ends(
    request: pytest.FixtureRequest, authority: trustme.CA
) -> tuple[ssl.SSLContext | None, ssl.SSLContext]:
    """Make the TLS settings of a server, if it speaks TLS, and of a client."""
    trusting = _untrusting()
    authority.configure_trust(trusting)
    if request.param == "http":
        return None, trusting
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    return tls, trusting


@given(data=responses())
@settings(max_examples=examples(150), deadline=None)
def test_a_response_is_read_as_httpx_reads_it(
    ends: tuple[ssl.SSLContext | None, ssl.SSLContext], data: bytes
) -> None:
    tls, context = ends

    async def compare() -> list[tuple[object, ...]]:
        async with FaultServer(tls=tls) as server:
            return [
                await _reading(make, server, data)
                for make in (
                    lambda: HttptoolsTransport(context),
                    lambda: httpx.AsyncHTTPTransport(verify=context, trust_env=False),
                )
            ]

    ours, theirs = asyncio.run(compare())

    assert ours == theirs


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://a.example/x", 80),
        ("https://a.example/x", 443),
        ("http://a:81/x", 81),
        ("http://a:0/x", 0),
    ],
)
async def test_a_connection_is_made_to_the_port_of_the_scheme(
    url: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def refuse(_host: str, port: int) -> None:
        asked.append(port)
        raise ConnectionRefusedError

    monkeypatch.setattr(over_httptools, "connect_to_any", refuse)
    request = httpx.Request("GET", url, extensions={"timeout": LIMITS})

    with pytest.raises(NothingSentError):
        await HttptoolsTransport(_untrusting()).handle_async_request(request)

    assert asked == [port]


async def test_connecting_takes_no_longer_than_its_limit(
    transport: HttptoolsTransport, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_host: str, _port: int) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(over_httptools, "connect_to_any", never)

    async with asyncio.timeout(LIMITS["read"]):
        with pytest.raises(NothingSentError) as caught:
            await _send(transport, _request(server, connect=0.01))

    assert caught.value.kind == "timeout"
