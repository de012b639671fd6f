"""Waiting: when it ends and how, and how few calls it takes."""

import asyncio
from collections.abc import Callable

import attrs
import httpx
import pytest

from css_snapshot import (
    ConfigurationError,
    DuplicateSnapshotError,
    ForbiddenError,
    PartialSnapshotError,
    RequestValidationError,
    RetryPolicy,
    Snapshot,
    SnapshotFailedError,
    SnapshotNotFoundError,
    SnapshotStatus,
    WaitTimeoutError,
)
from css_snapshot.workflows.wait import SnapshotWatch
from tests.support.clients import api_client
from tests.support.virtual_time import VirtualTime

CLUSTER = "cluster"
SNAPSHOT = "snapshot"

State = Callable[[float], list[dict[str, object]] | httpx.Response | Exception]


@attrs.define
class Service:
    """Answers list calls with what a cluster's list holds at the time."""

    time: VirtualTime
    state: State
    listed: list[str] = attrs.field(factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.listed.append(request.url.path)
        current = self.state(self.time.elapsed)
        if isinstance(current, Exception):
            raise current
        if isinstance(current, httpx.Response):
            return current
        return httpx.Response(200, json={"backups": current})

    def watch(self) -> SnapshotWatch:
        client = api_client(
            httpx.MockTransport(self), self.time.clock, retry=RetryPolicy.none()
        )
        return SnapshotWatch(client, random=lambda: 0.5)


def row(status: str = "BUILDING", **fields: object) -> dict[str, object]:
    return {"id": SNAPSHOT, "name": "snapshot_001", "status": status, **fields}


def after(seconds: float, status: str, **fields: object) -> State:
    """Make a state that is BUILDING until a time, and something else from then on."""
    return lambda now: [row() if now < seconds else row(status, **fields)]


async def test_it_ends_when_the_snapshot_is_completed(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, after(20, "COMPLETED"))

    snapshot = await service.watch().wait(CLUSTER, SNAPSHOT)

    assert snapshot.status is SnapshotStatus.COMPLETED
    # Pauses of 5, 6.25, 7.8 and 9.8 seconds: from five, growing.
    assert virtual_time.elapsed == pytest.approx(28.83, abs=0.01)
    assert len(service.listed) == 5


async def test_pauses_stop_growing_at_four_times_the_first(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, after(500, "COMPLETED"))
    seen: list[float] = []

    await service.watch().wait(
        CLUSTER, SNAPSHOT, on_progress=lambda _: seen.append(virtual_time.elapsed)
    )

    assert seen[-1] - seen[-2] == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"status": "FAILED"}, SnapshotFailedError),
        ({"status": "PART_FAILED", "failedShards": 1}, PartialSnapshotError),
        ({"status": "COMPLETED", "failedShards": 2}, PartialSnapshotError),
    ],
)
async def test_a_bad_end_is_an_error_that_holds_the_snapshot(
    virtual_time: VirtualTime, fields: dict[str, object], error: type[Exception]
) -> None:
    service = Service(virtual_time, lambda _: [row() | fields])

    with pytest.raises(SnapshotFailedError) as caught:
        await service.watch().wait(CLUSTER, SNAPSHOT)

    assert type(caught.value) is error
    assert caught.value.snapshot is not None
    assert caught.value.snapshot.status == fields["status"]


async def test_one_that_never_finishes_ends_with_its_last_state(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, lambda _: [row("BUILDING")])

    with pytest.raises(WaitTimeoutError, match="BUILDING") as caught:
        await service.watch().wait(CLUSTER, SNAPSHOT, timeout=60.0)

    assert virtual_time.elapsed == 60.0
    assert caught.value.snapshot is not None


async def test_an_unknown_state_is_waited_through(virtual_time: VirtualTime) -> None:
    service = Service(
        virtual_time, lambda now: [row("NEW" if now < 9 else "COMPLETED")]
    )

    assert (await service.watch().wait(CLUSTER, SNAPSHOT)).is_usable


async def test_one_that_vanishes_for_good_is_an_error(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, lambda now: [row()] if now < 30 else [])

    with pytest.raises(SnapshotNotFoundError, match="vanished"):
        await service.watch().wait(CLUSTER, SNAPSHOT)

    assert 45.0 <= virtual_time.elapsed <= 80.0


async def test_a_gap_in_a_single_list_is_waited_through(
    virtual_time: VirtualTime,
) -> None:
    calls = 0

    def state(now: float) -> list[dict[str, object]]:
        nonlocal calls
        calls += 1
        if calls % 2 == 0:
            return []
        return [row("COMPLETED" if now > 60 else "BUILDING")]

    snapshot = await Service(virtual_time, state).watch().wait(CLUSTER, SNAPSHOT)

    assert snapshot.status is SnapshotStatus.COMPLETED


async def test_a_name_will_do_where_an_id_is_wanted(virtual_time: VirtualTime) -> None:
    def state(now: float) -> list[dict[str, object]]:
        other: dict[str, object] = {"id": "newer", "name": "snapshot_001"}
        other["status"] = "BUILDING"
        mine = row("COMPLETED" if now > 30 else "BUILDING")
        # Another of the same name, once it is known which one is meant.
        return [other, mine] if now > 10 else [mine]

    snapshot = await Service(virtual_time, state).watch().wait(CLUSTER, "snapshot_001")

    assert snapshot.id == SNAPSHOT


async def test_an_id_is_taken_before_a_name(virtual_time: VirtualTime) -> None:
    rows: list[dict[str, object]] = [
        {"id": "other", "name": SNAPSHOT, "status": "FAILED"},
        row("COMPLETED"),
    ]

    snapshot = (
        await Service(virtual_time, lambda _: rows).watch().wait(CLUSTER, SNAPSHOT)
    )

    assert snapshot.id == SNAPSHOT


async def test_an_ambiguous_name_lists_the_ids(virtual_time: VirtualTime) -> None:
    rows: list[dict[str, object]] = [
        {"id": "one", "name": "twice", "status": "BUILDING"},
        {"id": "two", "name": "twice", "status": "BUILDING"},
    ]

    with pytest.raises(DuplicateSnapshotError, match="one, two"):
        await Service(virtual_time, lambda _: rows).watch().wait(CLUSTER, "twice")


async def test_a_partial_one_without_counts_names_no_number(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, lambda _: [row("PART_FAILED")])

    with pytest.raises(PartialSnapshotError) as caught:
        await service.watch().wait(CLUSTER, SNAPSHOT)

    assert "None" not in str(caught.value)
    assert str(caught.value).endswith("is partial")


async def test_watching_yields_each_change_and_ends(virtual_time: VirtualTime) -> None:
    def state(now: float) -> list[dict[str, object]]:
        if now < 20:
            return [row(totalShards=5)]
        return [row("PART_FAILED", totalShards=5, failedShards=1)]

    seen = [
        snapshot.status
        async for snapshot in Service(virtual_time, state)
        .watch()
        .watch(CLUSTER, SNAPSHOT)
    ]

    assert seen == [SnapshotStatus.BUILDING, SnapshotStatus.PART_FAILED]


async def test_watching_what_is_not_there_is_an_error(
    virtual_time: VirtualTime,
) -> None:
    watching = Service(virtual_time, lambda _: []).watch().watch(CLUSTER, SNAPSHOT)

    with pytest.raises(SnapshotNotFoundError):
        await anext(watching)


@pytest.mark.skipif(
    not hasattr(asyncio, "eager_task_factory"), reason="Python 3.12 has eager tasks"
)
@pytest.mark.parametrize("suspends", [True, False])
async def test_eager_tasks_wait_as_others_do(
    virtual_time: VirtualTime, *, suspends: bool
) -> None:
    class Immediate(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            del request
            if suspends:
                await asyncio.sleep(0)
            status = "COMPLETED" if virtual_time.elapsed > 20 else "BUILDING"
            return httpx.Response(200, json={"backups": [row(status)]})

    eager = getattr(asyncio, "eager_task_factory", None)
    asyncio.get_running_loop().set_task_factory(eager)
    client = api_client(Immediate(), virtual_time.clock)

    snapshot = await SnapshotWatch(client).wait(CLUSTER, SNAPSHOT, timeout=600.0)

    assert snapshot.status is SnapshotStatus.COMPLETED
    assert virtual_time.elapsed < 40.0


async def test_one_the_list_is_late_with_is_waited_for(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, lambda now: [] if now < 11 else [row("COMPLETED")])

    assert (await service.watch().wait(CLUSTER, SNAPSHOT)).is_usable


async def test_one_that_never_shows_is_an_error_once_it_had_the_time(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, lambda _: [])

    with pytest.raises(SnapshotNotFoundError, match="not in the list"):
        await service.watch().wait(CLUSTER, SNAPSHOT)

    assert 15.0 <= virtual_time.elapsed < 20.0


async def test_a_thousand_waiters_on_a_cluster_share_each_list_call(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, after(20, "COMPLETED"))
    watch = service.watch()

    snapshots = await asyncio.gather(
        *(watch.wait(CLUSTER, SNAPSHOT) for _ in range(1000))
    )

    assert len(snapshots) == 1000
    assert len(service.listed) == 5


async def test_clusters_are_watched_apart(virtual_time: VirtualTime) -> None:
    service = Service(virtual_time, lambda _: [row("COMPLETED")])
    watch = service.watch()

    await asyncio.gather(watch.wait("one", SNAPSHOT), watch.wait("two", SNAPSHOT))

    assert sorted(service.listed) == [
        "/v1.0/project/clusters/one/index_snapshots",
        "/v1.0/project/clusters/two/index_snapshots",
    ]


async def test_one_who_gives_up_leaves_the_others_waiting(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, after(20, "COMPLETED"))
    watch = service.watch()
    impatient = asyncio.create_task(watch.wait(CLUSTER, SNAPSHOT))
    patient = asyncio.create_task(watch.wait(CLUSTER, SNAPSHOT))
    await asyncio.sleep(7)

    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient

    assert (await patient).is_usable


async def test_nothing_is_asked_any_more_when_nobody_waits(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, lambda _: [row()])
    waiting = asyncio.create_task(service.watch().wait(CLUSTER, SNAPSHOT))
    await asyncio.sleep(1)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(1000)

    assert len(service.listed) == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_later_wait_on_the_same_cluster_starts_afresh(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, lambda _: [row("COMPLETED")])
    watch = service.watch()

    await watch.wait(CLUSTER, SNAPSHOT)
    await watch.wait(CLUSTER, SNAPSHOT)

    assert len(service.listed) == 2


@pytest.mark.parametrize(
    "trouble", [httpx.Response(500), httpx.ReadError("lost"), httpx.Response(503)]
)
async def test_passing_trouble_with_the_list_is_sat_out(
    virtual_time: VirtualTime, trouble: httpx.Response | Exception
) -> None:
    service = Service(
        virtual_time, lambda now: trouble if now < 9 else [row("COMPLETED")]
    )

    assert (await service.watch().wait(CLUSTER, SNAPSHOT)).is_usable


async def test_lasting_trouble_ends_in_a_timeout(virtual_time: VirtualTime) -> None:
    service = Service(virtual_time, lambda _: httpx.Response(500))

    with pytest.raises(WaitTimeoutError, match="not seen yet"):
        await service.watch().wait(CLUSTER, SNAPSHOT, timeout=30)


async def test_a_refused_list_is_told_to_every_waiter_and_not_asked_for_again(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, lambda _: httpx.Response(403))
    watch = service.watch()

    results = await asyncio.gather(
        *(watch.wait(CLUSTER, SNAPSHOT) for _ in range(3)), return_exceptions=True
    )

    assert [type(result) for result in results] == [ForbiddenError] * 3
    assert len(service.listed) == 1


async def test_a_mistake_in_the_transport_reaches_the_waiter(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, lambda _: ZeroDivisionError("a bug"))

    with pytest.raises(ZeroDivisionError):
        await service.watch().wait(CLUSTER, SNAPSHOT)


async def test_progress_is_told_at_each_tick_and_may_end_the_waiting(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, lambda _: [row()])
    told: list[Snapshot] = []

    def on_progress(snapshot: Snapshot) -> None:
        told.append(snapshot)
        if len(told) == 3:
            raise TimeoutError("enough")

    with pytest.raises(TimeoutError, match="enough"):
        await service.watch().wait(CLUSTER, SNAPSHOT, on_progress=on_progress)

    assert len(service.listed) == 3


async def test_a_restoration_is_waited_for_from_start_to_end(
    virtual_time: VirtualTime,
) -> None:
    service = Service(
        virtual_time,
        lambda now: [
            row("COMPLETED", restoreStatus="restoring" if now < 9 else "success")
        ],
    )

    await service.watch().wait_restored(CLUSTER, SNAPSHOT)

    assert virtual_time.elapsed == pytest.approx(11.25)


async def test_the_success_of_an_earlier_restoration_is_not_taken_for_this_one(
    virtual_time: VirtualTime,
) -> None:
    def state(now: float) -> list[dict[str, object]]:
        restoring = 4 <= now < 30
        status = "restoring" if restoring else "success"
        return [row("COMPLETED", restoreStatus=status)]

    await Service(virtual_time, state).watch().wait_restored(CLUSTER, SNAPSHOT)

    assert virtual_time.elapsed >= 30


async def test_a_restoration_over_before_the_first_look_is_believed_in_time(
    virtual_time: VirtualTime,
) -> None:
    service = Service(
        virtual_time, lambda _: [row("COMPLETED", restoreStatus="success")]
    )

    await service.watch().wait_restored(CLUSTER, SNAPSHOT)

    assert 15.0 <= virtual_time.elapsed < 20.0


async def test_a_failed_restoration_is_an_error(virtual_time: VirtualTime) -> None:
    service = Service(
        virtual_time,
        lambda now: [
            row("COMPLETED", restoreStatus="restoring" if now < 9 else "failed")
        ],
    )

    with pytest.raises(SnapshotFailedError, match="restored"):
        await service.watch().wait_restored(CLUSTER, SNAPSHOT)


@pytest.mark.parametrize("seconds", [{"timeout": 0.0}, {"poll": 0.0}])
async def test_times_that_make_no_sense_are_refused(
    virtual_time: VirtualTime, seconds: dict[str, float]
) -> None:
    service = Service(virtual_time, lambda _: [row()])

    with pytest.raises(ConfigurationError):
        await service.watch().wait(CLUSTER, SNAPSHOT, **seconds)  # type: ignore[arg-type]  # one of two floats

    assert not service.listed


async def test_ids_are_checked_before_anything_is_asked(
    virtual_time: VirtualTime,
) -> None:
    service = Service(virtual_time, lambda _: [row()])

    with pytest.raises(RequestValidationError, match="snapshot_id"):
        await service.watch().wait(CLUSTER, "")

    assert not service.listed
