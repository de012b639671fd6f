"""Deleting one snapshot: what is looked at before it is sent again, or given up."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import httpx
import pytest

from css_snapshot import (
    ClusterBusyError,
    ConnectFailedError,
    CSSError,
    ForbiddenError,
    GatewayError,
    IndeterminateDeleteError,
    InternalServerError,
    NotFoundError,
    RetryPolicy,
    SnapshotService,
)
from tests.support.virtual_time import VirtualTime

MakeService = Callable[..., SnapshotService]
Answer = httpx.Response | Exception

SETTLE: Final = 15.0
"""Seconds that a lost deletion is looked for."""


def css_error(status: int, code: str = "CSS.0005") -> httpx.Response:
    return httpx.Response(status, json={"errCode": code, "externalMessage": "no"})


def shown(*ids: str) -> httpx.Response:
    rows = [{"id": id_, "name": "nightly", "status": "COMPLETED"} for id_ in ids]
    return httpx.Response(200, json={"backups": rows})


THERE: Final = shown("s1", "s2")
GONE: Final = shown("s2")
DELETED: Final = httpx.Response(200)
LOST: Final = httpx.ReadError("lost")
LATE: Final = httpx.ReadTimeout("late")
UNCONNECTED: Final = httpx.PoolTimeout("no connection was free")
NO_ANSWER: Final = httpx.Response(200, text="<html>welcome</html>")


class Script(httpx.AsyncBaseTransport):
    """Answers deletions and lists from two scripts, whose last answers repeat."""

    def __init__(self, deletions: Iterable[Answer], lists: Iterable[Answer]) -> None:
        self.requests: list[str] = []
        self._answers = {
            "DELETE": _repeating_the_last(deletions),
            "GET": _repeating_the_last(lists),
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.method)
        answer = next(self._answers[request.method])
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(
            answer.status_code, headers=answer.headers, content=answer.content
        )


def _repeating_the_last(answers: Iterable[Answer]) -> Iterator[Answer]:
    answer: Answer = httpx.Response(418)
    for answer in answers:
        yield answer
    while True:
        yield answer


Deletion = Callable[..., object]


@pytest.mark.parametrize(
    ("failure", "lists"),
    [
        (css_error(500), [GONE]),
        (css_error(502), [GONE]),
        (css_error(502), [THERE, THERE, GONE]),
        (httpx.Response(504, text="late"), [THERE, GONE]),
        (LOST, [GONE]),
        (LATE, [THERE, GONE]),
        (NO_ANSWER, [GONE]),
        (css_error(202, "CSS.9999"), [GONE]),
        (LOST, [LOST, css_error(503), css_error(500), THERE, GONE]),
    ],
    ids=[
        *("500", "502", "502, later", "504", "lost", "late", "no answer", "202"),
        "lists lost too",
    ],
)
async def test_a_deletion_whose_snapshot_is_gone_has_worked(
    make_service: MakeService,
    virtual_time: VirtualTime,
    failure: Answer,
    lists: list[Answer],
) -> None:
    script = Script([failure], lists)

    await make_service(script, clock=virtual_time.clock).delete("c1", "s1")

    assert script.requests.count("DELETE") == 1
    assert virtual_time.elapsed <= SETTLE


@pytest.mark.parametrize("failure", [css_error(502), css_error(503), LOST, LATE])
async def test_a_deletion_that_does_not_show_is_unknown(
    make_service: MakeService, virtual_time: VirtualTime, failure: Answer
) -> None:
    script = Script([failure], [THERE])
    service = make_service(script, clock=virtual_time.clock)

    with pytest.raises(IndeterminateDeleteError, match="unknown") as caught:
        await service.delete("c1", "s1")

    error = caught.value
    assert (error.cluster_id, error.snapshot_id) == ("c1", "s1")
    assert error.retryable
    assert error.earlier == (error.__cause__,)
    assert script.requests[:2] == ["DELETE", "GET"]
    assert script.requests.count("DELETE") == 1
    assert virtual_time.elapsed == pytest.approx(SETTLE)


async def test_looks_grow_rarer_and_the_last_is_at_the_end(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    looks: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            looks.append(virtual_time.elapsed)
        return THERE if request.method == "GET" else httpx.Response(502)

    service = make_service(httpx.MockTransport(answer), clock=virtual_time.clock)

    with pytest.raises(IndeterminateDeleteError):
        await service.delete("c1", "s1")

    assert looks == [0.0, 0.5, 1.5, 3.5, 7.5, 12.5, 15.0]


async def test_slow_looks_end_with_the_first_after_the_end(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    looks: list[float] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            return httpx.Response(502)
        looks.append(virtual_time.elapsed)
        await asyncio.sleep(6.0)
        return THERE

    service = make_service(httpx.MockTransport(answer), clock=virtual_time.clock)

    with pytest.raises(IndeterminateDeleteError):
        await service.delete("c1", "s1")

    assert looks == [0.0, 6.5, 13.5, 19.5]


async def test_a_later_look_counts_and_not_an_earlier_one_that_failed(
    make_service: MakeService,
) -> None:
    script = Script([css_error(500)], [css_error(403, "CSS.0010"), THERE])

    with pytest.raises(InternalServerError):
        await make_service(script).delete("c1", "s1")

    assert script.requests == ["DELETE", "GET"] * 3


async def test_a_deletion_is_unknown_where_nothing_can_be_read(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    script = Script([LOST], [css_error(403, "CSS.0010")])
    service = make_service(script, clock=virtual_time.clock)

    with pytest.raises(IndeterminateDeleteError, match=r"looking failed: GET .* 403"):
        await service.delete("c1", "s1")

    assert script.requests == ["DELETE", "GET"]


async def test_a_500_is_looked_into_before_it_is_sent_again(
    make_service: MakeService,
) -> None:
    script = Script([css_error(500), DELETED], [THERE])

    await make_service(script).delete("c1", "s1")

    assert script.requests == ["DELETE", "GET", "DELETE"]


async def test_a_500_stands_while_the_snapshot_is_there(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    script = Script([css_error(500)], [THERE])
    service = make_service(script, clock=virtual_time.clock)

    with pytest.raises(InternalServerError) as caught:
        await service.delete("c1", "s1")

    assert len(caught.value.earlier) == 2
    assert script.requests == ["DELETE", "GET"] * 3
    assert virtual_time.elapsed == 0.0


async def test_a_refusal_after_a_500_stands_while_the_snapshot_is_there(
    make_service: MakeService,
) -> None:
    script = Script([css_error(500), css_error(403, "CSS.0015")], [THERE])

    with pytest.raises(ForbiddenError) as caught:
        await make_service(script).delete("c1", "s1")

    assert [type(earlier) for earlier in caught.value.earlier] == [InternalServerError]
    assert script.requests == ["DELETE", "GET", "DELETE", "GET"]


async def test_a_refusal_after_a_500_is_no_failure_if_the_snapshot_is_gone(
    make_service: MakeService,
) -> None:
    script = Script([css_error(500), css_error(403, "CSS.0015")], [THERE, GONE])

    await make_service(script).delete("c1", "s1")

    assert script.requests == ["DELETE", "GET", "DELETE", "GET"]


async def test_a_refusal_is_unknown_after_a_500_where_nothing_can_be_read(
    make_service: MakeService,
) -> None:
    script = Script(
        [css_error(500), css_error(403, "CSS.0015")], [css_error(403, "CSS.0010")]
    )

    with pytest.raises(IndeterminateDeleteError) as caught:
        await make_service(script).delete("c1", "s1")

    assert [type(earlier) for earlier in caught.value.earlier] == [
        InternalServerError,
        ForbiddenError,
    ]


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (css_error(403, "CSS.0015"), ForbiddenError),
        (css_error(400, "CSS.5111"), NotFoundError),
        (css_error(409, "CSS.0011"), IndeterminateDeleteError),
        (css_error(500), IndeterminateDeleteError),
        (UNCONNECTED, IndeterminateDeleteError),
    ],
    ids=["refused", "not found", "busy", "500", "not sent"],
)
async def test_after_a_502_only_a_definite_refusal_stands(
    make_service: MakeService,
    virtual_time: VirtualTime,
    last: Answer,
    kind: type[CSSError],
) -> None:
    policy = RetryPolicy(statuses={502}, attempts=2, random=lambda: 0.0)
    script = Script([css_error(502), last], [THERE])
    service = make_service(script, clock=virtual_time.clock, retry=policy)

    with pytest.raises(kind):
        await service.delete("c1", "s1")

    assert script.requests.count("DELETE") == 2


@pytest.mark.parametrize(
    "last", [css_error(403, "CSS.0015"), css_error(409, "CSS.0011"), UNCONNECTED]
)
async def test_gone_after_a_502_is_a_success_whatever_came_next(
    make_service: MakeService, virtual_time: VirtualTime, last: Answer
) -> None:
    policy = RetryPolicy(statuses={502}, attempts=2, random=lambda: 0.0)
    script = Script([css_error(502), last], [*[THERE] * 7, GONE])
    service = make_service(script, clock=virtual_time.clock, retry=policy)

    await service.delete("c1", "s1")

    assert script.requests[-1] == "GET"


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (css_error(403, "CSS.0015"), ForbiddenError),
        (css_error(400, "CSS.5111"), NotFoundError),
        (css_error(400, "CSS.3026"), NotFoundError),
        (css_error(409, "CSS.3004"), ClusterBusyError),
        (css_error(202, "CSS.0011"), ClusterBusyError),
        (UNCONNECTED, ConnectFailedError),
    ],
)
async def test_a_first_refusal_stands_without_a_look(
    make_service: MakeService, refusal: Answer, kind: type[CSSError]
) -> None:
    script = Script([refusal], [GONE])

    with pytest.raises(kind):
        await make_service(script).delete("c1", "s1")

    assert script.requests == ["DELETE"]


async def test_the_deadline_ends_the_looking(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    script = Script([css_error(502)], [THERE])
    service = make_service(script, clock=virtual_time.clock, deadline=6.0)

    with pytest.raises(IndeterminateDeleteError) as caught:
        await service.delete("c1", "s1")

    assert isinstance(caught.value.__cause__, GatewayError)
    assert virtual_time.elapsed == pytest.approx(6.0)
