"""Uvicorn's HTTP protocol, with limits and a way to break the connection."""

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import attrs

try:
    import h11
    from uvicorn.config import Config
    from uvicorn.protocols.http.h11_impl import H11Protocol
    from uvicorn.server import ServerState
except ImportError as error:
    raise ImportError(
        "the emulator's server needs the extra css-snapshot[emulator]: "
        "pip install 'css-snapshot[emulator]'"
    ) from error

from css_snapshot.emulator.http.connection import EXTENSION

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_LONGEST_HEAD = 64 * 1024
_IDLE_SECONDS = 75
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@attrs.frozen
class Limits:
    """What clients may use of a server.

    Attributes:
        connections: How many there may be at once; what is too many is dropped.
        request_seconds: How long a request may take to arrive, in seconds.
    """

    connections: int
    request_seconds: float


class BreakableProtocol(H11Protocol):
    """Serves HTTP/1.1, and hands its connection to the application.

    Args:
        config: Uvicorn's configuration, loaded.
        server_state: Uvicorn's record of connections and tasks.
        limits: What clients may use.
        new_request_id: Makes the id of a request that is not HTTP.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        limits: Limits,
        new_request_id: Callable[[], str],
    ) -> None:
        super().__init__(config, server_state, app_state={})
        self._served = self.app
        self._limits = limits
        self._new_request_id = new_request_id
        self._arrival: asyncio.TimerHandle | None = None
        self.app = self._serve
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, unless there are too many."""
        super().connection_made(cast("asyncio.Transport", transport))
        if len(self.connections) > self._limits.connections:
            self.transport.abort()
        else:
            self._watch_arrival()

    def data_received(self, data: bytes) -> None:
        """Take what arrived, and note whether a request is whole."""
        super().data_received(data)
        self._watch_arrival()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is gone."""
        super().connection_lost(exc)
        self._stop_watching()
        self.lost.set()

    def is_open(self) -> bool:
        """Whether the client is still there."""
        return not self.transport.is_closing()

    def close(self) -> None:
        """Close after what was sent, with nothing more."""
        self.cycle.disconnected = True
        self.transport.close()

    def reset(self) -> None:
        """Reset the connection (TCP RST)."""
        self.cycle.disconnected = True
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()

    def write(self, data: bytes) -> None:
        """Send bytes that need not be HTTP, and close."""
        self.transport.write(data)
        self.close()

    def abort(self) -> None:
        """Drop the connection, as a server does that shuts down."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, in the gateway's dialect."""
        request_id = self._new_request_id()
        document = {
            "error_msg": f"Bad request: {msg}",
            "error_code": "APIGW.0201",
            "request_id": request_id,
        }
        body = json.dumps(document).encode()
        head = (
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nX-Request-Id: {request_id}\r\n"
            "Connection: close\r\n\r\n"
        )
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.write(head.encode() + body)
        else:
            cycle.disconnected = True
        self.transport.close()

    def _watch_arrival(self) -> None:
        # Uvicorn limits how long a connection is idle after a response, but not how
        # long a request takes to arrive: heads that stay half open would pile up.
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_watching()
        elif self._arrival is None and not self.transport.is_closing():
            seconds = self._limits.request_seconds
            self._arrival = self.loop.call_later(seconds, self.abort)

    def _stop_watching(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"] = {EXTENSION: self}
        try:
            await self._served(scope, receive, send)
        except asyncio.CancelledError:
            # Only a server that stops cancels this task, which ends here anyway;
            # let through, uvicorn would log it as the application's failure.
            self.cycle.disconnected = True


class Connections:
    """Makes the protocols of one server, and ends them.

    Args:
        app: The ASGI application to serve.
        limits: What clients may use.
        new_request_id: Makes the id of a request that is not HTTP.
    """

    def __init__(
        self, app: "ASGIApp", limits: Limits, new_request_id: Callable[[], str]
    ) -> None:
        self._limits = limits
        self._new_request_id = new_request_id
        self._state = ServerState()
        self._config = Config(
            app,
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=_IDLE_SECONDS,
            h11_max_incomplete_event_size=_LONGEST_HEAD,
        )
        self._config.load()

    def __call__(self) -> BreakableProtocol:
        """Make the protocol of a new connection."""
        return BreakableProtocol(
            self._config, self._state, self._limits, self._new_request_id
        )

    async def abort(self) -> None:
        """Cancel what is being served, drop all connections, wait for both."""
        tasks = tuple(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Uvicorn types these for all its protocols; only ours is made here.
        open_ones = cast("set[BreakableProtocol]", self._state.connections)
        for connection in tuple(open_ones):
            connection.abort()
            await connection.lost.wait()
