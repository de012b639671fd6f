"""Pruning: what goes, what stays whatever is asked, and what an interruption says."""

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
    ForbiddenError,
    InternalServerError,
    NotFoundError,
    PruneError,
    RequestValidationError,
    RetryPolicy,
    SnapshotService,
)
from css_snapshot.auth import TokenAuth

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

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.method)
        path = request.url.path
        if request.method == "GET":
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
        return [snapshot.id for snapshot in await service.prune("c1", **options)]

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


async def test_keeping_none_deletes_all_that_may_go(prune: Callable[..., Any]) -> None:
    cloud = Cloud([row("s1"), row("s2", age=1)])

    assert await prune(cloud, keep=0) == ["s2", "s1"]


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

    assert await prune(cloud, keep=0) == ["s2"]


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


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"keep": -1}, "keep"),
        ({"keep": True}, "keep"),
        ({"keep": 1.5}, "keep"),
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
        await prune(cloud, keep=0)

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


async def test_an_error_that_may_pass_says_so(prune: Callable[..., Any]) -> None:
    cloud = Cloud([row("s1")])
    cloud.before_delete = lambda _: css_error(409, "CSS.3004")

    with pytest.raises(PruneError) as caught:
        await prune(cloud, keep=0)

    assert caught.value.retryable


async def test_one_that_somebody_else_deleted_is_passed_over(
    prune: Callable[..., Any],
) -> None:
    cloud = Cloud([row("s1"), row("s2", age=2)])
    cloud.before_delete = lambda id_: (
        css_error(400, "CSS.5111") if id_ == "s2" else None
    )

    assert await prune(cloud, keep=0) == ["s1"]


async def test_a_deletion_that_meets_its_own_work_has_succeeded(
    make_service: MakeService,
) -> None:
    cloud = Cloud([row("s1"), row("s2")])
    answers = [500, 403]

    def carried_out_but_500(id_: str) -> httpx.Response:
        if id_ not in cloud.deleted:
            cloud.remove(id_)
        return css_error(answers.pop(0), "CSS.0015")

    cloud.before_delete = carried_out_but_500

    await make_service(cloud).delete("c1", "s1")

    assert cloud.requests == ["DELETE", "DELETE", "GET"]
    assert cloud.deleted == ["s1"]


async def test_a_last_500_is_no_failure_if_the_snapshot_is_gone(
    make_service: MakeService,
) -> None:
    cloud = Cloud([row("s1")])

    def carried_out_but_500(id_: str) -> httpx.Response:
        cloud.remove(id_)
        return css_error(500, "CSS.0005")

    cloud.before_delete = carried_out_but_500

    await make_service(cloud).delete("c1", "s1")

    assert cloud.requests == ["DELETE", "DELETE", "DELETE", "GET"]


async def test_a_refusal_after_a_500_stands_while_the_snapshot_is_there(
    make_service: MakeService,
) -> None:
    cloud = Cloud([row("s1")])
    answers = [500, 403]
    cloud.before_delete = lambda _: css_error(answers.pop(0), "CSS.0015")

    with pytest.raises(ForbiddenError) as caught:
        await make_service(cloud).delete("c1", "s1")

    assert [type(earlier) for earlier in caught.value.earlier] == [InternalServerError]
    assert cloud.requests == ["DELETE", "DELETE", "GET"]


async def test_a_refusal_stands_where_the_list_can_not_be_read(
    make_service: MakeService,
) -> None:
    answers = [500, 403, 403]

    def answer(_: httpx.Request) -> httpx.Response:
        return css_error(answers.pop(0), "CSS.0015")

    with pytest.raises(ForbiddenError, match="DELETE"):
        await make_service(httpx.MockTransport(answer)).delete("c1", "s1")

    assert answers == []


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "CSS.0015", ForbiddenError),
        (400, "CSS.5111", NotFoundError),
        (400, "CSS.3026", NotFoundError),
    ],
)
async def test_a_first_refusal_stands_without_a_look(
    make_service: MakeService, status: int, code: str, kind: type[Exception]
) -> None:
    cloud = Cloud([])
    cloud.before_delete = lambda _: css_error(status, code)

    with pytest.raises(kind):
        await make_service(cloud).delete("c1", "s1")

    assert cloud.requests == ["DELETE"]


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
    keep=st.integers(0, 5),
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
            pruned = await service.prune(
                "c1", keep=keep, prefix=prefix, older_than=older_than
            )
            return tuple(snapshot.id for snapshot in pruned)

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
