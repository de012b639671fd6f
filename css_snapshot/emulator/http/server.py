"""The emulator on a real socket."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from os import PathLike
from types import TracebackType
from typing import Any, Final, Self, TypedDict

from css_snapshot.emulator.cloud.gateway import Gateway
from css_snapshot.emulator.cloud.state import EmulatorState
from css_snapshot.emulator.http.app import Sleep, create_app
from css_snapshot.emulator.http.protocol import Connections

_BACKLOG: Final = 2048
_HANDSHAKE_SECONDS: Final = 10.0


class Description(TypedDict):
    """What a program needs in order to use a running emulator."""

    endpoint: str
    project_id: str
    access_key: str
    secret_key: str
    token: str
    clusters: list[str]


class EmulatorServer:
    """Serves an emulated cloud over HTTP, or HTTPS, as an async context manager.

    Attributes:
        state: The emulated cloud.

    Args:
        state: The emulated cloud, a plain one if left out.
        host: Address to listen on; anything but loopback has to be asked for.
        port: Port to listen on, 0 for any free one.
        certfile: Certificate chain in PEM, to serve HTTPS.
        keyfile: Its private key in PEM.
        ssl_context: Serves HTTPS with this instead.
        sleep: Waits for a number of seconds, for faults that delay.
    """

    def __init__(
        self,
        state: EmulatorState | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        certfile: str | PathLike[str] | None = None,
        keyfile: str | PathLike[str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.state = EmulatorState() if state is None else state
        self._host = host
        self._port = port
        self._sleep = sleep
        self._ssl = ssl_context
        if certfile is not None:
            self._ssl = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._ssl.load_cert_chain(certfile, keyfile)
        self._running: tuple[asyncio.Server, Connections] | None = None

    @property
    def endpoint(self) -> str:
        """The URL to give to clients, such as `http://127.0.0.1:54321`.

        Raises:
            RuntimeError: The server is not running.
        """
        if self._running is None:
            raise RuntimeError("the emulator's server is not running")
        host, port = self._running[0].sockets[0].getsockname()[:2]
        scheme = "http" if self._ssl is None else "https"
        return (
            f"{scheme}://[{host}]:{port}"
            if ":" in host
            else f"{scheme}://{host}:{port}"
        )

    def description(self) -> Description:
        """Answer what a program needs in order to use this server; all of it fake."""
        state = self.state
        return {
            "endpoint": self.endpoint,
            "project_id": state.project_id,
            "access_key": state.access_key,
            "secret_key": state.secret_key,
            "token": state.token,
            "clusters": list(state.cluster_ids),
        }

    async def __aenter__(self) -> Self:
        connections = Connections(
            create_app(self.state, sleep=self._sleep), Gateway(self.state).request_id
        )
        server = await asyncio.get_running_loop().create_server(
            connections,
            self._host,
            self._port,
            family=socket.AF_INET6 if ":" in self._host else socket.AF_INET,
            backlog=_BACKLOG,
            ssl=self._ssl,
            ssl_handshake_timeout=None if self._ssl is None else _HANDSHAKE_SECONDS,
        )
        self._running = server, connections
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._running is None:
            return
        (server, connections), self._running = self._running, None
        server.close()
        # Not followed by wait_closed(): from Python 3.12 on that waits for clients in
        # the middle of a TLS handshake, whom nothing here can send away.
        await connections.abort()

    @contextmanager
    def run_in_thread(self) -> Iterator[Self]:
        """Serve from a thread with an event loop of its own, for code that blocks."""
        ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        with ThreadPoolExecutor(1, "css-snapshot-emulator") as executor:
            served = executor.submit(lambda: asyncio.run(self._serve_until_told(ready)))
            either: set[Future[Any]] = {ready, served}
            wait(either, return_when=FIRST_COMPLETED)
            if served.done():
                served.result()
            loop, told = ready.result()
            try:
                yield self
            finally:
                loop.call_soon_threadsafe(told.set)
                served.result()

    async def _serve_until_told(
        self, ready: "Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]"
    ) -> None:
        told = asyncio.Event()
        async with self:
            ready.set_result((asyncio.get_running_loop(), told))
            await told.wait()
