"""Restoring: what is looked at before it is sent again, believed, or given up."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Final, TypeVar

import httpx
import pytest

from css_snapshot import (
    BadRequestError,
    ClusterBusyError,
    ConnectFailedError,
    CSSError,
    ForbiddenError,
    GatewayError,
    IndeterminateRestoreError,
    InternalServerError,
    Restored,
    RetryPolicy,
    SnapshotService,
)
from css_snapshot.events import WorkflowStarted
from tests.support.virtual_time import VirtualTime

T = TypeVar("T")
MakeService = Callable[..., SnapshotService]
Answer = httpx.Response | Exception

SETTLE: Final = 15.0
LOOKS: Final = 7
"""How many looks are made through the time to settle."""


def css_error(status: int, code: str = "CSS.0005") -> httpx.Response:
    return httpx.Response(status, json={"errCode": code, "externalMessage": "no"})


ACCEPTED: Final = httpx.Response(201)
LOST: Final = httpx.ReadError("lost")
LATE: Final = httpx.ReadTimeout("late")
UNCONNECTED: Final = httpx.PoolTimeout("no connection was free")
PAGE: Final = httpx.Response(201, text="<html>welcome</html>")
BUSY: Final = css_error(409, "CSS.0011")
FAILED: Final = css_error(500)

# What the list says of the snapshot's restoration, and what the target is doing.
Signs = tuple[str | None, Sequence[str]] | Answer
NONE: Final[Signs] = ("none", [])
GOING_ON: Final[Signs] = ("restoring", ["RESTORING"])
ELSEWHERE: Final[Signs] = ("restoring", [])
SUCCESS: Final[Signs] = ("success", [])
ANOTHERS: Final[Signs] = ("none", ["RESTORING"])
SILENT: Final[Signs] = (None, [])
SILENTLY: Final[Signs] = (None, ["RESTORING"])
MISSING: Final[Signs] = ("missing", [])


class Double(httpx.AsyncBaseTransport):
    """Answers restorations and looks from two scripts, whose last answers repeat.

    Each answer takes so many seconds.
    """

    def __init__(
        self,
        posts: Iterable[Answer],
        signs: Iterable[Signs],
        seconds: float = 0.0,
    ) -> None:
        self.requests: list[str] = []
        self._posts = _repeating_the_last(posts)
        self._signs = _repeating_the_last(signs)
        self._seconds = seconds
        self._shown: Signs = NONE

    @property
    def posts(self) -> int:
        return self.requests.count("POST")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.method)
        await asyncio.sleep(self._seconds)
        if request.method == "POST":
            return _anew(next(self._posts))
        if request.url.path.endswith("index_snapshots"):
            # Each look begins with the list.
            self._shown = next(self._signs)
            return _anew(self._listed())
        assert request.url.path.endswith("clusters/c2")
        return _anew(self._detailed())

    def _listed(self) -> Answer:
        if not isinstance(self._shown, tuple):
            return self._shown
        status, _ = self._shown
        row: dict[str, str | None] = {
            "id": "s1",
            "name": "nightly",
            "status": "COMPLETED",
        }
        other = row | {"id": "s2", "restoreStatus": "restoring"}
        mine = [] if status == "missing" else [row | {"restoreStatus": status}]
        return httpx.Response(200, json={"backups": [other, *mine]})

    def _detailed(self) -> Answer:
        assert isinstance(self._shown, tuple)
        cluster = {"id": "c2", "name": "test", "status": "200"}
        return httpx.Response(200, json=cluster | {"actions": self._shown[1]})


def _repeating_the_last(items: Iterable[T]) -> Iterator[T]:
    *some, last = items
    return chain(some, repeat(last))


def _anew(answer: Answer) -> httpx.Response:
    if isinstance(answer, Exception):
        raise answer
    return httpx.Response(
        answer.status_code, headers=answer.headers, content=answer.content
    )


async def restore(service: SnapshotService) -> None:
    await service.restore("c1", "s1", target_cluster_id="c2")


async def ensure(service: SnapshotService, settle: float = SETTLE) -> Restored:
    return await service.ensure_restored(
        "c1", "s1", target_cluster_id="c2", settle=settle
    )


async def test_a_restoration_that_is_accepted_is_not_looked_at(
    make_service: MakeService,
) -> None:
    double = Double([ACCEPTED], [NONE])

    await restore(make_service(double))

    assert double.requests == ["POST"]


async def test_a_500_of_a_restoration_that_began_is_a_success(
    make_service: MakeService,
) -> None:
    double = Double([FAILED, BUSY], [GOING_ON])

    await restore(make_service(double))

    assert double.posts == 1


async def test_busy_with_its_own_work_after_a_500_is_a_success(
    make_service: MakeService,
) -> None:
    double = Double([FAILED, BUSY], [NONE, GOING_ON])

    await restore(make_service(double))

    assert double.posts == 2


async def test_busy_at_first_is_somebody_elses_work(make_service: MakeService) -> None:
    double = Double([BUSY], [GOING_ON])

    with pytest.raises(ClusterBusyError):
        await restore(make_service(double))

    assert double.requests == ["POST"]


@pytest.mark.parametrize(
    "signs",
    [NONE, ANOTHERS, SUCCESS, ("restoring", []), SILENT],
    ids=["nothing", "another's", "ended", "into another", "silent"],
)
async def test_busy_after_a_500_stands_where_the_restoration_does_not_show(
    make_service: MakeService, signs: Signs
) -> None:
    double = Double([FAILED, BUSY], [signs])

    with pytest.raises(ClusterBusyError) as caught:
        await restore(make_service(double))

    assert [type(earlier) for earlier in caught.value.earlier] == [InternalServerError]


@pytest.mark.parametrize("failure", [LOST, LATE, PAGE, css_error(502), css_error(202)])
@pytest.mark.parametrize("shown", [GOING_ON, SILENTLY], ids=["shown", "by the target"])
async def test_a_lost_answer_of_a_restoration_that_began_is_a_success(
    make_service: MakeService,
    virtual_time: VirtualTime,
    failure: Answer,
    shown: Signs,
) -> None:
    double = Double([failure], [NONE, LOST, NONE, shown])

    await restore(make_service(double, clock=virtual_time.clock))

    assert double.posts == 1
    assert virtual_time.elapsed <= SETTLE


@pytest.mark.parametrize("signs", [NONE, SUCCESS, ANOTHERS, css_error(403, "CSS.0015")])
async def test_a_lost_answer_of_one_that_does_not_show_is_unknown(
    make_service: MakeService, virtual_time: VirtualTime, signs: Signs
) -> None:
    double = Double([LOST], [signs])

    with pytest.raises(IndeterminateRestoreError, match="unknown") as caught:
        await restore(make_service(double, clock=virtual_time.clock))

    error = caught.value
    assert (error.cluster_id, error.snapshot_id) == ("c1", "s1")
    assert error.target_cluster_id == "c2"
    assert error.earlier == (error.__cause__,)
    assert double.posts == 1


@pytest.mark.parametrize("signs", [NONE, SUCCESS, ANOTHERS, GOING_ON, SILENT, MISSING])
async def test_one_that_is_accepted_was_started(
    make_service: MakeService, signs: Signs
) -> None:
    events: list[object] = []
    double = Double([ACCEPTED], [signs])

    restored = await ensure(make_service(double, on_event=events.append))

    assert restored == Restored("started", attempts=1)
    assert double.requests == ["GET", "GET", "POST"]
    (workflow,) = [one.workflow for one in events if isinstance(one, WorkflowStarted)]
    assert (workflow.name, workflow.cluster_id) == ("ensure_restored", "c1")


UNCLEAR: Final[dict[str, Answer]] = {
    "500": FAILED,
    "502": css_error(502),
    "lost": LOST,
    "late": LATE,
    "no answer": PAGE,
    "202 with an error": css_error(202),
}


@pytest.mark.parametrize("failure", UNCLEAR.values(), ids=UNCLEAR.keys())
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (NONE, GOING_ON),
        (NONE, SUCCESS),
        (NONE, ("failed", [])),
        (SUCCESS, GOING_ON),
        (SUCCESS, ("failed", [])),
        (("failed", []), SUCCESS),
        (NONE, ("waiting", [])),
        (ANOTHERS, SUCCESS),
        (SILENT, SILENTLY),
        (SILENT, GOING_ON),
        (MISSING, GOING_ON),
        (ELSEWHERE, GOING_ON),
    ],
)
async def test_what_has_changed_since_is_its_own_work(
    make_service: MakeService,
    virtual_time: VirtualTime,
    failure: Answer,
    before: Signs,
    after: Signs,
) -> None:
    double = Double([failure], [before, before, css_error(503), before, after])

    restored = await ensure(make_service(double, clock=virtual_time.clock))

    assert restored == Restored("found", attempts=1)
    assert double.posts == 1


@pytest.mark.parametrize("failure", [LOST, LATE, PAGE, css_error(502), css_error(503)])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (NONE, NONE),
        (SUCCESS, SUCCESS),
        (GOING_ON, GOING_ON),
        (NONE, ANOTHERS),
        (NONE, ELSEWHERE),
        (SUCCESS, ELSEWHERE),
        (ANOTHERS, GOING_ON),
        (NONE, MISSING),
        (MISSING, SUCCESS),
        (SILENT, SILENT),
        (SILENTLY, SILENTLY),
        (GOING_ON, ELSEWHERE),
    ],
)
async def test_after_a_loss_what_does_not_show_is_unknown(
    make_service: MakeService,
    virtual_time: VirtualTime,
    failure: Answer,
    before: Signs,
    after: Signs,
) -> None:
    policy = RetryPolicy.gateway()
    double = Double([failure], [before, after])
    service = make_service(double, clock=virtual_time.clock, retry=policy)

    with pytest.raises(IndeterminateRestoreError, match="does not show") as caught:
        await ensure(service)

    error = caught.value
    assert error.earlier == (error.__cause__,)
    assert error.retryable
    assert double.requests == ["GET"] * 2 + ["POST"] + ["GET"] * 2 * LOOKS
    assert virtual_time.elapsed == pytest.approx(SETTLE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (NONE, NONE),
        (SUCCESS, SUCCESS),
        (("failed", []), ("failed", [])),
        (ANOTHERS, ANOTHERS),
        (ANOTHERS, NONE),
        (SILENT, SILENT),
        (ELSEWHERE, ELSEWHERE),
    ],
)
async def test_after_a_500_what_has_not_begun_is_asked_for_again(
    make_service: MakeService,
    virtual_time: VirtualTime,
    before: Signs,
    after: Signs,
) -> None:
    double = Double([FAILED, ACCEPTED], [before, after])

    restored = await ensure(make_service(double, clock=virtual_time.clock))

    assert restored == Restored("started", attempts=2)
    assert virtual_time.elapsed == pytest.approx(SETTLE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (NONE, ANOTHERS),
        (NONE, ELSEWHERE),
        (ANOTHERS, GOING_ON),
        (SUCCESS, ("success", ["RESTORING"])),
        (NONE, MISSING),
        (GOING_ON, GOING_ON),
        (GOING_ON, SUCCESS),
        (SILENTLY, SILENTLY),
        (MISSING, NONE),
    ],
)
async def test_after_a_500_what_may_be_under_way_is_not_asked_for_again(
    make_service: MakeService,
    virtual_time: VirtualTime,
    before: Signs,
    after: Signs,
) -> None:
    double = Double([FAILED], [before, after])

    with pytest.raises(IndeterminateRestoreError, match="does not show"):
        await ensure(make_service(double, clock=virtual_time.clock))

    assert double.posts == 1


@pytest.mark.parametrize(
    ("before", "seconds", "posts"),
    [(SUCCESS, 0.2, 2), (SUCCESS, 0.4, 1), (NONE, 0.4, 2), (SILENT, 0.4, 1)],
)
async def test_what_came_and_went_unseen_is_not_ruled_out(
    make_service: MakeService,
    virtual_time: VirtualTime,
    before: Signs,
    seconds: float,
    posts: int,
) -> None:
    double = Double([FAILED, ACCEPTED], [before], seconds)
    service = make_service(double, clock=virtual_time.clock)

    if posts == 1:
        with pytest.raises(IndeterminateRestoreError):
            await ensure(service)
    else:
        await ensure(service)

    assert double.posts == posts


async def test_what_began_in_the_target_and_ended_is_not_ruled_out(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    signs: list[Signs] = [SUCCESS, SUCCESS, ("success", ["RESTORING"]), SUCCESS]
    double = Double([FAILED], signs)

    with pytest.raises(IndeterminateRestoreError):
        await ensure(make_service(double, clock=virtual_time.clock))

    assert double.posts == 1


async def test_anothers_work_that_ended_is_no_obstacle_to_a_first_restoration(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    double = Double([FAILED, ACCEPTED], [NONE, ANOTHERS, NONE])

    restored = await ensure(make_service(double, clock=virtual_time.clock))

    assert restored == Restored("started", attempts=2)


@pytest.mark.parametrize("failure", [LOST, FAILED])
@pytest.mark.parametrize("before", [NONE, SUCCESS])
@pytest.mark.parametrize("after", [SUCCESS, ("failed", [])])
async def test_what_another_cluster_was_seen_restoring_proves_nothing(
    make_service: MakeService,
    virtual_time: VirtualTime,
    failure: Answer,
    before: Signs,
    after: Signs,
) -> None:
    double = Double([failure], [before, before, ELSEWHERE, after])

    with pytest.raises(IndeterminateRestoreError):
        await ensure(make_service(double, clock=virtual_time.clock))

    assert double.posts == 1


async def test_the_target_shows_it_though_another_cluster_was_first(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    double = Double([LOST], [NONE, ELSEWHERE, GOING_ON])

    restored = await ensure(make_service(double, clock=virtual_time.clock))

    assert restored == Restored("found")


async def test_each_request_is_watched_anew(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    class Slowing(Double):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST" and self.posts:
                self._seconds = 0.4
            return await super().handle_async_request(request)

    double = Slowing([FAILED], [SUCCESS])

    with pytest.raises(IndeterminateRestoreError):
        await ensure(make_service(double, clock=virtual_time.clock))

    assert double.posts == 2


async def test_each_500_is_looked_into_and_the_last_one_stands(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    double = Double([FAILED], [NONE])

    with pytest.raises(InternalServerError) as caught:
        await ensure(make_service(double, clock=virtual_time.clock))

    assert len(caught.value.earlier) == 2
    assert double.posts == 3
    assert virtual_time.elapsed == pytest.approx(3 * SETTLE)


async def test_busy_after_a_500_with_its_own_work_was_found(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    double = Double([FAILED, BUSY], [NONE] * (1 + LOOKS) + [NONE, GOING_ON])

    restored = await ensure(make_service(double, clock=virtual_time.clock))

    assert restored == Restored("found", attempts=2)


@pytest.mark.parametrize("after", [NONE, ANOTHERS])
async def test_busy_after_a_500_with_anothers_work_stands(
    make_service: MakeService, virtual_time: VirtualTime, after: Signs
) -> None:
    double = Double([FAILED, BUSY], [NONE] * (1 + LOOKS) + [after])

    with pytest.raises(ClusterBusyError) as caught:
        await ensure(make_service(double, clock=virtual_time.clock))

    assert [type(earlier) for earlier in caught.value.earlier] == [InternalServerError]
    assert virtual_time.elapsed == pytest.approx(2 * SETTLE)


@pytest.mark.parametrize(
    "busy", [BUSY, css_error(202, "CSS.0011"), css_error(409, "CSS.3004")]
)
@pytest.mark.parametrize("posts", [[], [UNCONNECTED]], ids=["at first", "not sent"])
async def test_busy_with_nothing_asked_for_before_stands_without_a_look(
    make_service: MakeService,
    virtual_time: VirtualTime,
    busy: Answer,
    posts: list[Answer],
) -> None:
    double = Double([*posts, busy], [NONE, GOING_ON])

    with pytest.raises(ClusterBusyError):
        await ensure(make_service(double, clock=virtual_time.clock))

    assert double.requests == ["GET", "GET", *["POST"] * len([*posts, busy])]


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (css_error(400, "CSS.6012"), BadRequestError),
        (css_error(403, "CSS.0015"), ForbiddenError),
    ],
)
@pytest.mark.parametrize("posts", [[], [FAILED]], ids=["at first", "after a 500"])
async def test_a_refusal_stands(
    make_service: MakeService,
    virtual_time: VirtualTime,
    refusal: Answer,
    kind: type[CSSError],
    posts: list[Answer],
) -> None:
    double = Double([*posts, refusal], [NONE])

    with pytest.raises(kind):
        await ensure(make_service(double, clock=virtual_time.clock))

    assert double.requests[-1] == "POST"


async def test_what_was_not_sent_is_sent_again(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    double = Double([UNCONNECTED, ACCEPTED], [NONE])

    restored = await ensure(make_service(double, clock=virtual_time.clock))

    assert restored == Restored("started", attempts=2)
    assert double.requests == ["GET", "GET", "POST", "POST"]


async def test_what_could_never_be_sent_is_a_failure(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    double = Double([UNCONNECTED], [NONE])

    with pytest.raises(ConnectFailedError) as caught:
        await ensure(make_service(double, clock=virtual_time.clock))

    assert caught.value.sent is False


async def test_nothing_is_sent_where_the_first_look_is_refused(
    make_service: MakeService,
) -> None:
    double = Double([ACCEPTED], [css_error(403, "CSS.0015")])

    with pytest.raises(ForbiddenError):
        await ensure(make_service(double))

    assert double.requests == ["GET"]


@pytest.mark.parametrize("posts", [[FAILED], [LOST], [FAILED, BUSY]])
async def test_it_is_unknown_where_looking_is_refused(
    make_service: MakeService, virtual_time: VirtualTime, posts: list[Answer]
) -> None:
    signs = [*[NONE] * (1 if len(posts) == 1 else 1 + LOOKS), css_error(403)]
    double = Double(posts, signs)

    with pytest.raises(IndeterminateRestoreError, match=r"looking failed: GET .* 403"):
        await ensure(make_service(double, clock=virtual_time.clock))

    assert double.requests[-1] == "GET"


async def test_a_list_that_recovers_in_time_proves_it(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    double = Double([FAILED, ACCEPTED], [NONE, LOST, css_error(503), NONE])

    restored = await ensure(make_service(double, clock=virtual_time.clock))

    assert restored == Restored("started", attempts=2)


async def test_the_deadline_leaves_no_time_to_prove_it(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    double = Double([FAILED], [NONE])
    service = make_service(double, clock=virtual_time.clock, deadline=6.0)

    with pytest.raises(IndeterminateRestoreError, match="looking failed") as caught:
        await ensure(service)

    assert isinstance(caught.value.__cause__, InternalServerError)
    assert double.posts == 1
    assert virtual_time.elapsed == pytest.approx(6.0)


async def test_a_deadline_that_leaves_the_time_is_no_obstacle(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    double = Double([FAILED, ACCEPTED], [NONE])
    service = make_service(double, clock=virtual_time.clock, deadline=SETTLE + 0.5)

    assert (await ensure(service)).attempts == 2


async def test_settling_may_be_told_to_take_less(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    double = Double([css_error(502)], [NONE])
    service = make_service(double, clock=virtual_time.clock)

    with pytest.raises(IndeterminateRestoreError) as caught:
        await ensure(service, settle=3.0)

    assert isinstance(caught.value.__cause__, GatewayError)
    assert virtual_time.elapsed == pytest.approx(3.0)


async def test_a_policy_that_never_repeats_is_kept(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    double = Double([FAILED], [NONE])
    policy = RetryPolicy.none()

    with pytest.raises(InternalServerError):
        await ensure(make_service(double, clock=virtual_time.clock, retry=policy))

    assert double.posts == 1
