"""`ensure`, answer by answer: what each proves, and what is done about it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs
import httpx
import pytest

from css_snapshot import (
    BadRequestError,
    ClusterBusyError,
    ConfigurationError,
    CSSError,
    DuplicateSnapshotError,
    ForbiddenError,
    IndeterminateCreateError,
    InternalServerError,
    InvalidResponseError,
    NotImplementedByServerError,
    PartialSnapshotError,
    RetryBudget,
    RetryPolicy,
    SnapshotExistsError,
    SnapshotFailedError,
    SnapshotService,
    ThrottledError,
)
from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.auth import TokenAuth
from css_snapshot.client.api_client import ApiClient
from css_snapshot.events import Event, Reconciled
from css_snapshot.models import Ensured
from css_snapshot.typing import OnSpoiled
from css_snapshot.workflows.ensure import EnsureOptions, Intent, ensure
from tests.support.clients import api_client
from tests.support.clock import ManualClock

CLUSTER = "ea244205-d641-45d9-9dcb-ab2236bcd07e"
NAME = "snapshot_001"
START = datetime(2026, 11, 24, tzinfo=UTC)

Answer = httpx.Response | Exception | Callable[[], httpx.Response]


@attrs.define
class Script:
    """Answers creations and listings from two scripts; the last listing repeats."""

    posts: list[Answer]
    lists: list[Answer]
    posted: int = 0
    listed: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            answer = self.posts[self.posted]
            self.posted += 1
        else:
            answer = self.lists[min(self.listed, len(self.lists) - 1)]
            self.listed += 1
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer()


def row(
    snapshot_id: str, *, name: str = NAME, status: str = "BUILDING", indices: str = ""
) -> dict[str, str]:
    return {"id": snapshot_id, "name": name, "status": status, "indices": indices}


def shows(*rows: dict[str, str]) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(200, json={"backups": list(rows)})


def refuses(status: int, code: str = "") -> httpx.Response:
    body = {"errCode": code, "externalMessage": "no"} if code else {}
    return httpx.Response(status, json=body)


def created(name: str = NAME) -> httpx.Response:
    return httpx.Response(201, json={"backup": {"id": "new", "name": name}})


LOST = httpx.ReadError("connection reset")
EMPTY = shows()


@attrs.define
class Bench:
    """A client over a script and a manual clock."""

    script: Script
    time: ManualClock = attrs.field(factory=lambda: ManualClock(START))
    events: list[Event] = attrs.field(factory=list)
    retry: RetryPolicy = attrs.field(factory=lambda: RetryPolicy(random=lambda: 1.0))
    deadline: float | None = None

    def client(self) -> ApiClient:
        return api_client(
            httpx.MockTransport(self.script),
            self.time.clock(),
            retry=self.retry,
            deadline=self.deadline,
            on_event=self.events.append,
        )

    async def ensure(
        self,
        *,
        indices: str | None = None,
        on_exists: str = "adopt",
        on_spoiled: OnSpoiled = "fail",
        settle: float = 15.0,
        previous: Intent | None = None,
        intents: list[int] | None = None,
    ) -> Ensured:
        async def note() -> None:
            if intents is not None:
                intents.append(self.script.posted)

        return await ensure(
            self.client(),
            CLUSTER,
            CreateSnapshotRequest(NAME, indices=indices),
            EnsureOptions(
                on_exists=on_exists,  # type: ignore[arg-type]  # a wrong one is tested too
                on_spoiled=on_spoiled,
                settle=settle,
            ),
            on_intent=note,
            previous=previous,
        )

    def reconciled(self) -> Iterator[Reconciled]:
        return (event for event in self.events if isinstance(event, Reconciled))


async def test_a_plain_success_is_one_list_and_one_post() -> None:
    bench = Bench(Script([created()], [EMPTY]))

    ensured = await bench.ensure()

    assert (ensured.how, ensured.backup.id, ensured.attempts) == ("created", "new", 1)
    assert (bench.script.listed, bench.script.posted) == (1, 1)


async def test_the_intent_is_told_before_each_post() -> None:
    bench = Bench(Script([refuses(500), created()], [EMPTY]))
    intents: list[int] = []

    await bench.ensure(intents=intents)

    assert intents == [0, 1]


async def test_a_failed_intent_means_that_nothing_is_posted() -> None:
    bench = Bench(Script([created()], [EMPTY]))

    async def full_disk() -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        await ensure(
            bench.client(),
            CLUSTER,
            CreateSnapshotRequest(NAME),
            EnsureOptions(),
            on_intent=full_disk,
        )

    assert bench.script.posted == 0


@pytest.mark.parametrize("status", ["BUILDING", "COMPLETED"])
async def test_one_from_before_is_adopted_without_a_post(status: str) -> None:
    bench = Bench(Script([], [shows(row("old", status=status))]))

    ensured = await bench.ensure()

    assert (ensured.how, ensured.backup.id, ensured.attempts) == ("adopted", "old", 0)


async def test_the_newest_of_several_from_before_is_adopted() -> None:
    older = row("older") | {"created": "2026-11-20T00:00:00"}
    newer = row("newer") | {"created": "2026-11-21T00:00:00"}
    bench = Bench(Script([], [shows(row("undated"), newer, older)]))

    assert (await bench.ensure()).backup.id == "newer"


@pytest.mark.parametrize("status", ["FAILED", "PART_FAILED", "BRAND_NEW_STATUS"])
async def test_one_from_before_that_is_no_good_is_refused(status: str) -> None:
    bench = Bench(Script([], [shows(row("old", status=status))]))

    with pytest.raises(SnapshotExistsError, match=status):
        await bench.ensure()

    assert bench.script.posted == 0


async def test_on_exists_fail_refuses_one_from_before() -> None:
    bench = Bench(Script([], [shows(row("old"))]))

    with pytest.raises(SnapshotExistsError, match="old"):
        await bench.ensure(on_exists="fail")


MISFITS: Final = [
    (row("bad", status="FAILED"), SnapshotFailedError),
    (row("bad", status="PART_FAILED"), PartialSnapshotError),
    (row("bad", indices="secret-only"), SnapshotExistsError),
    (row(""), SnapshotExistsError),
    (row("bad", status="DELETING"), SnapshotExistsError),
]
"""What does not stand for the snapshot asked for, and the error once it is ours."""


@pytest.mark.parametrize(("misfit", "error"), MISFITS)
@pytest.mark.parametrize("way", ["before", "after a loss", "after a 500", "resumed"])
async def test_what_does_not_fit_is_never_adopted_on_any_way(
    way: str, misfit: dict[str, str], error: type[CSSError]
) -> None:
    first = shows(misfit) if way == "before" else EMPTY
    answer = LOST if way == "after a loss" else refuses(500)
    bench = Bench(Script([answer], [first, shows(misfit)]))
    previous = Intent(since=START) if way == "resumed" else None

    with pytest.raises(SnapshotExistsError if way == "before" else error) as caught:
        await bench.ensure(indices="logs-*", previous=previous)

    assert bench.script.posted == (1 if way.startswith("after") else 0)
    if "indices" in str(caught.value):
        assert "secret-only" in str(caught.value) or not misfit["indices"]


async def test_a_row_of_another_cluster_is_no_answer() -> None:
    foreign = {**row("bad"), "clusterId": "another"}
    before = Bench(Script([], [shows(foreign)]))
    with pytest.raises(InvalidResponseError, match="clusterId"):
        await before.ensure()

    after = Bench(Script([refuses(500)], [EMPTY, shows(foreign)]))
    with pytest.raises(IndeterminateCreateError, match="the list"):
        await after.ensure()


async def test_an_answer_with_another_name_is_looked_into() -> None:
    bench = Bench(Script([created("another")], [EMPTY, shows(row("own"))]))

    ensured = await bench.ensure()

    assert (ensured.how, ensured.backup.id) == ("adopted", "own")


async def test_what_could_not_be_compared_is_adopted_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    alias = row("old", indices="orders-000007")
    bench = Bench(Script([], [shows(alias)]))

    ensured = await bench.ensure(indices="orders")

    assert ensured.doubt is not None
    assert ensured.snapshot is not None
    assert ensured.snapshot.indices == ("orders-000007",)
    assert "orders is not shown" in caplog.text


async def test_one_that_holds_less_shows_what_it_holds() -> None:
    bench = Bench(Script([], [shows(row("old", indices="only-this"))]))

    ensured = await bench.ensure()

    assert ensured.snapshot is not None
    assert ensured.snapshot.indices == ("only-this",)
    assert ensured.doubt is None


def numbered(*statuses: str) -> list[dict[str, str]]:
    names = [NAME, *(f"{NAME}-{number}" for number in range(2, 10))]
    return [
        row(f"id-{name}", name=name, status=status)
        for name, status in zip(names, statuses, strict=False)
    ]


@pytest.mark.parametrize(
    ("there", "posted", "adopted"),
    [
        (["FAILED"], f"{NAME}-2", None),
        (["PART_FAILED"], f"{NAME}-2", None),
        (["FAILED", "FAILED"], f"{NAME}-3", None),
        (["FAILED", "BUILDING"], None, f"id-{NAME}-2"),
        (["FAILED", "COMPLETED"], None, f"id-{NAME}-2"),
        (["COMPLETED", "FAILED"], None, f"id-{NAME}"),
    ],
)
async def test_spoiled_names_are_passed_over_by_number(
    there: list[str], posted: str | None, adopted: str | None
) -> None:
    names: list[str] = []

    def create(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return shows(*numbered(*there))()
        names.append(json.loads(request.content)["name"])
        return httpx.Response(201, json={"backup": {"id": "new", "name": names[-1]}})

    client = api_client(httpx.MockTransport(create), ManualClock().clock())

    ensured = await ensure(
        client,
        CLUSTER,
        CreateSnapshotRequest(NAME),
        EnsureOptions(on_spoiled="number"),
    )

    assert names == ([] if posted is None else [posted])
    assert ensured.backup.id == (adopted or "new")


async def test_a_spoiled_one_of_our_own_is_made_once_more_under_a_number() -> None:
    bench = Bench(
        Script(
            [refuses(500), created(f"{NAME}-2")],
            [EMPTY, shows(*numbered("FAILED"))],
        )
    )

    ensured = await bench.ensure(on_spoiled="number")

    assert (ensured.how, ensured.attempts) == ("created", 2)


async def test_a_resumed_run_waits_for_what_it_made_under_a_number() -> None:
    lists = [shows(*numbered("FAILED"))] * 3 + [
        shows(*numbered("FAILED", "BUILDING")),
    ]
    bench = Bench(Script([], list(lists)))

    ensured = await bench.ensure(on_spoiled="number", previous=Intent(since=START))

    assert (ensured.how, ensured.backup.id) == ("adopted", f"id-{NAME}-2")


async def test_a_failed_manual_one_is_replaced() -> None:
    deleted: list[str] = []
    failed = {**row("old", status="FAILED"), "backupType": "1"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            deleted.append(request.url.path.rpartition("/")[2])
            return httpx.Response(200)
        return created() if request.method == "POST" else shows(failed)()

    client = api_client(httpx.MockTransport(answer), ManualClock().clock())

    ensured = await ensure(
        client,
        CLUSTER,
        CreateSnapshotRequest(NAME),
        EnsureOptions(on_spoiled="replace"),
    )

    assert (deleted, ensured.how) == (["old"], "created")


@pytest.mark.parametrize(
    "spoiled",
    [
        {**row("old", status="PART_FAILED"), "backupType": "1"},
        {**row("old", status="FAILED"), "backupType": "0"},
        row("old", status="FAILED"),
    ],
    ids=["partial", "automatic", "of unknown kind"],
)
async def test_only_a_failed_manual_one_is_replaced(spoiled: dict[str, str]) -> None:
    bench = Bench(Script([], [shows(spoiled)]))

    with pytest.raises(SnapshotExistsError):
        await bench.ensure(on_spoiled="replace")


@pytest.mark.parametrize("lost", [LOST, httpx.ReadTimeout("slow")])
async def test_a_lost_look_before_anything_was_sent_is_repeated(
    lost: Exception,
) -> None:
    bench = Bench(Script([created()], [lost, lost, EMPTY]))

    assert (await bench.ensure()).how == "created"
    assert bench.script.posted == 1


@pytest.mark.parametrize("hours", [1, 24, 24 * 365])
async def test_a_clock_set_back_does_not_lengthen_the_look_for_an_earlier_run(
    hours: int,
) -> None:
    bench = Bench(Script([created()], [EMPTY]))

    await bench.ensure(previous=Intent(since=START + timedelta(hours=hours)))

    assert bench.time.elapsed == pytest.approx(30.0 + 15.0)


async def test_other_names_are_not_looked_at() -> None:
    bench = Bench(Script([created()], [shows(row("other", name="snapshot_002"))]))

    assert (await bench.ensure()).how == "created"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refuses(400, "CSS.0001"), BadRequestError),
        (refuses(403, "CSS.0015"), ForbiddenError),
        (refuses(429, "APIGW.0308"), ThrottledError),
        (refuses(501), NotImplementedByServerError),
    ],
)
async def test_a_refusal_is_final_and_not_looked_into(
    answer: httpx.Response, error: type[Exception]
) -> None:
    bench = Bench(Script([answer], [EMPTY]))

    with pytest.raises(error):
        await bench.ensure()

    assert (bench.script.posted, bench.script.listed) == (1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        refuses(500),
        refuses(502),
        refuses(504),
        refuses(202, "CSS.0011"),
        refuses(409, "CSS.0011"),
        refuses(409, "CSS.0043"),
        httpx.Response(201, content=b'{"backup": {'),
        httpx.Response(201, json={"backup": {"name": NAME}}),
        httpx.Response(200, content=b"<html>"),
        LOST,
        httpx.ReadTimeout("slow"),
    ],
)
async def test_after_an_unclear_answer_what_the_list_shows_is_adopted(
    answer: Answer,
) -> None:
    bench = Bench(Script([answer], [EMPTY, EMPTY, EMPTY, shows(row("found"))]))

    ensured = await bench.ensure()

    assert (ensured.how, ensured.backup.id, ensured.attempts) == ("adopted", "found", 1)
    assert [(event.found, event.looks) for event in bench.reconciled()] == [(1, 3)]


async def test_the_list_is_read_at_growing_pauses_and_at_the_very_end() -> None:
    bench = Bench(Script([refuses(409, "CSS.0011")], [EMPTY]))

    with pytest.raises(ClusterBusyError):
        await bench.ensure(settle=15.0)

    assert bench.time.pauses == [0.5, 1.0, 2.0, 4.0, 5.0, 2.5]
    assert bench.script.listed == 1 + 7


async def test_several_new_ones_are_reported_and_none_is_chosen() -> None:
    bench = Bench(Script([refuses(500)], [EMPTY, shows(row("one"), row("two"))]))

    with pytest.raises(DuplicateSnapshotError) as caught:
        await bench.ensure()

    assert caught.value.snapshot_ids == ("one", "two")


async def test_after_a_500_and_an_empty_list_it_is_posted_again() -> None:
    bench = Bench(Script([refuses(500), refuses(500), created()], [EMPTY]))

    ensured = await bench.ensure()

    assert (ensured.how, ensured.attempts) == ("created", 3)


async def test_a_500_on_every_attempt_is_told_as_that() -> None:
    bench = Bench(Script([refuses(500)] * 3, [EMPTY]))

    with pytest.raises(InternalServerError) as caught:
        await bench.ensure()

    assert bench.script.posted == 3
    assert [type(earlier) for earlier in caught.value.earlier] == [
        InternalServerError,
        InternalServerError,
    ]


async def test_without_budget_a_500_is_not_repeated() -> None:
    budget = RetryBudget(capacity=1)
    bench = Bench(
        Script([refuses(500)], [EMPTY]), retry=RetryPolicy(budget=budget, base=0)
    )

    with pytest.raises(InternalServerError):
        await bench.ensure()

    assert bench.script.posted == 1


@pytest.mark.parametrize("answer", [LOST, refuses(503), refuses(505)])
async def test_after_a_loss_nothing_is_posted_again_and_nothing_is_claimed(
    answer: Answer,
) -> None:
    bench = Bench(Script([answer], [EMPTY]))

    with pytest.raises(IndeterminateCreateError) as caught:
        await bench.ensure()

    assert bench.script.posted == 1
    assert caught.value.since == START
    assert caught.value.attempts == 1
    assert len(caught.value.earlier) == 1
    # Looked until the lost request must have ended and its work must have shown.
    assert bench.time.elapsed == pytest.approx(30.0 + 15.0)


async def test_after_a_loss_the_deadline_ends_the_looking() -> None:
    bench = Bench(Script([LOST], [EMPTY]), deadline=8.0)

    with pytest.raises(IndeterminateCreateError):
        await bench.ensure()

    assert bench.time.elapsed == pytest.approx(8.0)


async def test_a_500_that_there_is_no_time_to_look_into_is_indeterminate() -> None:
    bench = Bench(Script([refuses(500)], [EMPTY]), deadline=8.0)

    with pytest.raises(IndeterminateCreateError):
        await bench.ensure()

    assert bench.script.posted == 1


async def test_an_unreadable_list_is_no_proof_of_anything() -> None:
    bench = Bench(Script([refuses(500)], [EMPTY, LOST]))

    with pytest.raises(IndeterminateCreateError, match="the list"):
        await bench.ensure()

    assert bench.script.posted == 1


async def test_a_list_that_recovers_is_believed() -> None:
    bench = Bench(Script([refuses(500)], [EMPTY, LOST, LOST, shows(row("found"))]))

    assert (await bench.ensure()).backup.id == "found"


async def test_a_list_that_is_forbidden_is_not_read_again() -> None:
    bench = Bench(Script([LOST], [EMPTY, refuses(403, "CSS.0015")]))

    with pytest.raises(IndeterminateCreateError, match="403"):
        await bench.ensure()

    assert bench.script.listed == 2


async def test_busy_stays_busy_when_the_list_can_not_be_read() -> None:
    bench = Bench(Script([refuses(409, "CSS.0011")], [EMPTY, LOST]))

    with pytest.raises(ClusterBusyError):
        await bench.ensure(settle=1.0)


async def test_the_first_list_failing_means_that_nothing_was_posted() -> None:
    bench = Bench(Script([], [refuses(403, "CSS.0015")]))

    with pytest.raises(ForbiddenError):
        await bench.ensure()


async def test_exists_at_once_with_on_exists_fail_is_somebody_elses() -> None:
    bench = Bench(Script([refuses(409, "CSS.0043")], [EMPTY, shows(row("theirs"))]))

    with pytest.raises(SnapshotExistsError):
        await bench.ensure(on_exists="fail")


async def test_exists_after_an_own_500_is_own_work_whatever_on_exists_says() -> None:
    bench = Bench(
        Script(
            [refuses(500), refuses(409, "CSS.0043")],
            [EMPTY, EMPTY, EMPTY, shows(row("own"))],
        )
    )

    ensured = await bench.ensure(on_exists="fail", settle=0.5)

    assert (ensured.how, ensured.backup.id, ensured.attempts) == ("adopted", "own", 2)


async def test_exists_but_never_listed_stays_exists() -> None:
    bench = Bench(Script([refuses(409, "CSS.0043")], [EMPTY]))

    with pytest.raises(SnapshotExistsError):
        await bench.ensure()


async def test_a_connection_that_never_was_is_posted_again() -> None:
    refused = httpx.PoolTimeout("no free connection")
    bench = Bench(Script([refused, created()], [EMPTY]))

    ensured = await bench.ensure()

    assert (ensured.how, ensured.attempts) == ("created", 2)
    assert bench.script.listed == 1


async def test_an_interrupted_run_is_looked_for_before_anything_is_posted() -> None:
    bench = Bench(Script([], [EMPTY, shows(row("left"))]))

    ensured = await bench.ensure(previous=Intent(since=START))

    assert (ensured.how, ensured.backup.id, ensured.attempts) == ("adopted", "left", 0)


async def test_an_interrupted_run_that_left_nothing_is_created_once_it_is_sure() -> (
    None
):
    bench = Bench(Script([created()], [EMPTY]))

    ensured = await bench.ensure(previous=Intent(since=START - timedelta(seconds=10)))

    assert ensured.how == "created"
    # The request of ten seconds ago may take until its limit of 30, plus settling.
    assert bench.time.elapsed == pytest.approx(20.0 + 15.0)


async def test_an_interrupted_run_that_left_several_is_reported() -> None:
    bench = Bench(Script([], [shows(row("one"), row("two"))]))

    with pytest.raises(DuplicateSnapshotError):
        await bench.ensure(previous=Intent(since=START))


async def test_an_interrupted_run_that_can_not_be_looked_up_is_indeterminate() -> None:
    unreadable = Bench(Script([], [LOST]))
    hurried = Bench(Script([], [EMPTY]), deadline=5.0)

    for bench in (unreadable, hurried):
        with pytest.raises(IndeterminateCreateError, match="interrupted"):
            await bench.ensure(previous=Intent(since=START))


@pytest.mark.parametrize("options", [{"on_exists": "replace"}, {"settle": -1.0}])
async def test_options_that_make_no_sense_are_refused(
    options: dict[str, object],
) -> None:
    bench = Bench(Script([], []))

    with pytest.raises(ConfigurationError):
        await bench.ensure(**options)  # type: ignore[arg-type]  # wrong on purpose

    assert bench.script.listed == 0


async def test_the_service_passes_its_arguments_on() -> None:
    bodies: list[object] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return EMPTY()
        bodies.append(json.loads(request.content))
        return created()

    async with SnapshotService(
        endpoint="https://css.example.com",
        project_id="project",
        auth=TokenAuth("token"),
        transport=httpx.MockTransport(answer),
    ) as snapshots:
        ensured = await snapshots.ensure(
            CLUSTER, NAME, indices=["a", "b"], description="nightly", settle=0
        )

    assert ensured.how == "created"
    assert bodies == [{"name": NAME, "indices": "a,b", "description": "nightly"}]


@pytest.mark.parametrize("deadline", [0.001, 8.0])
async def test_exists_stays_exists_where_there_is_no_time_to_look(
    deadline: float,
) -> None:
    bench = Bench(Script([refuses(409, "CSS.0043")], [EMPTY]), deadline=deadline)

    with pytest.raises(SnapshotExistsError):
        await bench.ensure()
