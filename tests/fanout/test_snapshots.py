"""Runs that make snapshots: what is sent, what is looked for, what comes out."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from css_snapshot import (
    ConfigurationError,
    DuplicateSnapshotError,
    FanOutStoppedError,
    ForbiddenError,
    SnapshotExistsError,
)
from css_snapshot.fanout import (
    Adopted,
    Busy,
    Created,
    Failed,
    FanOut,
    Indeterminate,
    State,
    Target,
    operations,
    read_status,
)
from css_snapshot.models import Backup, Ensured
from tests.support.fanout_bench import NAME, Cloud, outcomes_of, snapshots_of, targets
from tests.support.virtual_time import VirtualTime


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nightly.db"


Prepare = Callable[..., FanOut[Ensured]]


@pytest.fixture
def prepare(cloud: Cloud, virtual_time: VirtualTime, path: Path) -> Prepare:
    """Prepare runs with a journal over the cloud in memory, in virtual time."""

    def make(
        count: int = 1, endpoint: str = "https://css.example.com", **options: Any
    ) -> FanOut[Ensured]:
        return snapshots_of(
            cloud.client(virtual_time.clock, endpoint=endpoint),
            targets(count),
            journal=path,
            **options,
        )

    return make


def hang_after_creating(cloud: Cloud, cluster: str) -> None:
    """Let one creation be carried out, and its answer never come."""

    def create() -> httpx.Response:
        cloud.create(cluster)
        raise asyncio.CancelledError

    cloud.faults.setdefault(cluster, []).append(create)


async def test_ensure_looks_and_creates(cloud: Cloud, prepare: Prepare) -> None:
    outcomes = await outcomes_of(prepare(10))

    assert {type(outcome) for outcome in outcomes} == {Created}
    assert {outcome.attempts for outcome in outcomes} == {1}
    assert cloud.lists.total() == cloud.posts.total() == 10


async def test_create_does_not_look(cloud: Cloud, prepare: Prepare) -> None:
    (outcome,) = await outcomes_of(prepare(operation="create"))

    assert isinstance(outcome, Created)
    backup = Backup(f"c0-{NAME}", NAME)
    assert outcome.result == Ensured(backup, "created", attempts=1)
    assert (cloud.lists.total(), cloud.posts.total()) == (0, 1)


async def test_what_is_there_already_is_adopted(cloud: Cloud, prepare: Prepare) -> None:
    cloud.create("c0")

    (outcome,) = await outcomes_of(prepare())

    assert isinstance(outcome, Adopted)
    assert outcome.attempts == 0
    assert cloud.posts.total() == 0


async def test_what_is_there_already_fails_if_so_wished(
    cloud: Cloud, prepare: Prepare
) -> None:
    cloud.create("c0")

    (outcome,) = await outcomes_of(prepare(on_exists="fail"))

    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, SnapshotExistsError)


async def test_a_lost_answer_is_looked_up_and_adopted(
    cloud: Cloud, prepare: Prepare, path: Path
) -> None:
    cloud.lose_after_creating("c0")

    (outcome,) = await outcomes_of(prepare())

    assert isinstance(outcome, Adopted)
    assert cloud.snapshots == {"c0": [NAME]}
    (entry,) = read_status(path).entries()
    assert (entry.state, entry.how, entry.attempts) == (State.ACCEPTED, "adopted", 1)


@pytest.mark.parametrize("operation", ["ensure", "create"])
async def test_an_interrupted_creation_is_found_and_not_repeated(
    cloud: Cloud, prepare: Prepare, path: Path, operation: str
) -> None:
    hang_after_creating(cloud, "c0")
    (first,) = await outcomes_of(prepare(operation=operation))
    assert isinstance(first, Indeterminate)

    (second,) = await outcomes_of(prepare(operation=operation))

    assert isinstance(second, Adopted)
    assert cloud.snapshots == {"c0": [NAME]}
    assert cloud.posts.total() == 1
    (entry,) = read_status(path).entries()
    assert entry.state is State.ACCEPTED


@pytest.mark.parametrize("operation", ["ensure", "create"])
async def test_an_interrupted_creation_that_never_was_is_made_after_looking(
    cloud: Cloud, prepare: Prepare, operation: str, virtual_time: VirtualTime
) -> None:
    def vanish() -> httpx.Response:
        raise asyncio.CancelledError

    cloud.faults["c0"] = [vanish]
    await outcomes_of(prepare(operation=operation))
    lists, began = cloud.lists.total(), virtual_time.elapsed

    (second,) = await outcomes_of(prepare(operation=operation, settle=15.0))

    assert isinstance(second, Created)
    assert virtual_time.elapsed - began >= 15.0
    assert cloud.lists.total() - lists > 3
    assert cloud.snapshots == {"c0": [NAME]}


async def test_a_refusal_that_is_final_is_a_failure(
    cloud: Cloud, prepare: Prepare, path: Path
) -> None:
    cloud.refuse("c0", 403, "CSS.0015")

    (outcome,) = await outcomes_of(prepare())

    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ForbiddenError)
    (entry,) = read_status(path).entries()
    assert entry.state is State.FAILED


async def test_a_500_that_left_nothing_is_a_failure_after_ensure_has_looked(
    cloud: Cloud, prepare: Prepare, path: Path
) -> None:
    cloud.refuse("c0", 500, times=3)

    (outcome,) = await outcomes_of(prepare())

    assert isinstance(outcome, Failed)
    assert outcome.attempts == 3
    (entry,) = read_status(path).entries()
    assert entry.state is State.FAILED


async def test_a_500_leaves_a_plain_creation_open(
    cloud: Cloud, prepare: Prepare, path: Path
) -> None:
    cloud.refuse("c0", 500, times=3)

    (outcome,) = await outcomes_of(prepare(operation="create"))

    assert isinstance(outcome, Indeterminate)
    assert outcome.attempts == 3
    (entry,) = read_status(path).entries()
    assert entry.state is State.INDETERMINATE


async def test_a_busy_cluster_is_busy(
    cloud: Cloud, prepare: Prepare, path: Path
) -> None:
    cloud.refuse("c0", 409, "CSS.0011")

    (outcome,) = await outcomes_of(prepare())

    assert isinstance(outcome, Busy)
    (entry,) = read_status(path).entries()
    assert (entry.state, entry.backup) == (State.BUSY, None)
    assert "409 CSS.0011" in str(entry.error)


async def test_a_throttled_creation_is_sent_again_without_looking_for_it(
    cloud: Cloud, prepare: Prepare
) -> None:
    cloud.refuse("c0", 429, "APIGW.0308", times=2)

    (outcome,) = await outcomes_of(prepare())

    assert isinstance(outcome, Created)
    assert outcome.attempts == cloud.posts["c0"] == 3
    assert cloud.lists["c0"] == 3


async def test_a_list_that_fails_before_anything_was_sent_is_a_failure(
    cloud: Cloud, prepare: Prepare, path: Path
) -> None:
    cloud.refuse_lists("c0", 403)

    (outcome,) = await outcomes_of(prepare())

    assert isinstance(outcome, Failed)
    assert (outcome.attempts, cloud.posts.total()) == (0, 0)


async def test_refused_credentials_while_reconciling_stop_the_run_and_keep_the_intent(
    cloud: Cloud, prepare: Prepare, path: Path
) -> None:
    hang_after_creating(cloud, "c0")
    await outcomes_of(prepare())
    cloud.refuse_lists("c0", 401)

    with pytest.raises(ExceptionGroup, match="credentials"):
        await outcomes_of(prepare())

    (entry,) = read_status(path).entries()
    assert entry.state is State.INDETERMINATE


@pytest.mark.parametrize("operation", ["ensure", "create"])
async def test_a_wrong_key_is_not_tried_often_enough_to_lock_it(
    cloud: Cloud, prepare: Prepare, operation: str
) -> None:
    for target in targets(1000):
        cloud.refuse(target.cluster_id, 401, "APIGW.0301")
        cloud.refuse_lists(target.cluster_id, 401)

    with pytest.raises(ExceptionGroup, match="credentials"):
        await outcomes_of(prepare(1000, operation=operation, limit=200))

    assert cloud.lists.total() + cloud.posts.total() <= 4


async def test_once_a_list_was_read_all_may_go(cloud: Cloud, prepare: Prepare) -> None:
    answer = cloud.handle_async_request
    never = asyncio.Event()

    async def hanging(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            await never.wait()
        return await answer(request)

    cloud.handle_async_request = hanging  # type: ignore[method-assign]  # this one hangs
    async with prepare(1000, limit=200):
        await asyncio.sleep(0.5)
    assert cloud.lists.total() == 200


async def test_a_plain_creation_lets_the_others_go_when_it_was_answered(
    cloud: Cloud, prepare: Prepare
) -> None:
    cloud.refuse("c0", 403)
    run = prepare(1000, operation="create", limit=200)

    outcomes = await outcomes_of(run)

    assert len(outcomes) == 1000
    assert run.summary.failed == 1


async def test_two_snapshots_of_one_creation_are_a_failure_for_people_to_look_at(
    cloud: Cloud, prepare: Prepare, path: Path
) -> None:
    hang_after_creating(cloud, "c0")
    await outcomes_of(prepare())
    cloud.create("c0")

    (outcome,) = await outcomes_of(prepare())

    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, DuplicateSnapshotError)
    (entry,) = read_status(path).entries()
    assert entry.state is State.FAILED


async def test_an_unexpected_error_after_the_intent_leaves_the_target_open(
    cloud: Cloud, prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*args: object, **options: object) -> Ensured:
        await cast("Callable[[], Awaitable[None]]", options["on_intent"])()
        raise MemoryError

    monkeypatch.setattr(operations, "ensure", broken)
    (outcome,) = await outcomes_of(prepare())
    assert isinstance(outcome, Indeterminate)


async def test_leaving_in_the_middle_keeps_the_intent(
    cloud: Cloud, prepare: Prepare, path: Path
) -> None:
    never = asyncio.Event()
    wait = cloud.handle_async_request

    async def hanging(request: httpx.Request) -> httpx.Response:
        answer = await wait(request)
        if request.method == "POST":
            await never.wait()
        return answer

    cloud.handle_async_request = hanging  # type: ignore[method-assign]  # this one hangs
    async with prepare():
        await cloud.posted.wait()
    cloud.handle_async_request = wait  # type: ignore[method-assign]  # as it was

    (entry,) = read_status(path).entries()
    assert entry.state is State.INTENT
    (outcome,) = await outcomes_of(prepare())
    assert isinstance(outcome, Adopted)
    assert cloud.posts.total() == 1


async def test_indices_and_description_are_sent(
    cloud: Cloud, virtual_time: VirtualTime
) -> None:
    bodies: list[bytes] = []
    answer = cloud.handle_async_request

    async def recording(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return await answer(request)

    cloud.handle_async_request = recording  # type: ignore[method-assign]  # records
    target = Target("c0", NAME, indices=["logs-*", "audit"], description="nightly")
    client = cloud.client(virtual_time.clock)
    await outcomes_of(snapshots_of(client, [target]))

    assert bodies[1] == (
        b'{"name":"nightly-1","indices":"logs-*,audit","description":"nightly"}'
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"operation": "create"},
        {"on_exists": "fail"},
        {"endpoint": "https://elsewhere.example.com"},
        {"until": "completed"},
    ],
    ids=str,
)
async def test_what_and_where_is_the_plan(
    prepare: Prepare, changed: dict[str, str]
) -> None:
    await outcomes_of(prepare())

    with pytest.raises(ConfigurationError, match="belongs to another plan"):
        await outcomes_of(prepare(**changed))


async def test_how_fast_is_no_part_of_the_plan(prepare: Prepare) -> None:
    await outcomes_of(prepare())
    run = prepare(limit=1, rate=5.0, settle=1.0, busy="wait", max_failures=1)

    await outcomes_of(run)

    assert run.summary.skipped == 1


@pytest.mark.parametrize(
    ("option", "value"),
    [("operation", "delete"), ("on_exists", "replace"), ("settle", -1.0)],
)
async def test_an_option_out_of_its_range_is_refused(
    prepare: Prepare, option: str, value: object
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{option}: "):
        prepare(**{option: value})


async def test_a_resumed_run_is_not_held_up_by_what_it_has_to_look_for(
    cloud: Cloud, prepare: Prepare, virtual_time: VirtualTime
) -> None:
    def vanish() -> httpx.Response:
        raise asyncio.CancelledError

    for number in range(4):
        cloud.faults[f"c{number}"] = [vanish]
    await outcomes_of(prepare(4))
    began = virtual_time.elapsed

    run = prepare(300, limit=50)
    async with run:
        first = await anext(run)
        assert isinstance(first, Created)
        assert virtual_time.elapsed - began < 1.0
        await run.finish()

    assert run.summary.created == 300


@pytest.mark.parametrize("operation", ["ensure", "create"])
async def test_a_lost_answer_is_no_proof_of_a_key_that_is_wrong(
    cloud: Cloud, prepare: Prepare, operation: str
) -> None:
    def lose() -> httpx.Response:
        raise httpx.ReadError("connection reset")

    def throttle() -> httpx.Response:
        return httpx.Response(429, json={"error_code": "APIGW.0308"})

    def fail() -> httpx.Response:
        return httpx.Response(500)

    faults = cloud.list_faults if operation == "ensure" else cloud.faults
    for number, first in enumerate([lose, throttle, fail] * 5):
        faults.setdefault(f"c{number}", []).append(first)
    refused = 0
    answer = cloud.handle_async_request

    async def refusing(request: httpx.Request) -> httpx.Response:
        nonlocal refused
        cluster = request.url.path.split("/")[4]
        if cloud.list_faults.get(cluster) or cloud.faults.get(cluster):
            return await answer(request)
        refused += 1
        return httpx.Response(401, json={"error_code": "APIGW.0301"})

    cloud.handle_async_request = refusing  # type: ignore[method-assign]  # the gateway's word

    with pytest.raises(FanOutStoppedError, match="credentials"):
        await outcomes_of(prepare(1000, operation=operation, limit=200))

    assert refused <= 4
