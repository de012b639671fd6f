"""The emulator on a real socket."""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from os import PathLike
from types import TracebackType
from typing import Any, Final, Self, TypedDict

from css_snapshot.emulator.cloud.state import PASSWORD, USER_NAME, EmulatorState
from css_snapshot.emulator.http.app import Sleep, create_app
from css_snapshot.emulator.http.foreign import Hosts
from css_snapshot.emulator.http.gateway import Gateway
from css_snapshot.emulator.http.protocol import Connections, Limits

_BACKLOG: Final = 2048
_HANDSHAKE_SECONDS: Final = 10.0
# A client on this machine reaches what listens on all addresses by the first.
_REACHED_AT: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound


class Description(TypedDict):
    """What a program needs in order to use a running emulator; all of it fake.

    `user`, `password`, `domain` and `project` are for IAM, `admin_token` is for the
    calls under `/_emulator/`.
    """

    endpoint: str
    project_id: str
    access_key: str
    secret_key: str
    token: str
    user: str
    password: str
    domain: str
    project: str
    admin_token: str
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
        hosts: Names to respond under, beside those of this machine.
        max_connections: How many connections there may be at once.
        request_seconds: How long a request may take to arrive, in seconds.
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
        hosts: Iterable[str] = (),
        max_connections: int = 2_000,
        request_seconds: float = 20.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.state = EmulatorState() if state is None else state
        self._host = host
        self._port = port
        self._hosts = Hosts(host, hosts)
        self._limits = Limits(max_connections, request_seconds)
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
            RuntimeError: If the server is not running.
        """
        if self._running is None:
            raise RuntimeError("the emulator's server is not running")
        bound, port = self._running[0].sockets[0].getsockname()[:2]
        host = str(_REACHED_AT.get(bound, bound))
        scheme = "http" if self._ssl is None else "https"
        return (
            f"{scheme}://[{host}]:{port}"
            if ":" in host
            else f"{scheme}://{host}:{port}"
        )

    def description(self) -> Description:
        """Return what a program needs in order to use this server; all of it fake."""
        state = self.state
        account = state.iam.account
        return {
            "endpoint": self.endpoint,
            "project_id": state.project_id,
            "access_key": state.access_key,
            "secret_key": state.secret_key,
            "token": state.token,
            "user": USER_NAME,
            "password": PASSWORD,
            "domain": account.domain,
            "project": account.project_name,
            "admin_token": state.admin_token,
            "clusters": list(state.cluster_ids),
        }

    async def __aenter__(self) -> Self:
        app = create_app(self.state, sleep=self._sleep, hosts=self._hosts)
        connections = Connections(app, self._limits, Gateway(self.state).request_id)
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
