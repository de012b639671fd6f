"""Who is compared: ours on each transport, the peers, and raw asyncio as the floor.

Each is a function that opens it for an endpoint and yields a *batch*: make so many
creations, so many of them in flight at a time.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from benchmarks import creation

if TYPE_CHECKING:
    import httpx

Batch = Callable[[int, int], Awaitable[None]]
Create = Callable[[str], Awaitable[None]]
Open = Callable[[str], contextlib.AbstractAsyncContextManager[Batch]]

_PATIENCE: Final = 300.0
_MOST: Final = 4000


def _batch(create: Create) -> Batch:
    async def run(creates: int, in_flight: int) -> None:
        cluster_ids = creation.clusters()
        turns = iter(range(creates))

        async def work() -> None:
            for _ in turns:
                await create(next(cluster_ids))

        await asyncio.gather(*(work() for _ in range(in_flight)))

    return run


def _check(status: int) -> None:
    if status != creation.CREATED:
        raise RuntimeError(f"the server answered {status}")


def _ours(kind: str) -> Open:
    @contextlib.asynccontextmanager
    async def opened(endpoint: str) -> AsyncIterator[Batch]:
        from css_snapshot import default_transport  # noqa: PLC0415  # as all peers are
        from css_snapshot.transport.default import TransportKind  # noqa: PLC0415

        async with (
            default_transport(cast("TransportKind", kind), connections=_MOST) as sent,
            ours_over(sent, endpoint) as batch,
        ):
            yield batch

    return opened


@contextlib.asynccontextmanager
async def ours_over(
    transport: "httpx.AsyncBaseTransport", endpoint: str
) -> AsyncIterator[Batch]:
    """Open ours over a transport."""
    from css_snapshot import SnapshotService  # noqa: PLC0415  # as all peers are
    from css_snapshot.auth import AkSkAuth, Credentials  # noqa: PLC0415

    async with SnapshotService(
        endpoint=endpoint,
        project_id=creation.PROJECT,
        auth=AkSkAuth(Credentials(creation.ACCESS_KEY, creation.SECRET_KEY)),
        transport=transport,
        timeout=_PATIENCE,
    ) as service:

        async def create(cluster_id: str) -> None:
            await service.create(cluster_id, creation.NAME, indices=creation.INDICES)

        yield _batch(create)


@contextlib.asynccontextmanager
async def _from_memory(endpoint: str) -> AsyncIterator[Batch]:
    from benchmarks.memory_transport import MemoryTransport  # noqa: PLC0415

    async with ours_over(MemoryTransport(), endpoint) as batch:
        yield batch


@contextlib.asynccontextmanager
async def _aiohttp(endpoint: str) -> AsyncIterator[Batch]:
    import aiohttp  # noqa: PLC0415

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def create(cluster_id: str) -> None:
            async with session.post(
                endpoint + creation.path(cluster_id),
                data=creation.BODY,
                headers=creation.HEADERS,
            ) as response:
                await response.read()
                _check(response.status)

        yield _batch(create)


def _through(client: "httpx.AsyncClient", endpoint: str) -> Batch:
    async def create(cluster_id: str) -> None:
        response = await client.post(
            endpoint + creation.path(cluster_id),
            content=creation.BODY,
            headers=creation.HEADERS,
        )
        _check(response.status_code)

    return _batch(create)


def _httpx(most: int, kept_alive: int) -> Open:
    @contextlib.asynccontextmanager
    async def opened(endpoint: str) -> AsyncIterator[Batch]:
        import httpx  # noqa: PLC0415

        limits = httpx.Limits(
            max_connections=most, max_keepalive_connections=kept_alive
        )
        async with httpx.AsyncClient(timeout=_PATIENCE, limits=limits) as client:
            yield _through(client, endpoint)

    return opened


@contextlib.asynccontextmanager
async def _httpx_aiohttp(endpoint: str) -> AsyncIterator[Batch]:
    import httpx  # noqa: PLC0415
    from httpx_aiohttp import HttpxAiohttpClient  # noqa: PLC0415

    limits = httpx.Limits(max_connections=_MOST)
    async with HttpxAiohttpClient(timeout=_PATIENCE, limits=limits) as client:
        yield _through(client, endpoint)


@contextlib.asynccontextmanager
async def _sdk_threads(endpoint: str) -> AsyncIterator[Batch]:
    from benchmarks.vendor import sync_creation  # noqa: PLC0415

    create = sync_creation(endpoint, _MOST)

    async def run(creates: int, in_flight: int) -> None:
        cluster_ids = creation.clusters()
        with ThreadPoolExecutor(in_flight) as pool:
            for _ in pool.map(create, (next(cluster_ids) for _ in range(creates))):
                pass

    yield run


@contextlib.asynccontextmanager
async def _sdk_async(endpoint: str) -> AsyncIterator[Batch]:
    from benchmarks.vendor import async_creation  # noqa: PLC0415

    create = async_creation(endpoint, _MOST)

    async def run(creates: int, in_flight: int) -> None:
        cluster_ids = creation.clusters()
        waiting: deque[Callable[[], object]] = deque()
        for _ in range(creates):
            if len(waiting) == in_flight:
                waiting.popleft()()
            waiting.append(create(next(cluster_ids)))
        for answer in waiting:
            answer()

    yield run


class _RawConnection(asyncio.Protocol):
    """Sends a request as bytes, and takes whatever comes for its answer."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._answered: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        if self._answered is not None and data.endswith(creation.ANSWER):
            self._answered.set_result(data)

    async def exchange(self, request: bytes) -> bool:
        """Send a request, and return whether the connection may be used again."""
        assert self._transport is not None  # noqa: S101  # made by create_connection
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        answer = await self._answered
        _check(int(answer[9:12]))
        return b"Connection: close" not in answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@contextlib.asynccontextmanager
async def _raw(endpoint: str) -> AsyncIterator[Batch]:
    address = urlsplit(endpoint)
    idle: list[_RawConnection] = []
    context = ssl.create_default_context() if address.scheme == "https" else None
    fixed = "".join(
        f"{name}: {value}\r\n"
        for name, value in (
            ("Host", address.netloc),
            *creation.HEADERS.items(),
            ("Content-Length", len(creation.BODY)),
        )
    )

    async def create(cluster_id: str) -> None:
        if not idle:
            _, made = await asyncio.get_running_loop().create_connection(
                _RawConnection,
                address.hostname or "",
                address.port or 0,
                ssl=context,
            )
            idle.append(made)
        connection = idle.pop()
        head = f"POST {creation.path(cluster_id)} HTTP/1.1\r\n{fixed}\r\n"
        if await connection.exchange(head.encode() + creation.BODY):
            idle.append(connection)
        else:
            connection.close()

    yield _batch(create)
    for connection in idle:
        connection.close()


FLOOR: Final = "raw asyncio"
BASELINE: Final = "aiohttp, bare"
SDK: Final = "huaweicloudsdkcss, threads"
PLAIN_HTTPX: Final = "httpx.AsyncClient"
RAISED_HTTPX: Final = "httpx.AsyncClient, limits raised"
FROM_MEMORY: Final = "css_snapshot, answered from memory"
OURS: Final = {
    "httpx": "css_snapshot, httpx (default)",
    "fast": "css_snapshot, [fast]",
}
CONTENDERS: Final[Mapping[str, Open]] = {
    FLOOR: _raw,
    BASELINE: _aiohttp,
    FROM_MEMORY: _from_memory,
    OURS["fast"]: _ours("fast"),
    OURS["httpx"]: _ours("httpx"),
    "httpx + httpx-aiohttp": _httpx_aiohttp,
    SDK: _sdk_threads,
    "huaweicloudsdkcss, its async client": _sdk_async,
    PLAIN_HTTPX: _httpx(100, 20),  # its defaults
    RAISED_HTTPX: _httpx(_MOST, _MOST),
}
