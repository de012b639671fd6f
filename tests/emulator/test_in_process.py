"""Faults on the wire without a wire: the same exceptions as on a socket."""

import asyncio
from collections.abc import Callable

import attrs
import httpx
import pytest

from css_snapshot.emulator import EmulatorState, EmulatorTransport, Fault
from tests.support.virtual_time import VirtualTime

CREATE = {"name": "snapshot_001"}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.drop(), (httpx.RemoteProtocolError, 0)),
        (Fault.drop_after_commit(), (httpx.RemoteProtocolError, 1)),
        (Fault.reset(), (httpx.ReadError, 0)),
        (Fault.reset_after_commit(), (httpx.ReadError, 1)),
        (Fault.truncate(), (httpx.RemoteProtocolError, 1)),
        (Fault.garbage(), (httpx.RemoteProtocolError, 1)),
    ],
    ids=["drop", "drop after", "reset", "reset after", "truncate", "garbage"],
)
async def test_a_broken_connection_raises_what_httpx_raises(
    state: EmulatorState,
    client: httpx.AsyncClient,
    cluster_path: str,
    fault: Fault,
    expected: tuple[type[httpx.TransportError], int],
) -> None:
    error, creations = expected
    state.faults.add(fault)

    with pytest.raises(error) as caught:
        await client.post(f"{cluster_path}/index_snapshot", json=CREATE)

    assert type(caught.value) is error
    assert caught.value.request.method == "POST"
    assert state.creations == creations


async def test_half_of_a_truncated_body_arrives_before_it_breaks(
    state: EmulatorState, client: httpx.AsyncClient, cluster_path: str
) -> None:
    state.faults.add(Fault.truncate())
    async with client.stream("GET", cluster_path) as answer:
        pieces = answer.aiter_raw()
        half = await anext(pieces)
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(pieces)
    assert answer.status_code == 200
    assert len(half) == int(answer.headers["content-length"]) // 2


async def test_an_answer_without_a_body_cannot_be_truncated_and_is_dropped(
    state: EmulatorState, client: httpx.AsyncClient, cluster_path: str
) -> None:
    state.faults.add(Fault.truncate())
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await client.post(f"{cluster_path}/index_snapshot/auto_setting")


async def test_a_dripping_body_takes_its_time_and_arrives_whole(
    state: EmulatorState,
    client: httpx.AsyncClient,
    cluster_path: str,
    virtual_time: VirtualTime,
) -> None:
    whole = await client.get(cluster_path)
    state.faults.add(Fault.drip(0.5))
    began = virtual_time.elapsed

    dripped = await client.get(cluster_path, timeout=1.0)

    assert dripped.content == whole.content
    assert virtual_time.elapsed - began == pytest.approx(len(whole.content) * 0.5)


@pytest.mark.parametrize("make", [Fault.delay, Fault.delay_after_commit])
async def test_a_late_answer_is_a_read_timeout_and_the_request_goes_on(
    state: EmulatorState,
    client: httpx.AsyncClient,
    cluster_path: str,
    virtual_time: VirtualTime,
    make: Callable[[float], Fault],
) -> None:
    state.faults.add(make(60.0))

    with pytest.raises(httpx.ReadTimeout):
        await client.post(f"{cluster_path}/index_snapshot", json=CREATE, timeout=5.0)

    assert virtual_time.elapsed == 5.0
    assert state.creations == int(make == Fault.delay_after_commit)
    await asyncio.sleep(56.0)
    assert state.creations == 1


async def test_a_request_given_up_may_still_be_dropped(
    state: EmulatorState,
    client: httpx.AsyncClient,
    cluster_path: str,
    virtual_time: VirtualTime,
) -> None:
    late = attrs.evolve(Fault.drop_after_commit(), wait=60.0)
    state.faults.add(late)
    with pytest.raises(httpx.ReadTimeout):
        await client.post(f"{cluster_path}/index_snapshot", json=CREATE, timeout=5.0)

    await asyncio.sleep(56.0)

    assert state.creations == 1
    assert [request.status for request in state.requests] == [None]


async def test_a_cancelled_request_goes_on_too(
    state: EmulatorState,
    client: httpx.AsyncClient,
    cluster_path: str,
    virtual_time: VirtualTime,
) -> None:
    state.faults.add(Fault.delay(60.0))
    request = asyncio.create_task(
        client.post(f"{cluster_path}/index_snapshot", json=CREATE, timeout=None)
    )
    await asyncio.sleep(1.0)

    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request

    assert state.creations == 0
    await asyncio.sleep(60.0)
    assert state.creations == 1


async def test_closing_the_transport_ends_requests_that_go_on(
    state: EmulatorState, cluster_path: str, virtual_time: VirtualTime
) -> None:
    state.faults.add(Fault.delay(60.0))
    transport = EmulatorTransport(state)
    client = httpx.AsyncClient(
        transport=transport, headers={"X-Auth-Token": state.token}
    )
    url = f"http://emulator.invalid{cluster_path}/index_snapshot"
    with pytest.raises(httpx.ReadTimeout):
        await client.post(url, json=CREATE, timeout=5.0)

    await client.aclose()
    await asyncio.sleep(120.0)

    assert state.creations == 0


async def test_delays_wait_by_the_sleep_given(
    state: EmulatorState, cluster_path: str
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    state.faults.add(Fault.delay(60.0))
    async with httpx.AsyncClient(
        transport=EmulatorTransport(state, sleep=sleep),
        base_url="http://emulator.invalid",
        headers={"X-Auth-Token": state.token},
    ) as client:
        answer = await client.get(cluster_path)

    assert answer.status_code == 200
    assert waits == [60.0]
