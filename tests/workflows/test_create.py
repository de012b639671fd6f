import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import attrs
import httpx
import pytest

from css_snapshot import RetryPolicy, SnapshotService
from css_snapshot.errors import (
    APIError,
    BadRequestError,
    ClusterBusyError,
    CSSError,
    GatewayError,
    IndeterminateCreateError,
    InternalServerError,
    PartialSnapshotError,
    SnapshotExistsError,
    SnapshotFailedError,
)
from css_snapshot.events import Event, Reconciled
from tests.support.virtual_time import START, VirtualTime

MakeService = Callable[..., SnapshotService]
Answer = tuple[int, Mapping[str, object]]

NAME: Final = "snapshot_001"
EXISTS: Final = (409, {"errCode": "CSS.0043", "externalMessage": "name taken"})
BUSY: Final = (409, {"errCode": "CSS.0011", "externalMessage": "busy"})
BUSY_IN_202: Final = (202, {"errCode": "CSS.0011", "externalMessage": "busy"})
FAILED: Final = (500, {"errCode": "CSS.0005", "externalMessage": "server error"})
REFUSALS: Final = [EXISTS, BUSY, BUSY_IN_202]
REFUSAL_NAMES: Final = ["exists", "busy", "busy-in-202"]


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _row(
    created: datetime | None, name: str = NAME, snapshot_id: str = "own"
) -> dict[str, object]:
    row: dict[str, object] = {"id": snapshot_id, "name": name, "status": "BUILDING"}
    if created is not None:
        row["created"] = _stamp(created)
    return row


class Cluster(httpx.AsyncBaseTransport):
    """A service whose creations answer as told, one second each, and then lists.

    Its clock may differ from ours, and shows in every answer unless told otherwise.
    """

    def __init__(
        self,
        time: VirtualTime,
        creations: Iterable[Answer],
        rows: Callable[[datetime], list[dict[str, object]]] = lambda _: [],
        *,
        listing: int = 200,
        ahead: timedelta = timedelta(),
        tells_time: bool = True,
    ) -> None:
        self.posts = 0
        self.lists = 0
        self._time = time
        self._creations = list(creations)
        self._rows = rows
        self._listing = listing
        self._ahead = ahead
        self._tells_time = tells_time

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(1.0)
        if request.method == "GET":
            self.lists += 1
            return self._answer(self._listing, {"backups": self._rows(self._now())})
        self.posts += 1
        return self._answer(*self._creations.pop(0))

    def _now(self) -> datetime:
        return self._time.now() + self._ahead

    def _answer(self, status: int, body: Mapping[str, object]) -> httpx.Response:
        date = self._now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = {"Date": date} if self._tells_time else {}
        return httpx.Response(status, content=json.dumps(body), headers=headers)


@pytest.fixture
def create(
    make_service: MakeService, virtual_time: VirtualTime
) -> Callable[..., SnapshotService]:
    def make(cluster: Cluster, **options: object) -> SnapshotService:
        return make_service(
            cluster,
            clock=virtual_time.clock,
            **{"retry": RetryPolicy(random=lambda: 0.0), **options},
        )

    return make


@pytest.mark.parametrize("refusal", REFUSALS, ids=REFUSAL_NAMES)
async def test_what_a_500_created_is_recognised_by_one_look(
    create: MakeService,
    virtual_time: VirtualTime,
    refusal: Answer,
) -> None:
    events: list[Event] = []
    cluster = Cluster(
        virtual_time,
        [FAILED, refusal],
        lambda _: [_row(START), _row(START - timedelta(days=1), "other", "old")],
    )

    backup = await create(cluster, on_event=events.append).create("c1", NAME)

    assert (backup.id, backup.name) == ("own", NAME)
    assert (cluster.posts, cluster.lists) == (2, 1)
    assert [event for event in events if isinstance(event, Reconciled)] == [
        Reconciled(cluster_id="c1", name=NAME, found=1, looks=1)
    ]


@pytest.mark.parametrize("refusal", REFUSALS, ids=REFUSAL_NAMES)
async def test_a_refusal_without_a_500_before_it_stands_and_no_list_is_read(
    create: MakeService,
    virtual_time: VirtualTime,
    refusal: Answer,
) -> None:
    cluster = Cluster(virtual_time, [refusal], lambda now: [_row(now)])

    with pytest.raises((SnapshotExistsError, ClusterBusyError)):
        await create(cluster).create("c1", NAME)

    assert (cluster.posts, cluster.lists) == (1, 0)


@pytest.mark.parametrize("refusal", REFUSALS, ids=REFUSAL_NAMES)
@pytest.mark.parametrize(
    "rows",
    [
        lambda _: [],
        lambda _: [_row(START - timedelta(seconds=10))],
        lambda _: [_row(START - timedelta(days=1))],
        lambda _: [_row(None)],
        lambda now: [_row(now, "snapshot_002")],
        lambda now: [_row(now), _row(now, snapshot_id="twin")],
    ],
    ids=["none", "just-before", "day-before", "undated", "other-name", "two"],
)
async def test_a_snapshot_that_this_call_did_not_provably_create_is_not_adopted(
    create: MakeService,
    virtual_time: VirtualTime,
    refusal: Answer,
    rows: Callable[[datetime], list[dict[str, object]]],
) -> None:
    cluster = Cluster(virtual_time, [FAILED, refusal], rows)

    with pytest.raises((SnapshotExistsError, ClusterBusyError)) as caught:
        await create(cluster).create("c1", NAME)

    assert (cluster.posts, cluster.lists) == (2, 1)
    assert [type(earlier) for earlier in caught.value.earlier] == [InternalServerError]
    assert caught.value.__context__ is None


@pytest.mark.parametrize("hours", [-12, -1, 1, 12])
@pytest.mark.parametrize("own", [True, False])
async def test_before_and_after_are_told_on_the_servers_clock(
    create: MakeService, virtual_time: VirtualTime, hours: int, *, own: bool
) -> None:
    ahead = timedelta(hours=hours)
    created = START + ahead + timedelta(seconds=0 if own else -10)
    cluster = Cluster(
        virtual_time, [FAILED, EXISTS], lambda _: [_row(created)], ahead=ahead
    )

    if own:
        assert (await create(cluster).create("c1", NAME)).id == "own"
    else:
        with pytest.raises(SnapshotExistsError):
            await create(cluster).create("c1", NAME)

    assert cluster.lists == 1


async def test_the_time_that_retries_took_is_taken_into_account(
    create: MakeService, virtual_time: VirtualTime
) -> None:
    cluster = Cluster(virtual_time, [FAILED, FAILED, EXISTS], lambda _: [_row(START)])
    policy = RetryPolicy(base=20.0, cap=20.0, random=lambda: 0.99)

    backup = await create(cluster, retry=policy).create("c1", NAME)

    assert backup.id == "own"
    assert virtual_time.elapsed > 40.0


@pytest.mark.parametrize("clock_ahead", [-86400, -3600, 0, 3600, 86400])
@pytest.mark.parametrize("made", [-90, -30, 0])
async def test_without_the_servers_time_nothing_is_taken_for_its_own(
    create: MakeService, virtual_time: VirtualTime, clock_ahead: int, made: int
) -> None:
    cluster = Cluster(
        virtual_time,
        [FAILED, EXISTS],
        lambda now: [_row(now + timedelta(seconds=made))],
        ahead=timedelta(seconds=-clock_ahead),
        tells_time=False,
    )

    with pytest.raises(IndeterminateCreateError, match="does not tell its time") as got:
        await create(cluster).create("c1", NAME)

    assert [type(earlier) for earlier in got.value.earlier] == [
        InternalServerError,
        SnapshotExistsError,
    ]
    assert got.value.attempts == 2


async def test_without_the_servers_time_and_without_a_snapshot_the_refusal_stands(
    create: MakeService, virtual_time: VirtualTime
) -> None:
    cluster = Cluster(virtual_time, [FAILED, EXISTS], tells_time=False)

    with pytest.raises(SnapshotExistsError):
        await create(cluster).create("c1", NAME)


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({"status": "FAILED"}, SnapshotFailedError),
        ({"status": "PART_FAILED", "failedShards": 1}, PartialSnapshotError),
        ({"status": "COMPLETED", "failedShards": 1}, PartialSnapshotError),
        ({"indices": "secret-only"}, SnapshotExistsError),
        ({"id": ""}, SnapshotExistsError),
        ({"clusterId": "another"}, SnapshotExistsError),
        ({"status": "DELETING"}, SnapshotExistsError),
    ],
)
async def test_its_own_is_not_adopted_when_it_does_not_fit(
    create: MakeService,
    virtual_time: VirtualTime,
    row: Mapping[str, object],
    error: type[CSSError],
) -> None:
    cluster = Cluster(
        virtual_time, [FAILED, EXISTS], lambda now: [{**_row(now), **row}]
    )

    with pytest.raises(error):
        await create(cluster).create("c1", NAME, indices="logs-*")


@pytest.mark.parametrize("listing", [400, 401, 403, 404, 429, 500, 503, 301, 204])
async def test_a_list_that_can_not_be_read_lets_the_refusal_stand(
    create: MakeService, virtual_time: VirtualTime, listing: int
) -> None:
    cluster = Cluster(
        virtual_time, [FAILED, EXISTS], lambda now: [_row(now)], listing=listing
    )

    with pytest.raises(SnapshotExistsError) as caught:
        await create(cluster).create("c1", NAME)

    assert cluster.posts == 2
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([FAILED, FAILED, FAILED], InternalServerError),
        ([FAILED, (400, {})], BadRequestError),
        ([FAILED, (504, {})], GatewayError),
        ([FAILED, (409, {"errCode": "CSS.1102"})], APIError),
    ],
)
async def test_any_other_end_is_reported_without_a_look(
    create: MakeService,
    virtual_time: VirtualTime,
    answers: list[Answer],
    error: type[CSSError],
) -> None:
    cluster = Cluster(virtual_time, answers, lambda now: [_row(now)])

    with pytest.raises(error):
        await create(cluster).create("c1", NAME)

    assert (cluster.posts, cluster.lists) == (len(answers), 0)


async def test_a_504_that_a_policy_repeats_may_have_created_it_too(
    create: MakeService, virtual_time: VirtualTime
) -> None:
    cluster = Cluster(virtual_time, [(504, {}), EXISTS], lambda _: [_row(START)])
    policy = RetryPolicy(statuses=frozenset({504}), random=lambda: 0.0)

    assert (await create(cluster, retry=policy).create("c1", NAME)).id == "own"


async def test_a_429_that_a_policy_repeats_can_not_have_created_it(
    create: MakeService, virtual_time: VirtualTime
) -> None:
    cluster = Cluster(virtual_time, [(429, {}), EXISTS], lambda _: [_row(START)])
    policy = RetryPolicy(statuses=frozenset({429}), random=lambda: 0.0)

    with pytest.raises(SnapshotExistsError):
        await create(cluster, retry=policy).create("c1", NAME)

    assert cluster.lists == 0


async def test_a_cancellation_during_the_look_passes(
    create: MakeService, virtual_time: VirtualTime
) -> None:
    cluster = Cluster(virtual_time, [FAILED, EXISTS], lambda now: [_row(now)])
    call = asyncio.create_task(create(cluster).create("c1", NAME))
    await asyncio.sleep(2.5)

    call.cancel()
    await asyncio.wait([call])

    assert call.cancelled()
    assert virtual_time.elapsed == 2.5


@pytest.mark.parametrize("deadline", [2.25, 2.75, 10.0])
async def test_the_look_is_held_to_the_deadline_of_the_whole_call(
    create: MakeService, virtual_time: VirtualTime, deadline: float
) -> None:
    async def slowly(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            await asyncio.sleep(100.0)
        return await cluster.handle_async_request(request)

    cluster = Cluster(virtual_time, [FAILED, EXISTS], lambda now: [_row(now)])
    service = create(httpx.MockTransport(slowly), deadline=deadline)

    with pytest.raises(SnapshotExistsError):
        await service.create("c1", NAME)

    assert virtual_time.elapsed <= deadline


@pytest.mark.parametrize("started", [0.0, 1_000_000.0])
async def test_the_machine_s_uptime_does_not_count(
    make_service: MakeService, virtual_time: VirtualTime, started: float
) -> None:
    cluster = Cluster(
        virtual_time, [FAILED, EXISTS], lambda _: [_row(START - timedelta(seconds=10))]
    )
    clock = attrs.evolve(
        virtual_time.clock, monotonic=lambda: started + virtual_time.elapsed
    )
    service = make_service(cluster, clock=clock, retry=RetryPolicy(random=lambda: 0.0))

    with pytest.raises(SnapshotExistsError):
        await service.create("c1", NAME)
