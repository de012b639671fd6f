"""A function for each of many clusters: bounded, paced, and no failure stops another."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import httpx
import pytest

from css_snapshot import (
    AuthenticationError,
    Cluster,
    ClusterStatus,
    ConfigurationError,
    ForbiddenError,
    RequestValidationError,
    Snapshot,
    SnapshotService,
    to_dict,
)
from css_snapshot.auth import TokenAuth
from css_snapshot.errors import (
    ClusterBusyError,
    ConnectFailedError,
    ConnectionLostError,
    CSSError,
    FanOutStoppedError,
    GatewayError,
    IndeterminateCreateError,
    PruneError,
)
from css_snapshot.events import Event, WorkflowFinished
from css_snapshot.fanout import Done, Each, Failed
from css_snapshot.integrations.feed import OutcomeFeed
from tests.support.fanout_bench import internal, settled, throttled, unauthorized
from tests.support.site import Site
from tests.support.virtual_time import START, VirtualTime

Make = Callable[..., SnapshotService]


@pytest.fixture
def site(virtual_time: VirtualTime) -> Site:
    return Site([f"c{number}" for number in range(40)], virtual_time.monotonic)


@pytest.fixture
def make(site: Site, virtual_time: VirtualTime) -> Make:
    def make(transport: httpx.AsyncBaseTransport = site, **options: Any) -> Any:
        return SnapshotService(
            project_id="project",
            auth=TokenAuth("token"),
            endpoint="https://css.example.com",
            transport=transport,
            clock=virtual_time.clock,
            **options,
        )

    return make


@pytest.fixture
def snapshots(make: Make) -> SnapshotService:
    return make()


def given(count: int) -> list[Cluster]:
    return [
        Cluster(id=f"c{number}", name=f"name {number}", status=ClusterStatus.AVAILABLE)
        for number in range(count)
    ]


async def name_of(cluster: Cluster) -> str | None:
    return cluster.name


def failing(error: Exception, *clusters: str) -> Callable[[Cluster], Awaitable[str]]:
    """Return a function that raises for some clusters, or for all."""

    async def fail(cluster: Cluster) -> str:
        if not clusters or cluster.id in clusters:
            raise error
        return cluster.id

    return fail


async def outcomes_of(run: Each[Any]) -> list[Done[Any] | Failed]:
    async with run:
        return [outcome async for outcome in run]


async def test_a_function_is_called_for_each_cluster_of_the_project(
    site: Site, snapshots: SnapshotService
) -> None:
    async def rows(cluster: Cluster) -> tuple[Snapshot, ...]:
        return await snapshots.list(cluster.id)

    run = snapshots.each(rows)
    outcomes = await outcomes_of(run)

    assert sorted(outcome.cluster_id for outcome in outcomes) == sorted(site.clusters)
    for outcome in outcomes:
        assert isinstance(outcome, Done)
        assert outcome.result == ()
        assert outcome.cluster is not None
        assert outcome.cluster.id == outcome.cluster_id
        assert outcome.cluster.name == outcome.cluster_name
        assert outcome.cluster_name == f"name-of-{outcome.cluster_id}"
        assert "given" not in repr(outcome)
    assert run.summary.done == run.summary.total == run.summary.good == 40
    assert run.summary.is_success
    assert site.requests == {"GET clusters": 1, "GET index_snapshots": 40}


async def test_a_function_may_be_called_for_given_clusters_alone(
    site: Site, snapshots: SnapshotService
) -> None:
    async def one_by_one() -> AsyncIterator[Cluster]:
        for cluster in given(3):
            yield cluster

    for clusters in (given(3), iter(given(3)), one_by_one()):
        outcomes = await outcomes_of(snapshots.each(name_of, clusters=clusters))
        assert [outcome.cluster_id for outcome in outcomes] == ["c0", "c1", "c2"]

    assert not site.requests


async def test_ids_may_be_given_in_place_of_clusters(
    site: Site, snapshots: SnapshotService
) -> None:
    outcomes = await outcomes_of(snapshots.each(snapshots.list, clusters=["c0", "c1"]))

    assert [outcome.cluster_id for outcome in outcomes] == ["c0", "c1"]
    for outcome in outcomes:
        assert isinstance(outcome, Done)
        assert (outcome.result, outcome.cluster, outcome.cluster_name) == (
            (),
            None,
            None,
        )
        assert json.loads(json.dumps(to_dict(outcome)))["cluster_name"] is None
    assert site.requests == {"GET index_snapshots": 2}


async def test_the_projects_clusters_can_be_chosen_by_engine(make: Make) -> None:
    rows = [
        {"id": engine, "name": engine, "status": "200", "datastore": {"type": engine}}
        for engine in ("elasticsearch", "opensearch", "logstash")
    ]
    page = httpx.Response(200, json={"clusters": rows, "totalSize": 3})

    service = make(httpx.MockTransport(lambda _: page))
    outcomes = await outcomes_of(service.each(name_of, engine="opensearch"))

    assert [outcome.cluster_id for outcome in outcomes] == ["opensearch"]


async def test_one_bad_cluster_stops_no_other(snapshots: SnapshotService) -> None:
    error = ForbiddenError("403 no", status=403)
    run = snapshots.each(failing(error, "c3"))

    outcomes = await outcomes_of(run)

    (failed,) = (outcome for outcome in outcomes if isinstance(outcome, Failed))
    assert failed.error is error
    assert (failed.cluster_id, failed.cluster_name) == ("c3", "name-of-c3")
    assert (run.summary.done, run.summary.failed) == (39, 1)
    assert not run.summary.is_success


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        internal(),
        ClusterBusyError("busy", status=409),
        IndeterminateCreateError(
            "unknown", cluster_id="c0", name="n", since=START, attempts=1
        ),
        asyncio.CancelledError(),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_it_raises_is_a_failure_of_this_cluster_alone(
    snapshots: SnapshotService, error: Exception
) -> None:
    outcomes = await outcomes_of(
        snapshots.each(failing(error, "c0"), clusters=given(3))
    )

    kinds = {outcome.cluster_id: type(outcome) for outcome in outcomes}
    assert kinds == {"c0": Failed, "c1": Done, "c2": Done}


async def test_no_more_than_the_limit_are_under_way(
    snapshots: SnapshotService,
) -> None:
    under_way: set[str] = set()
    most = 0

    async def work(cluster: Cluster) -> None:
        nonlocal most
        under_way.add(cluster.id)
        most = max(most, len(under_way))
        await asyncio.sleep(1.0)
        under_way.remove(cluster.id)

    await outcomes_of(snapshots.each(work, limit=7))

    assert most == 7


async def test_the_rate_holds(
    snapshots: SnapshotService, virtual_time: VirtualTime
) -> None:
    await outcomes_of(snapshots.each(name_of, rate=2.0))

    assert virtual_time.elapsed == pytest.approx(20.0, rel=0.05)


async def test_clusters_are_pulled_as_there_is_room(
    snapshots: SnapshotService,
) -> None:
    pulled: list[str] = []

    def source() -> Iterable[Cluster]:
        for cluster in given(1000):
            pulled.append(cluster.id)
            yield cluster

    async with snapshots.each(name_of, clusters=source(), limit=4) as run:
        await settled()
        assert len(pulled) == 8
        await anext(run)
        await settled()
        assert len(pulled) == 9


async def test_a_cluster_that_is_given_twice_is_not_worked_on_twice_at_once(
    snapshots: SnapshotService,
) -> None:
    under_way = 0

    async def work(cluster: Cluster) -> None:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        await asyncio.sleep(1.0)
        under_way -= 1

    run = snapshots.each(work, clusters=given(1) * 3)
    await outcomes_of(run)

    assert run.summary.done == 3


class Throttling:
    """A function that is throttled so many times, and notes when it was called."""

    def __init__(self, time: VirtualTime, error: CSSError, times: int) -> None:
        self.calls: list[float] = []
        self._time = time
        self._error = error
        self._times = times

    async def __call__(self, cluster: Cluster) -> str:
        self.calls.append(self._time.elapsed)
        if len(self.calls) <= self._times:
            raise self._error
        return cluster.id


async def test_a_throttled_function_is_called_again_after_the_pause(
    snapshots: SnapshotService, virtual_time: VirtualTime
) -> None:
    operation = Throttling(virtual_time, throttled(retry_after=7.0), 2)

    (outcome,) = await outcomes_of(snapshots.each(operation, clusters=given(1)))

    assert isinstance(outcome, Done)
    assert outcome.attempts == 3
    assert outcome.elapsed == virtual_time.elapsed >= 14.0
    first, second, _ = operation.calls
    assert second - first == 7.0


async def test_throttling_slows_all_of_them_down(
    snapshots: SnapshotService, virtual_time: VirtualTime
) -> None:
    operation = Throttling(virtual_time, throttled(limit=(60, 60.0)), 1)

    run = snapshots.each(operation, limit=4)
    await outcomes_of(run)

    assert run.summary.done == 40
    assert run.progress.allowed_rate == 1.0
    assert virtual_time.elapsed > 30.0


async def test_it_is_called_again_only_so_often(
    snapshots: SnapshotService, virtual_time: VirtualTime
) -> None:
    operation = Throttling(virtual_time, throttled(), 10**6)

    (outcome,) = await outcomes_of(snapshots.each(operation, clusters=given(1)))

    assert isinstance(outcome, Failed)
    assert outcome.attempts == len(operation.calls) == 10


async def test_what_may_have_been_carried_out_is_not_called_again(
    snapshots: SnapshotService, virtual_time: VirtualTime
) -> None:
    error = throttled()
    error.earlier = (internal(),)
    operation = Throttling(virtual_time, error, 1)

    (outcome,) = await outcomes_of(snapshots.each(operation, clusters=given(1)))

    assert isinstance(outcome, Failed)
    assert outcome.error is error
    assert len(operation.calls) == 1


async def test_what_was_throttled_on_its_way_is_called_again(
    snapshots: SnapshotService, virtual_time: VirtualTime
) -> None:
    error = PruneError("1 of 2 deleted", cluster_id="c0", snapshot_id="s2")
    error.__cause__ = throttled(retry_after=7.0)
    operation = Throttling(virtual_time, error, 1)

    (outcome,) = await outcomes_of(snapshots.each(operation, clusters=given(1)))

    assert isinstance(outcome, Done)
    assert operation.calls == [0.0, 7.0]


async def test_refused_credentials_stop_it_at_once(snapshots: SnapshotService) -> None:
    called: list[str] = []

    async def refuse(cluster: Cluster) -> None:
        called.append(cluster.id)
        await asyncio.sleep(1.0)
        raise unauthorized()

    run = snapshots.each(refuse, clusters=given(40))
    with pytest.raises(FanOutStoppedError) as stopped:
        await outcomes_of(run)

    assert called == ["c0"]
    assert all(
        isinstance(error, AuthenticationError) for error in stopped.value.exceptions
    )
    assert "credentials" in run.summary.stopped


async def test_the_first_goes_alone_until_the_service_has_accepted_a_call(
    snapshots: SnapshotService, virtual_time: VirtualTime
) -> None:
    patient = snapshots.with_options(deadline=60.0)
    called: list[tuple[str, float]] = []

    async def read_and_wait(cluster: Cluster) -> None:
        called.append((cluster.id, virtual_time.elapsed))
        await asyncio.sleep(5.0)
        await patient.list(cluster.id)
        await asyncio.sleep(3600.0)

    await outcomes_of(snapshots.each(read_and_wait, clusters=given(3)))

    (first, begun), *others = called
    assert (first, begun) == ("c0", 0.0)
    assert [cluster_id for cluster_id, _ in others] == ["c1", "c2"]
    assert all(5.0 <= moment < 10.0 for _, moment in others)


@pytest.mark.parametrize(
    ("error", "longest"),
    [
        (ConnectFailedError("no answer", kind="timeout"), 100.0),
        (ValueError("of the search engine"), 100.0),
        # The key may have been refused behind these.
        (GatewayError("502", status=502), 400.0),
        (ConnectionLostError("lost"), 400.0),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_no_key_was_tried_for_does_not_make_them_go_one_by_one(
    snapshots: SnapshotService,
    virtual_time: VirtualTime,
    error: Exception,
    longest: float,
) -> None:
    async def fail(cluster: Cluster) -> None:
        await asyncio.sleep(10.0)
        raise error

    run = snapshots.each(fail, clusters=given(40))
    await outcomes_of(run)

    assert run.summary.failed == 40
    assert longest - 100.0 < virtual_time.elapsed <= longest


async def test_what_was_accepted_before_proves_nothing_today(
    snapshots: SnapshotService,
) -> None:
    await snapshots.list("c0")
    called: list[str] = []

    async def wait(cluster: Cluster) -> None:
        called.append(cluster.id)
        await asyncio.Event().wait()

    async with snapshots.each(wait, clusters=given(3)):
        await settled()
        assert called == ["c0"]
        await snapshots.list("c0")
        await settled()
        assert called == ["c0", "c1", "c2"]


async def test_clusters_that_the_service_has_listed_prove_the_credentials(
    snapshots: SnapshotService, virtual_time: VirtualTime
) -> None:
    async def take_an_hour(cluster: Cluster) -> None:
        await asyncio.sleep(3600.0)

    await outcomes_of(snapshots.each(take_an_hour, limit=40))

    assert virtual_time.elapsed == pytest.approx(3600.0, abs=1.0)


async def test_a_list_that_is_refused_stops_it_and_nothing_is_called(
    make: Make,
) -> None:
    requests: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(401, json={"error_code": "APIGW.0301"})

    run = make(httpx.MockTransport(refuse)).each(name_of)
    with pytest.raises(FanOutStoppedError) as stopped:
        await outcomes_of(run)

    assert isinstance(stopped.value.exceptions[0], AuthenticationError)
    assert len(requests) == 1
    assert run.summary.total == 0


async def test_it_stops_at_the_first_failure_if_that_is_wanted(
    snapshots: SnapshotService,
) -> None:
    error = ValueError("no")
    run = snapshots.each(failing(error), on_error="fail_fast", limit=1)

    with pytest.raises(FanOutStoppedError) as stopped:
        await outcomes_of(run)

    assert stopped.value.exceptions == (error,)
    assert run.summary.failed == 1


async def test_a_throttled_one_is_told_of_when_the_run_stops(
    snapshots: SnapshotService,
) -> None:
    async with snapshots.each(
        failing(throttled(retry_after=60.0)), clusters=given(1)
    ) as run:
        await settled()
        run.stop()
        outcomes = [outcome async for outcome in run]

    (outcome,) = outcomes
    assert isinstance(outcome, Failed)
    assert "429" in str(outcome.error)


async def test_leaving_the_block_cancels_what_is_under_way(
    snapshots: SnapshotService,
) -> None:
    cancelled: list[str] = []

    async def wait(cluster: Cluster) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(cluster.id)
            raise

    async with snapshots.each(wait, clusters=given(3)):
        await snapshots.list("c0")
        await settled()

    assert sorted(cancelled) == ["c0", "c1", "c2"]
    assert len(asyncio.all_tasks()) == 1


async def test_the_observer_is_told_of_one_workflow(make: Make) -> None:
    events: list[Event] = []

    await outcomes_of(make(on_event=events.append).each(name_of, clusters=given(3)))

    (ended,) = (event for event in events if isinstance(event, WorkflowFinished))
    assert ended.workflow.name == "each"


async def test_outcomes_say_what_came_of_which_cluster(
    snapshots: SnapshotService,
) -> None:
    run = snapshots.each(failing(ValueError("no"), "c1"), clusters=given(2), limit=1)

    done, failed = await outcomes_of(run)

    assert str(done) == "done c0: c0 (1 attempt, 0.00 s)"
    assert str(failed) == "failed c1: no (1 attempt, 0.00 s)"
    assert str(run.summary) == "2 targets in 0.0 s: 1 done, 1 failed"
    assert json.loads(json.dumps(to_dict(done))) == {
        "outcome": "done",
        "id": None,
        "cluster_id": "c0",
        "cluster_name": "name 0",
        "result": "c0",
        "attempts": 1,
        "elapsed": 0.0,
    }
    shown = to_dict(failed)
    assert (shown["outcome"], shown["cluster_name"]) == ("failed", "name 1")
    assert "name" not in shown


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"limit": 0}, ConfigurationError, "limit"),
        ({"rate": 0.0}, ConfigurationError, "rate"),
        ({"on_error": "ignore"}, ConfigurationError, "on_error"),
        ({"clusters": 3}, ConfigurationError, "clusters"),
        ({"clusters": "c0"}, ConfigurationError, "iterable of Cluster or str"),
        ({"engine": "solr"}, RequestValidationError, "engine"),
        ({"engine": "opensearch", "clusters": []}, ConfigurationError, "engine"),
    ],
)
def test_what_can_not_work_is_refused_before_anything_is_done(
    snapshots: SnapshotService,
    site: Site,
    options: dict[str, Any],
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=says):
        snapshots.each(name_of, **options)

    assert not site.requests


async def test_what_is_no_cluster_stops_it(snapshots: SnapshotService) -> None:
    run = snapshots.each(name_of, clusters=[3])  # type: ignore[list-item]  # what is tested

    with pytest.raises(FanOutStoppedError, match="source") as stopped:
        await outcomes_of(run)

    assert "clusters: must be Cluster or str, not int" in str(
        stopped.value.exceptions[0]
    )


async def test_a_feed_tells_of_it_as_of_any_run(snapshots: SnapshotService) -> None:
    run = snapshots.each(name_of, clusters=given(2))

    async with OutcomeFeed(run) as feed:
        texts = [text async for text in feed.server_sent_events()]

    told = [text for text in texts if "event: outcome" in text]
    assert len(told) == 2
    assert all('"outcome": "done"' in text for text in told)
    assert feed.progress.summary.done == 2
