"""Other ways to share out connections between httpx pools than the one taken."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx

from benchmarks.contenders import Batch, Open, ours_over

_MOST: Final = 500


class _LeastLoaded(httpx.AsyncBaseTransport):
    """Sends each request through the pool with the fewest in flight."""

    def __init__(self, size: int, connections: int) -> None:
        context = httpx.create_ssl_context()
        limits = httpx.Limits(max_connections=size, max_keepalive_connections=size)
        self._pools = [
            httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits)
            for _ in range(-(-connections // size))
        ]
        self._in_flight = [0] * len(self._pools)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        number = min(range(len(self._pools)), key=self._in_flight.__getitem__)
        self._in_flight[number] += 1
        response = await self._pools[number].handle_async_request(request)
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101  # httpx's own
        response.stream = _Counted(stream, self._in_flight, number)
        return response

    async def aclose(self) -> None:
        for pool in self._pools:
            await pool.aclose()


class _Counted(httpx.AsyncByteStream):
    def __init__(
        self, stream: httpx.AsyncByteStream, in_flight: list[int], number: int
    ) -> None:
        self._stream = stream
        self._in_flight = in_flight
        self._number = number

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._in_flight[self._number] -= 1


def _pools_of(size: int) -> Open:
    @contextlib.asynccontextmanager
    async def opened(endpoint: str) -> AsyncIterator[Batch]:
        async with (
            _LeastLoaded(size, _MOST) as transport,
            ours_over(transport, endpoint) as batch,
        ):
            yield batch

    return opened


POOLS: Final[Mapping[str, Open]] = {
    "pools of 5, least loaded first": _pools_of(5),
    "pools of 10, least loaded first": _pools_of(10),
    "one pool": _pools_of(_MOST),
}
