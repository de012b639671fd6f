"""Pruning: only what was planned goes, and an interruption says what did."""

import asyncio
import pickle
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot import (
    Clock,
    ClusterBusyError,
    ForbiddenError,
    IndeterminateDeleteError,
    PruneError,
    RequestValidationError,
    Retention,
    RetryPolicy,
    Snapshot,
    SnapshotService,
)
from css_snapshot.auth import TokenAuth
from tests.support.virtual_time import VirtualTime

MakeService = Callable[..., SnapshotService]
Row = dict[str, object]

NOW: Final = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
DAY: Final = 86400.0


def row(id_: str, *, age: float = 0.0, **changes: object) -> Row:
    begun = NOW - timedelta(seconds=age)
    return {
        "id": id_,
        "name": f"nightly-{id_}",
        "status": "COMPLETED",
        "backupType": "1",
        "failedShards": 0,
        "restoreStatus": "none",
        "created": begun.strftime("%Y-%m-%dT%H:%M:%S"),
        "startTime": int(begun.timestamp() * 1000),
        **changes,
    }


class Cloud(httpx.AsyncBaseTransport):
    """One cluster's snapshots, to be listed and deleted."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)
        self.deleted: list[str] = []
        self.requests: list[str] = []
        self.before_delete: Callable[[str], httpx.Response | None] = lambda _: None
        self.lost_reads = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        self.requests.append(request.method)
        path = request.url.path
        if request.method == "GET":
            if self.lost_reads:
                self.lost_reads -= 1
                raise httpx.ReadError("lost")
            assert path.endswith("/clusters/c1/index_snapshots")
            return httpx.Response(200, json={"backups": self.rows})
        assert request.method == "DELETE"
        start, _, id_ = path.rpartition("/")
        assert start.endswith("/clusters/c1/index_snapshot")
        refusal = self.before_delete(id_)
        if refusal is not None:
            return refusal
        self.remove(id_)
        return httpx.Response(200)

    def remove(self, id_: str) -> None:
        self.deleted.append(id_)
        self.rows = [kept for kept in self.rows if kept["id"] != id_]


def css_error(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"errCode": code, "externalMessage": "no"})


@pytest.fixture
def prune(make_service: MakeService) -> Callable[..., Any]:
    async def run(cloud: Cloud, **options: Any) -> list[str]:
        service = make_service(cloud, clock=Clock(now=lambda: NOW))
        plan = await service.prune("c1", **options)
        return [snapshot.id for snapshot in plan.delete]

    return run


async def test_the_newest_are_kept_and_the_oldest_go_first(
    prune: Callable[..., Any],
) -> None:
    cloud = Cloud(row(f"s{age}", age=age) for age in (3, 1, 5, 2, 4))

    assert await prune(cloud, keep=2) == ["s5", "s4", "s3"]
    assert cloud.deleted == ["s5", "s4", "s3"]
    assert [kept["id"] for kept in cloud.rows] == ["s1", "s2"]


async def test_a_dry_run_tells_the_same_and_deletes_nothing(
    prune: Callable[..., Any],
) -> None:
    cloud = Cloud(row(f"s{age}", age=age) for age in (3, 1, 2))

    assert await prune(cloud, keep=1, dry_run=True) == ["s3", "s2"]
    assert cloud.requests == ["GET"]


NONE: Final = Retention(at_least=0)
"""Rules that keep nothing: every snapshot that may go goes."""


async def test_keeping_none_deletes_all_that_may_go(prune: Callable[..., Any]) -> None:
    cloud = Cloud([row("s1"), row("s2", age=1)])

    assert await prune(cloud, retention=NONE) == ["s2", "s1"]


@pytest.mark.parametrize("keep", [3, 4])
async def test_as_few_as_are_kept_stay(prune: Callable[..., Any], keep: int) -> None:
    cloud = Cloud(row(f"s{age}", age=age) for age in (3, 1, 2))

    assert await prune(cloud, keep=keep) == []
    assert cloud.requests == ["GET"]


@pytest.mark.parametrize(
    "changes",
    [
        {"backupType": "0"},
        {"backupType": "0", "backupMethod": "manual"},
        {"backupType": "2"},
        {"backupType": None},
        {"backupType": None, "backupMethod": "automated"},
        {"status": "BUILDING"},
        {"status": "ARCHIVING"},
        {"restoreStatus": "restoring"},
        {"restoreStatus": "waiting"},
        {"created": None, "startTime": None},
    ],
    ids=repr,
)
async def test_some_stay_whatever_is_asked(
    prune: Callable[..., Any], changes: Row
) -> None:
    cloud = Cloud([row("s1", age=9 * DAY, **changes), row("s2", age=8 * DAY)])

    assert await prune(cloud, retention=NONE) == ["s2"]


@pytest.mark.parametrize("status", ["FAILED", "PART_FAILED", "BUILDING"])
async def test_what_is_not_usable_pushes_no_good_one_out(
    prune: Callable[..., Any], status: str
) -> None:
    newest = [row(f"bad{age}", age=age, status=status) for age in (1, 2, 3)]
    cloud = Cloud([*newest, row("good", age=10), row("old", age=11)])

    assert await prune(cloud, keep=1) == ["old"]


async def test_old_failed_ones_go_like_the_others(prune: Callable[..., Any]) -> None:
    cloud = Cloud([row("good"), row("failed", age=9, status="FAILED")])

    assert await prune(cloud, keep=1) == ["failed"]


async def test_automatic_ones_do_not_count_as_kept(prune: Callable[..., Any]) -> None:
    automatic = [row(f"a{age}", age=age, backupType="0") for age in (1, 2)]
    cloud = Cloud([*automatic, row("s3", age=3), row("s4", age=4)])

    assert await prune(cloud, keep=1) == ["s4"]


async def test_a_prefix_limits_both_what_goes_and_what_counts(
    prune: Callable[..., Any],
) -> None:
    others = [row("x1", name="weekly-1"), row("x2", age=99, name="weekly-2")]
    cloud = Cloud([*others, row("s1", age=1), row("s2", age=2)])

    assert await prune(cloud, keep=1, prefix="nightly-") == ["s2"]


async def test_an_age_is_in_seconds_and_limits_what_goes(
    prune: Callable[..., Any],
) -> None:
    ages = {"s1": 1.0, "s2": 2 * DAY, "edge": 7 * DAY, "s8": 7 * DAY + 1}
    cloud = Cloud(row(id_, age=age) for id_, age in ages.items())

    assert await prune(cloud, keep=1, older_than=7 * DAY) == ["s8"]


async def test_the_start_decides_and_the_creation_where_there_is_none(
    prune: Callable[..., Any],
) -> None:
    cloud = Cloud([row("old", age=9, startTime=None), row("new", age=1)])

    assert await prune(cloud, keep=1) == ["old"]


async def test_an_age_alone_spares_the_newest_one(prune: Callable[..., Any]) -> None:
    ages = {"s1": 8 * DAY, "s2": 9 * DAY, "s3": 10 * DAY}
    cloud = Cloud(row(id_, age=age) for id_, age in ages.items())

    assert await prune(cloud, older_than=8.5 * DAY) == ["s3", "s2"]
    assert await prune(cloud, keep=0, older_than=1.0) == []


async def test_calendar_rules_apply_and_an_age_limits_them(
    prune: Callable[..., Any],
) -> None:
    cloud = Cloud(row(f"s{day}", age=day * DAY) for day in range(6))

    rules = Retention(daily=2)
    assert await prune(cloud, retention=rules, older_than=3.5 * DAY) == ["s5", "s4"]
    assert await prune(cloud, retention=rules) == ["s3", "s2"]


PLAN: Final = NONE.plan([])


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"keep": -1}, "keep"),
        ({"keep": True}, "keep"),
        ({"keep": 1.5}, "keep"),
        ({}, "retention"),
        ({"keep": 0}, "retention"),
        ({"prefix": "nightly-"}, "retention"),
        ({"retention": 7}, "retention"),
        ({"retention": NONE, "keep": 1}, "keep"),
        ({"plan": NONE}, "plan"),
        ({"plan": PLAN, "keep": 1}, "plan"),
        ({"plan": PLAN, "older_than": 0.0}, "plan"),
        ({"plan": PLAN, "prefix": "a"}, "plan"),
        ({"plan": PLAN, "retention": NONE}, "plan"),
        ({"keep": 1, "busy_wait": -1.0}, "busy_wait"),
        ({"keep": 1, "prefix": ""}, "prefix"),
        ({"keep": 1, "prefix": 7}, "prefix"),
        ({"keep": 1, "older_than": -1.0}, "older_than"),
        ({"keep": 1, "older_than": float("nan")}, "older_than"),
        ({"keep": 1, "older_than": timedelta(days=7)}, "older_than"),
    ],
    ids=repr,
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(
    prune: Callable[..., Any], options: dict[str, object], field: str
) -> None:
    cloud = Cloud([row("s1")])

    with pytest.raises(RequestValidationError) as caught:
        await prune(cloud, **options)

    assert caught.value.field == field
    assert cloud.requests == []


async def test_an_error_midway_tells_what_is_gone(prune: Callable[..., Any]) -> None:
    cloud = Cloud(row(f"s{age}", age=age) for age in (1, 2, 3, 4))
    cloud.before_delete = lambda id_: (
        css_error(403, "CSS.0010") if id_ == "s2" else None
    )

    with pytest.raises(PruneError) as caught:
        await prune(cloud, retention=NONE)

    error = caught.value
    assert [snapshot.id for snapshot in error.deleted] == ["s4", "s3"]
    assert (error.cluster_id, error.snapshot_id) == ("c1", "s2")
    assert error.snapshot is not None
    assert error.snapshot.name == "nightly-s2"
    assert isinstance(error.__cause__, ForbiddenError)
    assert "2 of 4 snapshots were deleted" in str(error)
    assert not error.retryable
    assert cloud.deleted == ["s4", "s3"]
    again: PruneError = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert again.deleted == error.deleted


@pytest.mark.parametrize(
    ("status", "code"), [(409, "CSS.0011"), (202, "CSS.0011"), (409, "CSS.3004")]
)
async def test_a_busy_service_is_waited_for(
    make_service: MakeService, virtual_time: VirtualTime, status: int, code: str
) -> None:
    cloud = Cloud(row(f"s{age}", age=age) for age in range(1, 7))
    free_at = 0.0

    def one_at_a_time(id_: str) -> httpx.Response | None:
        nonlocal free_at
        if virtual_time.elapsed < free_at:
            return css_error(status, code)
        free_at = virtual_time.elapsed + 3.0
        return None

    cloud.before_delete = one_at_a_time
    service = make_service(cloud, clock=virtual_time.clock)

    plan = await service.prune("c1", keep=1)

    assert [snapshot.id for snapshot in plan.delete] == ["s6", "s5", "s4", "s3", "s2"]
    assert cloud.deleted == ["s6", "s5", "s4", "s3", "s2"]
    assert 12.0 <= virtual_time.elapsed <= 16.0


async def test_a_busy_service_is_not_waited_for_without_end(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    cloud = Cloud([row("s1")])
    cloud.before_delete = lambda _: css_error(409, "CSS.3004")
    service = make_service(cloud, clock=virtual_time.clock)

    with pytest.raises(PruneError) as caught:
        await service.prune("c1", retention=NONE, busy_wait=60.0)

    assert isinstance(caught.value.__cause__, ClusterBusyError)
    assert caught.value.retryable
    assert 55.0 < virtual_time.elapsed <= 60.0


async def test_the_deadline_ends_the_waiting_too(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    cloud = Cloud([row("s1")])
    cloud.before_delete = lambda _: css_error(409, "CSS.3004")
    service = make_service(cloud, clock=virtual_time.clock, deadline=20.0)

    with pytest.raises(PruneError) as caught:
        await service.prune("c1", retention=NONE)

    assert isinstance(caught.value.__cause__, ClusterBusyError)
    assert 15.0 < virtual_time.elapsed <= 20.0


async def test_no_wait_at_all_can_be_asked_for(prune: Callable[..., Any]) -> None:
    cloud = Cloud([row("s1")])
    cloud.before_delete = lambda _: css_error(409, "CSS.0011")

    with pytest.raises(PruneError):
        await prune(cloud, retention=NONE, busy_wait=0.0)

    assert cloud.requests == ["GET", "GET", "DELETE"]


@pytest.mark.parametrize(
    ("status", "code"), [(403, "CSS.0015"), (400, "CSS.3016"), (400, "CSS.5111")]
)
async def test_one_that_somebody_else_deletes_meanwhile_is_passed_over(
    make_service: MakeService, status: int, code: str
) -> None:
    cloud = Cloud([row("s1"), row("s2", age=2), row("s3", age=3)])

    def taken(id_: str) -> httpx.Response | None:
        if id_ != "s3":
            return None
        cloud.rows = [kept for kept in cloud.rows if kept["id"] != id_]
        return css_error(status, code)

    cloud.before_delete = taken

    plan = await make_service(cloud).prune("c1", keep=1)

    assert cloud.deleted == ["s2"]
    assert [snapshot.id for snapshot in plan.delete] == ["s2"]
    assert [(row.id, why) for row, why in plan.untouched] == [("s3", "gone already")]


@pytest.mark.parametrize(
    ("code", "why"),
    [("CSS.3016", "being deleted already"), ("CSS.5111", "gone already")],
)
async def test_one_that_is_still_listed_is_passed_over_if_the_code_says_why(
    make_service: MakeService, code: str, why: str
) -> None:
    cloud = Cloud([row("s1"), row("s2", age=2)])
    cloud.before_delete = lambda _: css_error(400, code)

    plan = await make_service(cloud).prune("c1", keep=1)

    assert plan.delete == ()
    assert [(row.id, text) for row, text in plan.untouched] == [("s2", why)]


async def test_a_refusal_is_an_error_while_the_snapshot_is_there(
    prune: Callable[..., Any],
) -> None:
    cloud = Cloud([row("s1"), row("s2", age=2)])
    cloud.before_delete = lambda _: css_error(403, "CSS.0015")

    with pytest.raises(PruneError) as caught:
        await prune(cloud, keep=1)

    assert isinstance(caught.value.__cause__, ForbiddenError)


async def test_nothing_but_the_plan_that_was_shown_is_carried_out(
    make_service: MakeService,
) -> None:
    cloud = Cloud([row("s1"), row("s2", age=2)])
    service = make_service(cloud)
    plan = await service.prune("c1", keep=1, dry_run=True)
    cloud.rows.append(row("s0", age=-9))

    done = await service.prune("c1", plan=plan)

    assert cloud.deleted == ["s2"]
    assert done == plan


def changed(**changes: object) -> Callable[[Cloud], None]:
    return lambda cloud: cloud.rows[1].update(changes)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda cloud: cloud.rows.pop(1), "gone already"),
        (lambda cloud: cloud.rows.pop(0), "wanted after all"),
        (changed(restoreStatus="restoring"), "being restored"),
        (changed(status="BUILDING"), "building"),
        (changed(backupType="0"), "automatic"),
        (changed(name="weekly"), "name does not start with nightly-"),
        (lambda cloud: cloud.rows[0].update(status="FAILED"), "wanted after all"),
    ],
    ids=[
        *("gone", "the kept one is gone", "restoring", "building", "automatic"),
        *("renamed", "the kept one is spoiled"),
    ],
)
async def test_what_is_no_longer_to_go_stays(
    make_service: MakeService, change: Callable[[Cloud], object], why: str
) -> None:
    cloud = Cloud([row("s1"), row("s2", age=2)])
    service = make_service(cloud)
    plan = await service.prune("c1", keep=1, prefix="nightly-", dry_run=True)
    change(cloud)

    done = await service.prune("c1", plan=plan)

    assert cloud.deleted == []
    assert done.delete == ()
    assert done.keep == plan.keep
    assert [(row.id, text) for row, text in done.untouched] == [("s2", why)]


async def test_a_row_shown_twice_is_one_snapshot(prune: Callable[..., Any]) -> None:
    cloud = Cloud([row("s1"), row("s1")])

    assert await prune(cloud, keep=1) == []


async def test_the_plan_of_another_cluster_is_refused(
    make_service: MakeService,
) -> None:
    cloud = Cloud([row("s1"), row("s2", age=2, clusterId="c1")])
    service = make_service(cloud)
    plan = await service.prune("c1", keep=1, dry_run=True)
    cloud.requests.clear()

    with pytest.raises(RequestValidationError, match="another cluster"):
        await service.prune("c2", plan=plan)

    assert cloud.requests == []


async def test_each_deletion_is_told_of_at_once(prune: Callable[..., Any]) -> None:
    cloud = Cloud(row(f"s{age}", age=age) for age in (1, 2, 3))
    told: list[tuple[str, int]] = []

    await prune(
        cloud,
        keep=1,
        on_deleted=lambda snapshot: told.append((snapshot.id, len(cloud.deleted))),
    )

    assert told == [("s3", 1), ("s2", 2)]


async def test_a_cancellation_passes_through_and_the_deletions_were_told(
    make_service: MakeService,
) -> None:
    cloud = Cloud(row(f"s{age}", age=age) for age in (1, 2, 3))
    told: list[str] = []

    def told_and_stopped(snapshot: Snapshot) -> None:
        told.append(snapshot.id)
        pruning.cancel()

    pruning = asyncio.create_task(
        make_service(cloud).prune("c1", keep=1, on_deleted=told_and_stopped)
    )
    with pytest.raises(asyncio.CancelledError):
        await pruning

    assert told == cloud.deleted == ["s3"]


async def test_a_lost_deletion_that_worked_is_one_that_worked(
    prune: Callable[..., Any],
) -> None:
    cloud = Cloud([row("s1"), row("s2", age=2)])

    def lost(id_: str) -> None:
        cloud.remove(id_)
        raise httpx.ReadError("lost")

    cloud.before_delete = lost

    assert await prune(cloud, keep=1) == ["s2"]


async def test_an_unknown_deletion_stops_and_says_so(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    cloud = Cloud([row("s1"), row("s2", age=2), row("s3", age=3)])

    def lost(_: str) -> None:
        raise httpx.ReadError("lost")

    cloud.before_delete = lost
    service = make_service(cloud, clock=virtual_time.clock)

    with pytest.raises(PruneError, match="unknown") as caught:
        await service.prune("c1", keep=1)

    assert isinstance(caught.value.__cause__, IndeterminateDeleteError)
    assert caught.value.retryable
    assert caught.value.deleted == ()


async def test_a_lost_look_is_repeated(prune: Callable[..., Any]) -> None:
    cloud = Cloud([row("s1"), row("s2", age=2)])
    cloud.lost_reads = 2

    assert await prune(cloud, keep=1) == ["s2"]


ROWS: Final = st.lists(
    st.builds(
        lambda id_, age, changes: row(id_, age=age, **changes),
        st.integers(0, 10**6).map("s{}".format),
        st.integers(0, 20),
        st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from(["nightly-x", "weekly-x"]),
                "status": st.sampled_from(
                    ["BUILDING", "COMPLETED", "FAILED", "PART_FAILED", "NEW"]
                ),
                "backupType": st.sampled_from(["0", "1", "2", None]),
                "backupMethod": st.sampled_from(["auto", "manual", None]),
                "failedShards": st.sampled_from([0, 1, None]),
                "restoreStatus": st.sampled_from(["restoring", "success", "?", None]),
                "startTime": st.sampled_from([None, 0, 1520408087099]),
                "created": st.sampled_from([None, "2018-03-07T07:34:47"]),
            },
        ),
    ),
    max_size=12,
    unique_by=lambda made: made["id"],
)


def is_manual(made: Row) -> bool:
    known = (made["backupType"], made.get("backupMethod"))
    return known in {("1", "manual"), ("1", None), (None, "manual")}


@given(
    rows=ROWS,
    keep=st.integers(1, 5),
    prefix=st.sampled_from([None, "nightly-"]),
    older_than=st.sampled_from([None, 0.0, 10.0]),
)
def test_what_must_stay_stays(
    rows: list[Row], keep: int, prefix: str | None, older_than: float | None
) -> None:
    cloud = Cloud(rows)

    async def scenario() -> tuple[str, ...]:
        async with SnapshotService(
            project_id="p",
            auth=TokenAuth("t"),
            endpoint="https://css.example",
            transport=cloud,
            retry=RetryPolicy.none(),
            clock=Clock(now=lambda: NOW),
        ) as service:
            plan = await service.prune(
                "c1", keep=keep, prefix=prefix, older_than=older_than
            )
            return tuple(snapshot.id for snapshot in plan.delete)

    pruned = asyncio.run(scenario())

    gone = [made for made in rows if made["id"] in pruned]
    assert sorted(pruned) == sorted(cloud.deleted)
    for made in gone:
        assert is_manual(made)
        assert made["status"] in {"COMPLETED", "FAILED", "PART_FAILED"}
        assert made["restoreStatus"] in {"none", "success", None}
        assert str(made["name"]).startswith(prefix or "")
    usable = [
        made
        for made in rows
        if made["status"] == "COMPLETED"
        and not made["failedShards"]
        and is_manual(made)
        and str(made["name"]).startswith(prefix or "")
    ]
    left = [made for made in usable if made["id"] not in pruned]
    assert len(left) >= min(keep, len(usable))
