"""The emulator under an httpx client, in one process and without a socket."""

import asyncio
import functools
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import httpx

from css_snapshot.emulator.cloud.state import EmulatorState
from css_snapshot.emulator.http.app import Sleep, create_app
from css_snapshot.emulator.http.connection import EXTENSION

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send


class EmulatorTransport(httpx.AsyncBaseTransport):
    """Serves requests from an emulated cloud.

    Faults on the wire become the exceptions that httpx raises on a real socket. A
    request whose caller gives up goes on, as it would on a server, until `aclose`.

    Args:
        state: The emulated cloud.
        sleep: Waits for a number of seconds, for faults that delay.
    """

    def __init__(self, state: EmulatorState, *, sleep: Sleep = asyncio.sleep) -> None:
        self.state = state
        self._app = create_app(state, sleep=sleep)
        self._running: set[asyncio.Task[httpx.Response]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the response to one request.

        Raises:
            httpx.ReadError: If a fault reset the connection.
            httpx.RemoteProtocolError: If a fault closed it early, or sent garbage.
            httpx.ReadTimeout: If the response did not begin within the read timeout.
        """
        connection = _MemoryConnection(request)
        asgi = httpx.ASGITransport(functools.partial(self._serve, connection))
        task = asyncio.create_task(asgi.handle_async_request(request))
        self._running.add(task)
        task.add_done_callback(self._finished)
        task.add_done_callback(connection.begin)
        timeout: dict[str, float | None] = request.extensions.get("timeout", {})
        await connection.begun(timeout.get("read"))
        await asyncio.wait({task})
        response = task.result()
        if connection.failure is not None:
            body = await response.aread()
            broken = _BrokenStream(body, connection.failure)
            return httpx.Response(
                response.status_code, headers=response.headers, stream=broken
            )
        return response

    async def aclose(self) -> None:
        """Stop requests that are still being carried out, and wait until they are."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _finished(self, task: "asyncio.Task[httpx.Response]") -> None:
        self._running.discard(task)
        # Retrieved, so that asyncio does not warn of an abandoned request's failure.
        if not task.cancelled():
            task.exception()

    async def _serve(
        self,
        connection: "_MemoryConnection",
        scope: "Scope",
        receive: "Receive",
        send: "Send",
    ) -> None:
        scope["extensions"] = {EXTENSION: connection}

        async def send_and_tell(message: "Message") -> None:
            await send(message)
            connection.begin()

        await self._app(scope, receive, send_and_tell)
        if connection.failure is None:
            return
        if not connection.has_begun:
            raise connection.failure
        await send({"type": "http.response.body"})


class _MemoryConnection:
    """Notes how a connection would have broken."""

    def __init__(self, request: httpx.Request) -> None:
        self.failure: httpx.TransportError | None = None
        self.has_begun = False
        self._request = request
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self, _task: object = None) -> None:
        """Note that the response has begun, or ended."""
        self.has_begun = True
        if not self._begun.done():
            self._begun.set_result(None)

    async def begun(self, timeout: float | None) -> None:
        """Wait until the response begins, or `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._begun
        except TimeoutError:
            raise httpx.ReadTimeout("", request=self._request) from None

    def is_open(self) -> bool:
        return True

    def close(self) -> None:
        text = "Server disconnected without sending a response."
        if self.has_begun:
            text = "peer closed connection without sending complete message body"
        self.failure = httpx.RemoteProtocolError(text, request=self._request)

    def reset(self) -> None:
        self.failure = httpx.ReadError("", request=self._request)

    def write(self, data: bytes) -> None:
        text = f"illegal status line: {data.splitlines()[0]!r}"
        self.failure = httpx.RemoteProtocolError(text, request=self._request)


class _BrokenStream(httpx.AsyncByteStream):
    """Half a body, and then what a broken connection raises."""

    def __init__(self, body: bytes, failure: httpx.TransportError) -> None:
        self._body = body
        self._failure = failure

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise self._failure
