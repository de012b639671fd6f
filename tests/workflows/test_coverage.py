"""Coverage: what counts as covered, and a fleet that is looked over whole."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot import (
    AuthenticationError,
    BackupType,
    Cluster,
    ClusterStatus,
    ConfigurationError,
    Coverage,
    Datastore,
    GatewayError,
    PolicySummary,
    RequestValidationError,
    Snapshot,
    SnapshotService,
    SnapshotStatus,
    assess,
)
from css_snapshot.auth import TokenAuth
from css_snapshot.emulator import EmulatorState, EmulatorTransport, Fault
from css_snapshot.events import Event, WorkflowFinished
from tests.support.virtual_time import VirtualTime

MakeService = Callable[..., SnapshotService]

NOW: Final = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
HOUR: Final = 3600.0
POLICY: Final = PolicySummary(enabled=True, frequency="DAY", keep=7)
CLUSTER: Final = Cluster(
    id="c1",
    name="one",
    status=ClusterStatus.AVAILABLE,
    datastore=Datastore(type="elasticsearch"),
    backup_available=True,
    snapshot_policy=POLICY,
)


def snapshot(id_: str, hours: float, **changes: Any) -> Snapshot:
    plain = Snapshot(
        id=id_,
        name=f"nightly-{id_}",
        status=SnapshotStatus.COMPLETED,
        backup_type=BackupType.AUTOMATIC,
        start_time=NOW - timedelta(hours=hours),
        total_shards=4,
        failed_shards=0,
    )
    return attrs.evolve(plain, **changes)


def assessed(*rows: Snapshot, **options: Any) -> Coverage:
    chosen: dict[str, Any] = {"now": NOW, "max_age": 26 * HOUR, **options}
    return assess(options.pop("cluster", CLUSTER), rows, **chosen)


GOOD: Final = snapshot("good", 5)
OLD: Final = snapshot("old", 30)
FAILED: Final = snapshot("failed", 3, status=SnapshotStatus.FAILED)
PARTIAL: Final = snapshot("partial", 2, failed_shards=1)
BUILDING: Final = snapshot("building", 1, status=SnapshotStatus.BUILDING)
STUCK: Final = snapshot("stuck", 7, status=SnapshotStatus.BUILDING)


def test_a_fresh_one() -> None:
    assert assessed(OLD, GOOD) == Coverage(
        cluster_id="c1",
        cluster_name="one",
        state="fresh",
        last_good=GOOD,
        age=5 * HOUR,
        policy=POLICY,
        why="nightly-good is 5.0 h old",
    )


def test_a_stale_one_with_what_went_wrong_since() -> None:
    assert assessed(PARTIAL, OLD, FAILED, BUILDING) == Coverage(
        cluster_id="c1",
        cluster_name="one",
        state="stale",
        last_good=OLD,
        age=30 * HOUR,
        failures_since=2,
        current=BUILDING,
        policy=POLICY,
        why="nightly-old is 30.0 h old; 2 failed since",
    )


def test_one_that_never_had_any() -> None:
    found = assessed(FAILED, PARTIAL, BUILDING)

    assert (found.state, found.last_good, found.age) == ("never", None, None)
    assert found.failures_since == 2
    assert found.why == "no usable snapshot; 2 failed"
    assert assessed().why == "no usable snapshot"


def test_a_stuck_one_is_stuck_whatever_else_there_is() -> None:
    found = assessed(GOOD, STUCK)

    assert (found.state, found.current, found.last_good) == ("stuck", STUCK, GOOD)
    assert found.why == "nightly-stuck has been building for 7.0 h"
    assert assessed(STUCK, prefix="weekly-").state == "stuck"
    assert assessed(STUCK, BUILDING).current == STUCK


def test_the_edges_are_not_yet_over() -> None:
    assert assessed(GOOD, max_age=5 * HOUR).state == "fresh"
    assert assessed(GOOD, max_age=5 * HOUR - 1).state == "stale"
    assert assessed(GOOD, STUCK, stuck_after=7 * HOUR).state == "fresh"
    assert assessed(GOOD, STUCK, stuck_after=7 * HOUR - 1).state == "stuck"


def test_failures_before_the_last_good_one_don_t_matter() -> None:
    assert assessed(FAILED, snapshot("new", 1)).failures_since == 0
    assert assessed(FAILED, snapshot("same", 3)).failures_since == 0


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"backup_available": False}, "its snapshot function is switched off"),
        (
            {"datastore": Datastore(type="logstash")},
            "logstash clusters have no snapshots",
        ),
    ],
)
def test_one_that_is_off(changes: dict[str, Any], why: str) -> None:
    found = assess(attrs.evolve(CLUSTER, **changes), [GOOD], now=NOW, max_age=26 * HOUR)

    assert (found.state, found.why, found.last_good) == ("off", why, None)


def test_a_site_that_does_not_say_is_not_off() -> None:
    silent = attrs.evolve(CLUSTER, backup_available=None)

    assert assess(silent, [GOOD], now=NOW, max_age=26 * HOUR).state == "fresh"


def test_a_prefix_says_what_counts() -> None:
    weekly = snapshot("w", 1, name="weekly-1")
    spoiled = attrs.evolve(FAILED, name="weekly-2", start_time=NOW)

    found = assessed(OLD, weekly, spoiled, prefix="nightly-")

    assert (found.state, found.last_good, found.failures_since) == ("stale", OLD, 0)


def test_the_start_counts_and_the_creation_where_there_is_none() -> None:
    created = attrs.evolve(GOOD, start_time=None, created=NOW - timedelta(hours=9))
    both = attrs.evolve(GOOD, created=NOW - timedelta(hours=9))

    assert assessed(created).age == 9 * HOUR
    assert assessed(both).age == 5 * HOUR


def test_what_has_no_time_is_never_taken_as_fresh_or_as_stuck() -> None:
    timeless = attrs.evolve(GOOD, start_time=None)
    found = assessed(timeless, attrs.evolve(STUCK, start_time=None))

    assert (found.state, found.age) == ("stale", None)
    assert found.why == "nightly-good does not show when it began"
    assert assessed(timeless, OLD).last_good == OLD


def test_a_clock_that_is_behind_makes_no_negative_age() -> None:
    assert assessed(snapshot("new", -1)).age == 0.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2.0 min"),
        (7199, "120.0 min"),
        (7200, "2.0 h"),
        (172799, "48.0 h"),
        (172800, "2.0 days"),
        (864000, "10.0 days"),
    ],
)
def test_ages_are_in_the_unit_people_use(seconds: int, text: str) -> None:
    found = assessed(snapshot("x", seconds / HOUR))

    assert found.why == f"nightly-x is {text} old"


ROWS: Final = st.lists(
    st.builds(
        lambda id_, hours, changes: snapshot(f"s{id_}", hours, **changes),
        st.integers(0, 10**6),
        st.integers(0, 60),
        st.fixed_dictionaries(
            {},
            optional={
                "status": st.sampled_from([*SnapshotStatus, SnapshotStatus("NEW")]),
                "failed_shards": st.sampled_from([0, 1, None]),
                "start_time": st.none(),
                "name": st.sampled_from(["nightly-x", "weekly-x"]),
            },
        ),
    ),
    max_size=8,
    unique_by=lambda row: row.id,
)


@given(rows=ROWS, prefix=st.sampled_from([None, "nightly-"]), data=st.data())
def test_only_a_young_usable_snapshot_makes_a_cluster_fresh(
    rows: list[Snapshot], prefix: str | None, data: st.DataObject
) -> None:
    found = assessed(*data.draw(st.permutations(rows)), prefix=prefix)

    assert found == assessed(*rows, *rows[:2], prefix=prefix)
    counted = [row for row in rows if row.name.startswith(prefix or "")]
    young = [
        row
        for row in counted
        if row.is_usable
        and row.start_time is not None
        and NOW - row.start_time <= timedelta(hours=26)
    ]
    assert (found.state == "fresh") == (bool(young) and found.state != "stuck")
    assert (found.state == "never") <= (not any(row.is_usable for row in counted))
    assert found.why


@pytest.fixture
def cloud(virtual_time: VirtualTime) -> EmulatorState:
    cloud = EmulatorState(
        clusters=5, clock=lambda: virtual_time.now().timestamp(), build_seconds=60.0
    )
    for cluster_id in cloud.cluster_ids:
        cloud.add_snapshot(cluster_id, "nightly-1", age=5 * HOUR)
    return cloud


@pytest.fixture
async def emulated(
    make_service: MakeService, cloud: EmulatorState, virtual_time: VirtualTime
) -> AsyncIterator[SnapshotService]:
    transport = EmulatorTransport(cloud)
    yield make_service(
        transport,
        project_id=cloud.project_id,
        auth=TokenAuth(cloud.token),
        clock=virtual_time.clock,
    )
    await transport.aclose()


async def states(service: SnapshotService, **options: Any) -> dict[str, str]:
    chosen = {"max_age": 26 * HOUR, **options}
    return {found.cluster_id: found.state async for found in service.coverage(**chosen)}


async def test_a_fleet_takes_its_pages_and_one_list_each(
    emulated: SnapshotService, cloud: EmulatorState
) -> None:
    found = await states(emulated, limit=2)

    assert found == dict.fromkeys(cloud.cluster_ids, "fresh")
    assert dict(cloud.counts) == {"clusters": 1, "list": 5}


async def test_one_that_is_off_costs_no_request(
    emulated: SnapshotService, cloud: EmulatorState
) -> None:
    first = cloud.cluster_ids[0]
    cloud.cluster(first).backup_available = False

    found = await states(emulated)

    assert found[first] == "off"
    assert cloud.counts["list"] == 4


async def test_a_lost_look_is_repeated(
    emulated: SnapshotService, cloud: EmulatorState
) -> None:
    first = cloud.cluster_ids[0]
    cloud.faults.add(Fault.reset(), operation="list", cluster_id=first, times=2)

    assert set((await states(emulated)).values()) == {"fresh"}
    assert cloud.counts["list"] == 7


async def test_a_throttled_look_is_repeated_and_the_others_wait(
    emulated: SnapshotService, cloud: EmulatorState, virtual_time: VirtualTime
) -> None:
    first = cloud.cluster_ids[0]
    cloud.faults.add(Fault.status(429), operation="list", cluster_id=first, times=2)

    found = await states(emulated, limit=1)

    assert found == dict.fromkeys(cloud.cluster_ids, "fresh")
    assert cloud.counts["list"] == 7
    assert virtual_time.elapsed >= 1.0 + 2.0


async def test_one_that_is_throttled_for_ever_is_unreadable(
    emulated: SnapshotService, cloud: EmulatorState
) -> None:
    first = cloud.cluster_ids[0]
    cloud.faults.add(Fault.status(429), operation="list", cluster_id=first, times=None)

    (found,) = [
        each
        async for each in emulated.coverage(max_age=26 * HOUR)
        if each.state != "fresh"
    ]

    assert (found.cluster_id, found.state) == (first, "unreadable")
    assert found.cluster_name
    assert found.policy is not None
    assert "429" in found.why


async def test_what_is_no_cluster_is_an_error(emulated: SnapshotService) -> None:
    with pytest.raises(TypeError, match="clusters: must be Cluster, not str"):
        await states(emulated, clusters=["c0"])


async def test_the_observer_is_told_of_one_workflow(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    gate, events = Gate(), list[Event]()
    gate.open.set()
    service = make_service(gate, clock=virtual_time.clock, on_event=events.append)

    await states(service)

    (ended,) = (event for event in events if isinstance(event, WorkflowFinished))
    assert ended.workflow.name == "coverage"


async def test_clusters_may_be_given(
    emulated: SnapshotService, cloud: EmulatorState
) -> None:
    two = [await emulated.cluster(key) for key in cloud.cluster_ids[:2]]

    assert await states(emulated, clusters=two) == dict.fromkeys(
        cloud.cluster_ids[:2], "fresh"
    )
    assert cloud.counts["clusters"] == 0
    with pytest.raises(ConfigurationError, match="engine"):
        emulated.coverage(max_age=1.0, clusters=two, engine="opensearch")


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault.status(403), "403 CSS.0015"),
        (Fault.drop(), "connection lost"),
        (Fault.status(502), "502 CSS.0005"),
        (Fault.garbage(), "illegal status line"),
    ],
)
async def test_one_that_can_not_be_read_stops_none(
    emulated: SnapshotService, cloud: EmulatorState, fault: Fault, why: str
) -> None:
    first = cloud.cluster_ids[0]
    cloud.faults.add(fault, operation="list", cluster_id=first, times=None)

    found = [each async for each in emulated.coverage(max_age=26 * HOUR)]

    by_id = {each.cluster_id: each for each in found}
    assert len(found) == 5
    assert by_id[first].state == "unreadable"
    assert why in by_id[first].why
    assert [by_id[id_].state for id_ in cloud.cluster_ids[1:]] == ["fresh"] * 4


async def test_refused_credentials_stop_it_at_once(
    emulated: SnapshotService, cloud: EmulatorState
) -> None:
    cloud.faults.add(Fault.status(401, dialect="gateway"), operation="list", times=None)

    with pytest.raises(AuthenticationError):
        await states(emulated, limit=1)

    assert cloud.counts["list"] == 1


async def test_clusters_that_can_not_be_listed_are_an_error(
    emulated: SnapshotService, cloud: EmulatorState
) -> None:
    cloud.faults.add(Fault.status(502), operation="clusters", times=None)

    with pytest.raises(GatewayError):
        await states(emulated)


async def test_an_engine_and_a_prefix_may_be_asked_for(
    emulated: SnapshotService, cloud: EmulatorState
) -> None:
    assert await states(emulated, engine="opensearch") == {}
    assert set((await states(emulated, prefix="weekly-")).values()) == {"never"}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"max_age": -1.0}, "max_age"),
        ({"max_age": "26h"}, "max_age"),
        ({"max_age": 1.0, "stuck_after": float("nan")}, "stuck_after"),
        ({"max_age": 1.0, "prefix": ""}, "prefix"),
        ({"max_age": 1.0, "engine": "solr"}, "engine"),
    ],
    ids=repr,
)
async def test_wrong_arguments_are_refused_at_once(
    emulated: SnapshotService, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(RequestValidationError) as caught:
        emulated.coverage(**options)

    assert caught.value.field == field


async def test_a_wrong_limit_is_refused_at_once_as_by_any_run(
    emulated: SnapshotService,
) -> None:
    with pytest.raises(ConfigurationError, match="limit"):
        emulated.coverage(max_age=1.0, limit=0)


class Gate(httpx.AsyncBaseTransport):
    """Lists seven clusters, and answers a list only when it is let through."""

    def __init__(self) -> None:
        self.waiting = 0
        self.most = 0
        self.cancelled = 0
        self.open = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/clusters"):
            rows = [{"id": f"c{n}", "name": "n", "status": "200"} for n in range(7)]
            return httpx.Response(200, json={"clusters": rows, "totalSize": 7})
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            await self.open.wait()
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.waiting -= 1
        return httpx.Response(200, json={"backups": []})


@pytest.mark.parametrize("limit", [1, 3, 7, 99])
async def test_only_so_many_are_looked_at_at_once(
    make_service: MakeService, virtual_time: VirtualTime, limit: int
) -> None:
    gate = Gate()
    gate.open.set()
    service = make_service(gate, clock=virtual_time.clock)

    found = await states(service, limit=limit)

    assert len(found) == 7
    assert gate.most == min(limit, 7)


async def test_leaving_early_leaves_nothing_under_way(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    gate = Gate()
    service = make_service(gate, clock=virtual_time.clock)
    running = asyncio.create_task(states(service, limit=3))
    await asyncio.sleep(1.0)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert (gate.most, gate.waiting, gate.cancelled) == (3, 0, 3)
