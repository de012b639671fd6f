"""A server that breaks the rules of HTTP, one scripted connection after another.

    async with FaultServer() as server:
        server.plan(reset_after_request)
        ...                             # the first connection is reset
        ...                             # later ones are served as they should be
        assert len(server.requests) == 2

A *script* is a coroutine function that is given one accepted connection, a `Wire`.
Those below are the faults that clients of this kind meet; `serve` is the healthy one.
Give the server a TLS context and it speaks TLS.
"""

import asyncio
import functools
import gzip
import json
import socket
import ssl
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final, Self

import attrs

BACKUP: Final = b'{"backup":{"id":"9dc4f5c9-33c0-45c7","name":"snapshot_001"}}'
BACKUPS: Final = b'{"backups":[]}'

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


@attrs.frozen
class Received:
    """A request as it arrived.

    Attributes:
        method: As on the request line.
        target: As on the request line, unparsed.
        headers: Names in lower case.
        body: As many bytes as `Content-Length` said.
        connection: 0 for the first connection of the server.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


@attrs.define(eq=False)
class Wire:
    """One accepted connection, as a script sees it."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    requests: list[Received]

    async def request(self) -> Received:
        """Read one whole request and keep it.

        Raises:
            EOFError: The client has gone, as it may at any time.
        """
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        received = Received(method, target, headers, body, self.number)
        self.requests.append(received)
        return received

    async def send(self, data: bytes) -> None:
        """Send bytes and wait until the operating system has them."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Break the connection off with a TCP reset."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.writer.transport.abort()

    async def client_gone(self) -> None:
        """Wait, saying nothing, until the client closes its side."""
        while await self.reader.read(65536):
            pass


Script = Callable[[Wire], Awaitable[None]]


class FaultServer:
    """Listens on loopback; its connections follow the plan, then a healthy script.

    Args:
        tls: Makes it speak TLS, as `localhost`.
        healthy: What connections do that no script is planned for.
        host: The address of loopback to listen on.

    Attributes:
        requests: All whole requests that scripts have read.
        connections: How many connections were accepted.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        healthy: Script | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self._tls = tls
        self._host = host
        self._healthy = healthy or serve
        self._plan: deque[Script] = deque()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        # A client that keeps a connection takes no part in closing it.
        shutdown = None if self._tls is None else 0.05
        self._server = await asyncio.start_server(
            self._accept,
            self._host,
            0,
            ssl=self._tls,
            ssl_shutdown_timeout=shutdown,
            limit=1 << 20,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._server is not None:
            await self._server.wait_closed()

    async def closed(self) -> None:
        """Wait until all scripts have ended and their connections are closed."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise RuntimeError("not listening")
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    @property
    def endpoint(self) -> str:
        """Its address, as a service takes it, unless it listens elsewhere."""
        if self._tls is not None:
            return f"https://localhost:{self.port}"
        return f"http://127.0.0.1:{self.port}"

    def plan(self, *scripts: Script) -> None:
        """Say what the next connections do, one script each."""
        self._plan.extend(scripts)

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        wire = Wire(self.connections, reader, writer, self.requests)
        self.connections += 1
        script = self._plan.popleft() if self._plan else self._healthy
        task = asyncio.get_running_loop().create_task(_follow(script, wire))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _follow(script: Script, wire: Wire) -> None:
    try:
        await script(wire)
    except (EOFError, ConnectionError):
        pass
    finally:
        wire.writer.close()
        try:
            await wire.writer.wait_closed()
        except (OSError, asyncio.CancelledError):
            wire.writer.transport.abort()


def answer(
    status: int, body: bytes = b"", *headers: str, version: str = "1.1"
) -> bytes:
    """Compose a correct answer."""
    lines = (
        f"HTTP/{version} {status} Whatever",
        f"Content-Length: {len(body)}",
        *headers,
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def proper_answer(received: Received, *headers: str) -> bytes:
    """Answer a creation or a listing as the vendor documents it."""
    if received.method == "POST":
        return answer(201, BACKUP, "Content-Type: application/json", *headers)
    return answer(200, BACKUPS, "Content-Type: application/json", *headers)


async def serve(wire: Wire) -> None:
    """Answer every request as it should be, on one connection."""
    while True:
        received = await wire.request()
        await wire.send(proper_answer(received))


def replies(*answers: bytes) -> Script:
    """Make a script that sends these bytes, one request each, and then serves."""

    async def script(wire: Wire) -> None:
        for data in answers:
            await wire.request()
            await wire.send(data)
        await serve(wire)

    return script


async def reset_at_accept(wire: Wire) -> None:
    wire.reset()


async def reset_after_request(wire: Wire) -> None:
    await wire.request()
    wire.reset()


async def reset_during_answer(wire: Wire) -> None:
    received = await wire.request()
    await wire.send(proper_answer(received)[:-20])
    wire.reset()


async def reset_on_reuse(wire: Wire) -> None:
    """Serve one request, and reset when the next one has arrived."""
    await wire.send(proper_answer(await wire.request()))
    await wire.request()
    wire.reset()


async def half_closed(wire: Wire) -> None:
    """Close the sending side without an answer, and go on listening."""
    await wire.request()
    wire.writer.write_eof()
    await wire.client_gone()


async def truncated_body(wire: Wire) -> None:
    received = await wire.request()
    await wire.send(proper_answer(received)[:-20])


async def truncated_head(wire: Wire) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 201 Created\r\nContent-Le")


async def bad_chunk(wire: Wire) -> None:
    await wire.request()
    await wire.send(
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"
    )
    await wire.client_gone()


async def garbage(wire: Wire) -> None:
    await wire.request()
    await wire.send(b"\x16\x03\x01\x00\xff not HTTP at all\r\n\r\n")
    await wire.client_gone()


async def echo(wire: Wire) -> None:
    """Send the request's own header lines back, where a status line belongs."""
    received = await wire.request()
    quoted = "|".join(f"{name}: {value}" for name, value in received.headers.items())
    await wire.send(quoted.encode() + b"\r\n\r\n")
    await wire.client_gone()


async def echo_in_header(wire: Wire) -> None:
    """Quote the request's credentials in a header line that is malformed."""
    received = await wire.request()
    quoted = "|".join(f"{name}: {value}" for name, value in received.headers.items())
    await wire.send(b"HTTP/1.1 201 Created\r\n" + quoted.encode() + b"\x00\r\n\r\n")
    await wire.client_gone()


async def drip_body(wire: Wire) -> None:
    """Send one byte after the other, never so late that a read would time out."""
    await wire.request()
    await wire.send(b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await wire.send(b" ")
        await asyncio.sleep(0.01)


async def drip_head(wire: Wire) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 201 Created\r\nX-Slow: ")
    while True:
        await wire.send(b"s")
        await asyncio.sleep(0.01)


async def silent(wire: Wire) -> None:
    """Read the request and never answer."""
    await wire.request()
    await wire.client_gone()


def silent_once(arrived: asyncio.Event) -> Script:
    """Read the request, tell so, and never answer."""

    async def script(wire: Wire) -> None:
        await wire.request()
        arrived.set()
        await wire.client_gone()

    return script


async def deaf(wire: Wire) -> None:
    """Accept, and neither read nor answer."""
    await wire.client_gone()


async def endless_interim(wire: Wire) -> None:
    """Promise an answer again and again, and never give it."""
    await wire.request()
    while True:
        await wire.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        await asyncio.sleep(0.01)


async def oversized_headers(wire: Wire) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 201 Created\r\nX-Big: ")
    while True:
        await wire.send(b"a" * 65536)


async def endless_body(wire: Wire) -> None:
    await wire.request()
    await wire.send(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    while True:
        await wire.send(chunk)


@functools.cache
def bomb() -> bytes:
    """Pack 50 MiB of nothing."""
    return gzip.compress(b" " * (50 * 1024 * 1024))


async def gzip_bomb(wire: Wire) -> None:
    await wire.request()
    await wire.send(answer(201, bomb(), "Content-Encoding: gzip"))
    await serve(wire)


async def gzip_with_tail(wire: Wire) -> None:
    """Send a whole gzip stream, and then junk behind it for ever."""
    head, _, body = proper_answer(await wire.request()).partition(b"\r\n\r\n")
    status_line = head.split(b"\r\n")[0]
    await wire.send(status_line + b"\r\nContent-Encoding: gzip\r\n\r\n")
    await wire.send(gzip.compress(body))
    while True:
        await wire.send(b"\0" * 65536)


async def bad_gzip(wire: Wire) -> None:
    await wire.request()
    await wire.send(answer(201, b"this is no gzip", "Content-Encoding: gzip"))
    await serve(wire)


async def mislabelled(wire: Wire) -> None:
    """Answer with the right JSON under the wrong content type."""
    received = await wire.request()
    right = proper_answer(received)
    await wire.send(right.replace(b"application/json", b"text/html; charset=gbk"))
    await serve(wire)


async def odd_headers(wire: Wire) -> None:
    """Answer with header values that are no ASCII, in no or any encoding."""
    head, _, body = proper_answer(await wire.request()).partition(b"\r\n\r\n")
    odd = (
        b"\r\nX-Odd: caf\xc3\xa9\r\nX-Odder: caf\xe9 \xff\r\nX-Request-Id: \xe9\r\n\r\n"
    )
    await wire.send(head + odd + body)
    await serve(wire)


async def interim_then_answer(wire: Wire) -> None:
    received = await wire.request()
    await wire.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n")
    await wire.send(proper_answer(received))
    await serve(wire)


async def http_1_0(wire: Wire) -> None:
    """Answer in HTTP/1.0: no length, the end of the connection ends the body."""
    received = await wire.request()
    status, body = (201, BACKUP) if received.method == "POST" else (200, BACKUPS)
    await wire.send(f"HTTP/1.0 {status} Fine\r\n\r\n".encode() + body)


async def close_after_answer(wire: Wire) -> None:
    """Answer well, promise to keep the connection, and close it."""
    received = await wire.request()
    await wire.send(proper_answer(received))


def redirect(location: str, status: int = 307) -> Script:
    """Make a script that sends the client elsewhere."""
    return replies(answer(status, b"", f"Location: {location}"))


def tunnel_to(server: FaultServer) -> Script:
    """Make the script of a proxy that carries everything to another server."""

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            await asyncio.gather(_pipe(wire.reader, writer), _pipe(reader, wire.writer))
        finally:
            writer.close()
            await asyncio.wait({asyncio.ensure_future(writer.wait_closed())})

    return script


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


def error_body(code: str, message: str) -> bytes:
    """Compose an error the way the CSS service itself does."""
    return json.dumps({"errCode": code, "externalMessage": message}).encode()
