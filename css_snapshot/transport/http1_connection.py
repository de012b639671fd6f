"""One HTTP/1.1 connection, which knows what it has not sent."""

import asyncio
import ssl
from typing import Final

import httpx

from css_snapshot.transport.http1_messages import ResponseReader
from css_snapshot.transport.kept import readability_check
from css_snapshot.transport.slots import IDLE_SECONDS

_PAUSE_ABOVE: Final = 64 * 1024
# So much of a request the operating system takes at once.
_MAX_AT_ONCE: Final = 16 * 1024


class Connection(asyncio.BufferedProtocol):
    """A connection that carries one request after the other.

    Args:
        buffer: Where bytes arrive. They are read at once, so all connections of an
            event loop may share it. For an `asyncio.Protocol`, asyncio would allocate
            256 KiB for each read, which takes longer than reading a whole response.
        connections: The open connections, of which it is one while it is open.

    Attributes:
        idle_since: When it was made or last put aside, by the clock of the event loop.
    """

    def __init__(self, buffer: memoryview, connections: set["Connection"]) -> None:
        self._buffer = buffer
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._lost = asyncio.Event()
        self._reader = ResponseReader()
        self._failure: httpx.TransportError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: float | None = None
        self._is_paused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # what asyncio gives to such a protocol
        """Keep what writes; called by asyncio."""
        self._transport = transport
        self.idle_since = self._loop.time()
        self._connections.add(self)
        self._has_spoken = readability_check(transport.get_extra_info("socket"))
        self._is_plain = transport.get_extra_info("ssl_object") is None
        # TLS 1.3 sends tickets after the handshake, before there is any request.
        self._must_be_silent = self._is_plain

    def send(self, request: bytes) -> bool:
        """Send a request.

        Returns:
            `False` if it is proven that not a byte of it was sent: the connection had
            been idle for too long, or the other side had closed it or had sent what
            nobody asked for.
        """
        transport = self._transport
        if (
            not self._reader.reusable
            or transport.is_closing()
            or self.idle_since < self._loop.time() - IDLE_SECONDS
            or (self._must_be_silent and self._has_spoken())
        ):
            return False
        self._must_be_silent = True
        self._request_size = len(request)
        self._reader.expect()
        transport.write(request)
        # An open connection closes in `write` only if the system refused the first
        # byte: asyncio tries to send at once, and closes on an error.
        return not transport.is_closing()

    async def head(self, limit: float | None) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Return the status and the headers of the response.

        Args:
            limit: Seconds to wait for each piece of it.

        Raises:
            httpx.TransportError: If the response ends or stalls before.
        """
        reader = self._reader
        while not reader.status:
            await self._more(limit)
        return reader.status, reader.headers

    async def read(self, limit: float | None) -> bytes:
        """Return the next part of the body; an empty one at its end.

        Args:
            limit: Seconds to wait for each piece of it.

        Raises:
            httpx.TransportError: If the response ends or stalls before.
        """
        while not (self._reader.buffered or self._reader.complete):
            await self._more(limit)
        return self.take()

    @property
    def is_complete(self) -> bool:
        """Whether the whole response has arrived."""
        return self._reader.complete

    def take(self) -> bytes:
        """Return the part of the body that has arrived since the last time."""
        return self._reader.take()

    def put_aside(self) -> bool:
        """Prepare for another request.

        Returns:
            `False` if something is left over, of the response or of the request.
        """
        self.idle_since = self._loop.time()
        return (
            self._reader.complete
            and self._reader.reusable
            and not self._transport.is_closing()
            # A server may respond before it has read the request, and of TLS asyncio
            # does not tell how much is left to send.
            and not self._transport.get_write_buffer_size()
            and (self._is_plain or self._request_size <= _MAX_AT_ONCE)
        )

    def close(self) -> None:
        """Close the connection at once; a response under way fails."""
        self._fail(httpx.ReadError("the connection was closed"))
        self._transport.abort()

    async def aclose(self) -> None:
        """Close the connection at once, and wait until it is."""
        self.close()
        await self._lost.wait()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # asyncio's
        """Return where bytes may arrive; called by asyncio."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Read what has arrived; called by asyncio."""
        reader = self._reader
        try:
            reader.feed(self._buffer[:nbytes])
        except httpx.RemoteProtocolError as exc:
            self._fail(exc)
            self._abort_soon()
            return
        if reader.complete:
            if not reader.reusable:
                self._abort_soon()
        elif reader.buffered > _PAUSE_ABOVE:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Take note that nothing more will arrive; called by asyncio."""
        try:
            self._reader.finish(announced=self._read_rest())
        except httpx.RemoteProtocolError as exc:
            self._fail(exc)
        self._abort_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection is closed; called by asyncio."""
        failure = httpx.ReadError("the connection was lost")
        failure.__cause__ = exc
        self._fail(failure)
        if self._timer is not None:
            self._timer.cancel()
        self._connections.discard(self)
        self._lost.set()

    def _fail(self, failure: httpx.TransportError) -> None:
        if self._failure is None and not self._reader.complete:
            self._failure = failure
        self._wake()

    def _abort_soon(self) -> None:
        # asyncio's TLS fails if it is aborted by what it calls as it comes to its end.
        self._loop.call_soon(self._transport.abort)

    def _read_rest(self) -> bool:
        """Read what asyncio leaves unread at the end of TLS, which may be 512 KiB.

        Returns:
            Whether the other side announced the end, as TLS must and TCP can't.
        """
        tls = self._transport.get_extra_info("ssl_object")
        if tls is None:
            return True
        try:
            while count := tls.read(len(self._buffer), self._buffer):
                self._reader.feed(self._buffer[:count])
        except ssl.SSLWantReadError:
            return False
        return True

    def _more(self, limit: float | None) -> asyncio.Future[None]:
        """Return what is done when more of the response has arrived."""
        self._waiter = waiter = self._loop.create_future()
        if self._failure is not None:
            waiter.set_exception(self._failure)
            return waiter
        self._set_deadline(limit)
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
        return waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.done():
            return
        if self._failure is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(self._failure)

    def _set_deadline(self, limit: float | None) -> None:
        """Limit this wait, by the timer of an earlier one if that is early enough."""
        self._deadline = None if limit is None else self._loop.time() + limit
        if self._deadline is None:
            return
        if self._timer is not None:
            if self._timer.when() <= self._deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        if self._waiter is None or self._deadline is None:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look_at_the_clock)
        else:
            self._fail(httpx.ReadTimeout("no more of the response in time"))
            self._transport.abort()
