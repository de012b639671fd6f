"""Which of several addresses a connection is made to, on real sockets."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from css_snapshot.transport import addresses
from css_snapshot.transport.addresses import connect_to_any

Resolve = Callable[..., None]


@pytest.fixture
def good() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def refusing() -> Iterator[socket.socket]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


@pytest.fixture
def dead() -> Iterator[socket.socket]:
    """Listen where nothing is accepted and no more can wait to be."""
    with contextlib.ExitStack() as opened:
        full = opened.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(2):
            occupant = opened.enter_context(socket.socket())
            occupant.setblocking(False)
            occupant.connect_ex(full.getsockname())
        yield full


@pytest.fixture
async def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Make a name lead to sockets."""

    def to(*places: socket.socket) -> None:
        async def look_up(*_: object, **__: object) -> list[tuple[Any, ...]]:
            kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
            return [(*kind, place.getsockname()) for place in places]

        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "getaddrinfo", look_up)

    return to


async def _peer() -> object:
    with await connect_to_any("css.invalid", 80) as connected:
        assert connected.gettimeout() == 0.0
        return connected.getpeername()


async def test_an_address_is_not_looked_up(
    good: socket.socket, resolve: Resolve
) -> None:
    resolve()

    with await connect_to_any(*good.getsockname()) as connected:
        assert connected.getpeername() == good.getsockname()


async def test_a_name_without_an_address_is_told_as_such() -> None:
    with pytest.raises(socket.gaierror):
        await connect_to_any("css.invalid", 80)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_port_that_there_is_not_is_no_other_one(
    good: socket.socket, host: str
) -> None:
    port = good.getsockname()[1]

    with pytest.raises(OSError, match=f"there is no port {port + 65536}"):
        await connect_to_any(host, port + 65536)
    with await connect_to_any(host, port) as connected:
        assert connected.getpeername()[1] == port


async def test_the_last_port_is_one(good: socket.socket, resolve: Resolve) -> None:
    resolve(good)

    with await connect_to_any("css.invalid", 65535) as connected:
        assert connected.getpeername() == good.getsockname()


async def test_the_only_address_is_connected_to(
    good: socket.socket, resolve: Resolve
) -> None:
    resolve(good)

    assert await _peer() == good.getsockname()


async def test_the_next_address_is_tried_while_one_does_not_respond(
    dead: socket.socket,
    good: socket.socket,
    resolve: Resolve,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addresses, "_NEXT_AFTER", 0.01)
    resolve(dead, dead, good)

    assert await _peer() == good.getsockname()


async def test_the_next_address_is_tried_at_once_where_one_refuses(
    refusing: socket.socket,
    good: socket.socket,
    resolve: Resolve,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addresses, "_NEXT_AFTER", 3600.0)
    resolve(refusing, good, refusing)

    assert await _peer() == good.getsockname()


async def test_where_all_refuse_the_first_tells_why(
    refusing: socket.socket, resolve: Resolve
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        resolve(refusing, other)

        with pytest.raises(ConnectionRefusedError) as caught:
            await _peer()

    assert str(refusing.getsockname()) in str(caught.value)


class Attempts:
    """Stands for connections that are made when a test says so."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[asyncio.Event] = asyncio.Queue()
        self.ends: list[tuple[socket.socket, socket.socket]] = []
        self.problems: list[object] = []

    async def connect(self, _: object) -> socket.socket:
        may_end = asyncio.Event()
        self.begun.put_nowait(may_end)
        await may_end.wait()
        self.ends.append(socket.socketpair())
        return self.ends[-1][0]

    def close(self) -> None:
        for end in [end for pair in self.ends for end in pair]:
            end.close()


@pytest.fixture
async def attempts(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Attempts]:
    attempts = Attempts()
    asyncio.get_running_loop().set_exception_handler(
        lambda _, problem: attempts.problems.append(problem)
    )
    monkeypatch.setattr(addresses, "_connect", attempts.connect)
    monkeypatch.setattr(addresses, "_NEXT_AFTER", 0.0)
    yield attempts
    attempts.close()


async def test_of_two_connected_at_once_one_is_closed(
    attempts: Attempts, good: socket.socket, resolve: Resolve
) -> None:
    resolve(good, good, good)
    call = asyncio.create_task(connect_to_any("css.invalid", 80))
    begun = [await attempts.begun.get() for _ in range(3)]
    for may_end in begun[:2]:
        may_end.set()

    winner = await call
    for _ in range(3):
        await asyncio.sleep(0)

    assert len(attempts.ends) == 2
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert attempts.problems == []
    assert [ours for ours, _ in attempts.ends if ours.fileno() != -1] == [winner]


@pytest.mark.parametrize("steps", range(6))
async def test_a_call_cancelled_as_it_connects_leaves_no_socket_open(
    attempts: Attempts, good: socket.socket, resolve: Resolve, steps: int
) -> None:
    resolve(good, good)
    call = asyncio.create_task(connect_to_any("css.invalid", 80))
    begun = [await attempts.begun.get() for _ in range(2)]
    begun[1].set()
    for _ in range(steps):
        await asyncio.sleep(0)

    call.cancel()
    await asyncio.wait([call])
    for _ in range(2):
        await asyncio.sleep(0)

    if not call.cancelled():
        (await call).close()
    assert [ours for ours, _ in attempts.ends if ours.fileno() != -1] == []
    assert attempts.problems == []
