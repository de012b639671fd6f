import asyncio
from collections.abc import AsyncIterator
from typing import Final

import attrs
import httpx
import pytest

from css_snapshot.errors import ConfigurationError
from css_snapshot.transport.proxies import Origin
from css_snapshot.transport.sharded import ShardedTransport
from css_snapshot.transport.slots import async_stream
from tests.support.virtual_time import VirtualTime

CSS: Final = "https://css.example/"
IAM: Final = "https://iam.example/"


class Lane(httpx.AsyncBaseTransport):
    """A one-connection transport that waits for a go-ahead, and notes what happens."""

    def __init__(self, world: "World", origin: Origin) -> None:
        self.origin = origin
        self.paths: list[str] = []
        self.carried = 0
        self.closed = False
        self._world = world

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        world = self._world
        self.paths.append(request.url.path)
        world.in_flight += 1
        world.peak = max(world.peak, world.in_flight)
        try:
            await world.go.wait()
        finally:
            world.in_flight -= 1
        if world.failure is not None:
            raise world.failure
        self.carried += 1
        return httpx.Response(200, stream=Body(world))

    def is_reusable(self) -> bool:
        return self._world.reusable

    async def aclose(self) -> None:
        self.closed = True
        if self._world.lane_failure is not None:
            raise self._world.lane_failure


class Body(httpx.AsyncByteStream):
    def __init__(self, world: "World") -> None:
        self._world = world

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"o"
        yield b"k"

    async def aclose(self) -> None:
        self._world.bodies_closed += 1
        if self._world.close_failure is not None:
            raise self._world.close_failure


@attrs.define
class World:
    """What the lanes share."""

    lanes: list[Lane] = attrs.field(factory=list)
    go: asyncio.Event = attrs.field(factory=asyncio.Event)
    failure: BaseException | None = None
    close_failure: BaseException | None = None
    lane_failure: Exception | None = None
    reusable: bool = True
    in_flight: int = 0
    peak: int = 0
    bodies_closed: int = 0
    time: float = 0.0

    def make(self, origin: Origin) -> Lane:
        self.lanes.append(Lane(self, origin))
        return self.lanes[-1]

    def transport(self, connections: int) -> ShardedTransport:
        return ShardedTransport(
            self.make, connections=connections, monotonic=lambda: self.time
        )


@pytest.fixture
def world() -> World:
    world = World()
    world.go.set()
    return world


async def _settle() -> None:
    """Let every task run until it waits for something that does not come by itself."""
    for _ in range(30):
        await asyncio.sleep(0)


async def _fetch(transport: httpx.AsyncBaseTransport, url: str = CSS) -> bytes:
    request = httpx.Request("GET", url, extensions={"timeout": {"pool": 5.0}})
    response = await transport.handle_async_request(request)
    body = b"".join([chunk async for chunk in async_stream(response)])
    await response.aclose()
    return body


async def test_as_many_requests_as_connections_are_in_flight_each_on_its_own(
    world: World,
) -> None:
    transport = world.transport(4)
    world.go.clear()
    fetches = [asyncio.create_task(_fetch(transport)) for _ in range(10)]
    await _settle()

    assert transport.in_flight == 4
    world.go.set()
    assert await asyncio.gather(*fetches) == [b"ok"] * 10

    assert world.peak == 4
    assert len(world.lanes) == 4
    assert sum(lane.carried for lane in world.lanes) == 10
    assert transport.in_flight == 0


async def test_the_connection_used_last_is_used_first(world: World) -> None:
    transport = world.transport(4)

    for _ in range(5):
        await _fetch(transport)

    assert [lane.carried for lane in world.lanes] == [5]


async def test_each_origin_has_connections_of_its_own(world: World) -> None:
    transport = world.transport(4)

    for url in (CSS, IAM, "http://css.example/", "https://css.example:8443/", CSS):
        await _fetch(transport, url)

    assert [lane.origin for lane in world.lanes] == [
        ("https", "css.example", None),
        ("https", "iam.example", None),
        ("http", "css.example", None),
        ("https", "css.example", 8443),
    ]
    assert [lane.carried for lane in world.lanes] == [2, 1, 1, 1]


async def test_a_connection_is_not_free_before_its_body_is_closed(world: World) -> None:
    transport = world.transport(4)
    request = httpx.Request("GET", CSS)

    response = await transport.handle_async_request(request)
    await _fetch(transport)

    assert len(world.lanes) == 2
    assert transport.in_flight == 1
    await response.aclose()
    assert transport.in_flight == 0


async def test_a_body_closed_twice_gives_its_connection_back_once(world: World) -> None:
    transport = world.transport(1)

    response = await transport.handle_async_request(httpx.Request("GET", CSS))
    await response.aclose()
    await async_stream(response).aclose()
    world.go.clear()
    fetches = [asyncio.create_task(_fetch(transport)) for _ in range(2)]
    await _settle()

    assert world.peak == 1
    world.go.set()
    await asyncio.gather(*fetches)
    assert world.bodies_closed == 3


async def test_connections_idle_for_thirty_seconds_are_closed(world: World) -> None:
    transport = world.transport(4)
    world.go.clear()
    fetches = [asyncio.create_task(_fetch(transport)) for _ in range(3)]
    await _settle()
    world.go.set()
    await asyncio.gather(*fetches)

    world.time = 30.0
    await _fetch(transport)
    assert [lane.closed for lane in world.lanes] == [False, False, False]

    world.time = 30.5
    for _ in range(5):
        await _fetch(transport)

    assert sorted(lane.closed for lane in world.lanes) == [False, True, True]
    assert [lane.carried for lane in world.lanes if not lane.closed] == [7]


async def test_connections_to_an_origin_no_longer_asked_are_closed_too(
    world: World,
) -> None:
    transport = world.transport(4)
    await _fetch(transport, IAM)

    world.time = 31.0
    await _fetch(transport, CSS)

    assert [lane.closed for lane in world.lanes] == [True, False]


async def test_a_request_waits_for_a_connection_up_to_its_pool_timeout(
    world: World, virtual_time: VirtualTime
) -> None:
    transport = world.transport(1)
    world.go.clear()
    holder = asyncio.create_task(_fetch(transport))
    await asyncio.sleep(1.0)

    with pytest.raises(httpx.PoolTimeout, match="no connection became free in 5 s"):
        await _fetch(transport)

    assert virtual_time.elapsed == 6.0
    world.go.set()
    assert await holder == b"ok"
    assert await _fetch(transport) == b"ok"


async def test_a_request_without_a_pool_timeout_waits_as_long_as_it_takes(
    world: World, virtual_time: VirtualTime
) -> None:
    transport = world.transport(1)
    world.go.clear()
    holder = asyncio.create_task(_fetch(transport))
    await asyncio.sleep(1.0)
    patient = asyncio.create_task(
        transport.handle_async_request(httpx.Request("GET", CSS))
    )

    await asyncio.sleep(1000.0)
    assert not patient.done()
    world.go.set()

    await holder
    await (await patient).aclose()


@pytest.mark.parametrize(
    "failure", [httpx.ReadError("gone"), OSError("gone"), asyncio.CancelledError()]
)
async def test_a_failed_request_gives_its_connection_back(
    world: World, failure: BaseException
) -> None:
    transport = world.transport(1)
    world.failure = failure

    for _ in range(3):
        with pytest.raises(type(failure)):
            await _fetch(transport)

    world.failure = None
    assert await _fetch(transport) == b"ok"
    assert transport.in_flight == 0


async def test_a_body_that_fails_to_close_gives_its_connection_back(
    world: World,
) -> None:
    transport = world.transport(1)
    world.close_failure = OSError("reset")

    for _ in range(2):
        with pytest.raises(OSError, match="reset"):
            await _fetch(transport)

    world.close_failure = None
    assert await _fetch(transport) == b"ok"


async def test_a_connection_that_can_not_be_made_takes_no_slot(world: World) -> None:
    def make(origin: Origin) -> Lane:
        if not broken:
            return world.make(origin)
        raise ImportError("no SOCKS")

    broken = [True]
    transport = ShardedTransport(make, connections=1)

    for _ in range(3):
        with pytest.raises(ImportError):
            await _fetch(transport)

    broken.clear()
    assert await _fetch(transport) == b"ok"


async def test_a_synchronous_answer_takes_no_slot(world: World) -> None:
    class Synchronous(httpx.SyncByteStream):
        pass

    class Confused(Lane):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=Synchronous(), request=request)

    transport = ShardedTransport(lambda at: Confused(world, at), connections=1)

    for _ in range(3):
        with pytest.raises(TypeError, match="asynchronous"):
            await _fetch(transport)

    assert transport.in_flight == 0


async def test_a_connection_with_something_left_over_is_closed_not_kept(
    world: World,
) -> None:
    transport = world.transport(1)
    world.reusable = False

    for _ in range(2):
        assert await _fetch(transport) == b"ok"

    assert [lane.closed for lane in world.lanes] == [True, True]
    assert transport.in_flight == 0


@pytest.mark.parametrize("steps", range(12))
async def test_a_cancellation_at_any_point_gives_the_slot_back(
    world: World, steps: int
) -> None:
    transport = world.transport(2)
    world.go.clear()
    fetches = [asyncio.create_task(_fetch(transport)) for _ in range(6)]
    for step in range(steps):
        if step == 6:
            world.go.set()
        await asyncio.sleep(0)

    for fetch in fetches:
        fetch.cancel()
    await asyncio.wait(fetches)

    assert transport.in_flight == 0
    world.go.clear()
    fetches = [asyncio.create_task(_fetch(transport)) for _ in range(4)]
    await _settle()
    assert world.in_flight == 2
    world.go.set()
    assert await asyncio.gather(*fetches) == [b"ok"] * 4


async def test_a_cancelled_waiter_leaves_its_turn_to_the_next(world: World) -> None:
    transport = world.transport(1)
    world.go.clear()
    holder, first, second = (asyncio.create_task(_fetch(transport)) for _ in range(3))
    await _settle()

    first.cancel()
    world.go.set()

    assert await holder == b"ok"
    assert await second == b"ok"
    assert first.cancelled()


async def test_closing_closes_idle_and_busy_connections(world: World) -> None:
    transport = world.transport(4)
    await _fetch(transport, IAM)
    response = await transport.handle_async_request(httpx.Request("GET", CSS))

    await transport.aclose()

    assert [lane.closed for lane in world.lanes] == [True, True]
    await response.aclose()


async def test_a_connection_that_can_not_be_closed_keeps_no_other_open(
    world: World,
) -> None:
    transport = world.transport(4)
    await _fetch(transport, IAM)
    await _fetch(transport, CSS)
    world.lane_failure = RuntimeError("Event loop is closed")

    await transport.aclose()

    assert [lane.closed for lane in world.lanes] == [True, True]


@pytest.mark.parametrize("closing", ["while it is carried", "while its body is open"])
async def test_a_request_that_outlives_the_closing_leaves_no_connection_behind(
    world: World, closing: str
) -> None:
    transport = world.transport(4)
    world.go.clear()
    request = asyncio.create_task(
        transport.handle_async_request(httpx.Request("GET", CSS))
    )
    await _settle()
    if closing == "while its body is open":
        world.go.set()
        await request

    await transport.aclose()
    world.lanes[0].closed = False
    world.go.set()
    await (await request).aclose()

    assert [lane.closed for lane in world.lanes] == [True]


async def test_a_closed_transport_is_not_opened_again(world: World) -> None:
    transport = world.transport(1)
    world.go.clear()
    holder = asyncio.create_task(_fetch(transport))
    waiter = asyncio.create_task(_fetch(transport))
    await _settle()

    await transport.aclose()
    world.go.set()

    assert await holder == b"ok"
    with pytest.raises(ConfigurationError, match="is closed"):
        await waiter
    with pytest.raises(ConfigurationError, match="is closed"):
        await _fetch(transport)
    assert len(world.lanes) == 1


def test_a_transport_used_in_a_second_event_loop_says_so() -> None:
    world = World()
    transport = world.transport(1)

    async def first() -> bytes:
        world.go = asyncio.Event()
        world.go.set()
        return await _fetch(transport)

    assert asyncio.run(first()) == b"ok"
    with pytest.raises(ConfigurationError, match="another event loop"):
        asyncio.run(first())
