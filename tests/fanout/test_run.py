"""A run from outside: what it pulls, what it starts, what it hands out, how it ends."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from contextvars import ContextVar

import attrs
import pytest

from css_snapshot import (
    ConfigurationError,
    FanOutStoppedError,
    ForbiddenError,
    IndeterminateCreateError,
    InvalidResponseError,
    RequestValidationError,
)
from css_snapshot.fanout import (
    Busy,
    Created,
    Failed,
    FanOut,
    Indeterminate,
    Outcome,
    Target,
    fan_out,
)
from css_snapshot.models import Backup, Ensured
from tests.support.fanout_bench import (
    NAME,
    Gated,
    busy,
    follow,
    internal,
    outcomes_of,
    settled,
    targets,
    unauthorized,
)
from tests.support.virtual_time import VirtualTime


async def answer(target: Target) -> Backup:
    return Backup(f"id-of-{target.cluster_id}", target.name)


async def test_each_target_ends_in_one_outcome() -> None:
    run = fan_out(answer, targets(100), limit=7)

    outcomes = await outcomes_of(run)

    assert {outcome.target.cluster_id for outcome in outcomes} == {
        f"c{number}" for number in range(100)
    }
    assert len(outcomes) == 100
    assert run.summary.created == run.summary.total == 100


async def test_outcomes_come_in_the_order_in_which_operations_end() -> None:
    operation = Gated()

    async with fan_out(operation, targets(3), limit=3) as run:
        await settled()
        for cluster in ("c2", "c0", "c1"):
            operation.let_go(cluster)
            outcome = await anext(run)
            assert outcome.target.cluster_id == cluster


async def test_what_the_operation_answers_is_the_outcome() -> None:
    async def ensured(target: Target) -> Ensured:
        backup = Backup("id", target.name)
        if target.cluster_id == "c0":
            return Ensured(backup, "created", attempts=2)
        return Ensured(backup, "adopted", attempts=2)

    created, adopted = await outcomes_of(fan_out(ensured, targets(2), limit=1))

    assert str(created).startswith("created c0/nightly-1: id (2 attempts, ")
    assert str(adopted).startswith("adopted c1/nightly-1: id (2 attempts, ")
    assert isinstance(created, Created)
    assert created.backup == Backup("id", NAME)


async def test_an_answer_without_a_backup_is_in_the_result_alone() -> None:
    async def number(target: Target) -> int:
        return 42

    (outcome,) = await outcomes_of(fan_out(number, targets(1)))

    assert isinstance(outcome, Created)
    assert outcome.result == 42
    assert "42" in str(outcome)
    with pytest.raises(AttributeError, match=r"\.result"):
        outcome.backup  # noqa: B018  # reading it is what is tested


async def test_no_more_than_the_limit_are_in_flight() -> None:
    operation = Gated()

    async with fan_out(operation, targets(50), limit=5) as run:
        await settled()
        assert run.progress.in_flight == 5
        operation.open()
        await run.finish()

    assert operation.most == 5
    assert len(operation.started) == 50


async def test_targets_are_pulled_as_they_can_be_started() -> None:
    pulled: list[int] = []

    def source() -> Iterator[Target]:
        for number in range(1000):
            pulled.append(number)
            yield Target(f"c{number}", NAME)

    async with fan_out(Gated(), source(), limit=5) as run:
        await settled()
        assert len(pulled) == 5
        assert run.progress.pulled == 5


async def test_a_consumer_that_does_not_come_holds_the_run_up() -> None:
    started: list[str] = []

    async def note(target: Target) -> None:
        started.append(target.cluster_id)

    async with fan_out(note, targets(1000), limit=4) as run:
        await settled()
        assert len(started) == 8
        for _ in range(3):
            await anext(run)
        await settled()
        assert len(started) == 11
        assert (await run.finish()).created == 1000


async def test_two_targets_of_one_cluster_are_never_in_flight_together() -> None:
    operation = Gated()
    source = [
        Target("one", "name-1"),
        Target("one", "name-2"),
        Target("two", "name-1"),
    ]

    async with fan_out(operation, source, limit=3) as run:
        await settled()
        assert operation.started == ["one", "two"]
        assert run.progress.waiting == 1
        operation.let_go("one")
        await settled()
        assert operation.started == ["one", "two", "one"]
        operation.open()
        summary = await run.finish()

    assert summary.created == 3


async def test_waiting_for_one_cluster_looks_ahead_only_so_far() -> None:
    pulled = 0

    def source() -> Iterator[Target]:
        nonlocal pulled
        for number in range(5000):
            pulled += 1
            yield Target("one", f"name-{number}")

    async with fan_out(Gated(), source(), limit=2):
        await settled()
        assert pulled == 1 + 1024


async def test_an_async_iterable_is_pulled_as_lazily() -> None:
    closed = False

    async def source() -> AsyncIterator[Target]:
        nonlocal closed
        try:
            for target in targets(1000):
                await asyncio.sleep(0)
                yield target
        finally:
            closed = True

    operation = Gated()
    async with fan_out(operation, source(), limit=3) as run:
        await settled()
        assert len(operation.started) == run.progress.pulled == 3
    assert closed


async def test_a_slow_source_does_not_hold_up_what_is_there() -> None:
    never = asyncio.Event()

    async def source() -> AsyncIterator[Target]:
        yield Target("one", "name-1")
        yield Target("one", "name-2")
        await never.wait()

    async with fan_out(answer, source(), limit=2) as run:
        assert [(await anext(run)).target.name for _ in range(2)] == [
            "name-1",
            "name-2",
        ]


async def test_a_plain_generator_is_closed_when_the_block_is_left() -> None:
    closed = False

    def source() -> Iterator[Target]:
        nonlocal closed
        try:
            yield from targets(1000)
        finally:
            closed = True

    async with fan_out(answer, source(), limit=1) as run:
        await anext(run)
    assert closed


@pytest.mark.parametrize("limit", [1, 10])
async def test_a_source_that_raises_is_reported_after_what_it_gave(limit: int) -> None:
    def source() -> Iterator[Target]:
        yield from targets(3)
        raise OSError("the list of clusters broke off")

    seen: list[Outcome[Backup]] = []
    async with fan_out(answer, source(), limit=limit) as run:
        with pytest.raises(ExceptionGroup) as caught:
            await follow(run, seen)

    assert len(seen) == 3
    assert [str(error) for error in caught.value.exceptions] == [
        "the list of clusters broke off"
    ]
    assert run.summary.stopped == "the source of the targets failed"
    assert run.summary.created == 3


async def test_an_async_source_that_raises_lets_what_is_in_flight_finish() -> None:
    operation = Gated()

    async def source() -> AsyncIterator[Target]:
        yield Target("c0", NAME)
        raise OSError("broken")

    async with fan_out(operation, source(), limit=2) as run:
        await settled()
        operation.let_go("c0")
        assert isinstance(await anext(run), Created)
        with pytest.raises(ExceptionGroup):
            await anext(run)
        with pytest.raises(StopAsyncIteration):
            await anext(run)


async def test_a_source_that_fails_to_close_is_reported() -> None:
    async def source() -> AsyncIterator[Target]:
        try:
            yield Target("c0", NAME)
            yield Target("c1", NAME)
        finally:
            raise OSError("broken")

    with pytest.raises(ExceptionGroup) as caught:
        await outcomes_of(fan_out(answer, source()))
    assert caught.group_contains(OSError)


async def test_what_is_no_target_is_a_fault_of_the_source() -> None:
    source = [Target("c0", NAME)]
    source.append(("c1", NAME))  # type: ignore[arg-type]  # a wrong item is tested
    run = fan_out(answer, source)

    with pytest.raises(ExceptionGroup) as caught:
        await outcomes_of(run)

    assert caught.group_contains(TypeError, match="must be Target, not tuple")
    assert run.summary.created == 1


async def test_a_source_failure_nobody_has_seen_comes_out_of_the_block() -> None:
    def source() -> Iterator[Target]:
        raise OSError("broken")
        yield  # type: ignore[unreachable]  # makes it a generator

    with pytest.raises(ExceptionGroup) as caught:
        async with fan_out(answer, source()):
            await settled()
    assert caught.group_contains(OSError)


async def test_another_error_of_the_block_comes_before_the_runs_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def source() -> Iterator[Target]:
        raise OSError("broken source")
        yield  # type: ignore[unreachable]  # makes it a generator

    async def enter() -> None:
        async with fan_out(answer, source()):
            await settled()
            raise KeyError("of the block")

    with pytest.raises(KeyError):
        await enter()
    assert "broken source" in caplog.text


async def test_the_reason_of_a_stop_that_leaves_the_block_is_not_logged_as_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = unauthorized()

    async def refuse(target: Target) -> None:
        raise error

    async def enter() -> None:
        async with fan_out(refuse, targets(1)) as run:
            await anext(run)
            raise error

    with pytest.raises(type(error)):
        await enter()
    assert caplog.text == ""


async def test_an_empty_source_is_an_empty_run() -> None:
    run = fan_out(answer, [])

    assert await outcomes_of(run) == []
    assert run.summary.total == 0
    assert run.stopped_by is None


async def test_iterating_after_the_end_stops_again() -> None:
    async with fan_out(answer, targets(1)) as run:
        await run.finish()
        for _ in range(2):
            with pytest.raises(StopAsyncIteration):
                await anext(run)
    with pytest.raises(StopAsyncIteration):
        await anext(run)


async def test_a_run_is_entered_once_and_iterated_inside() -> None:
    run = fan_out(answer, targets(1))
    with pytest.raises(ConfigurationError, match="inside its `async with`"):
        await anext(run)
    async with run:
        pass
    with pytest.raises(ConfigurationError, match="once"):
        await run.__aenter__()


async def test_leaving_early_cancels_what_is_in_flight() -> None:
    operation = Gated()

    async with fan_out(operation, targets(100), limit=4) as run:
        await settled()

    assert sorted(operation.cancelled) == ["c0", "c1", "c2", "c3"]
    assert run.summary.total == 0
    assert run.progress.in_flight == 0


async def test_what_will_not_be_cancelled_is_left_behind_after_a_second(
    virtual_time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    ended = asyncio.Event()

    async def stubborn(target: Target) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        await asyncio.sleep(60)
        ended.set()

    async with fan_out(stubborn, targets(1), clock=virtual_time.clock):
        await settled()

    assert virtual_time.elapsed <= 1.0
    assert "1 operations go on" in caplog.text
    await ended.wait()


async def test_cancelling_the_consumer_drains_and_passes_on() -> None:
    operation = Gated()

    async def consume() -> None:
        async with fan_out(operation, targets(10), limit=2) as run:
            await run.finish()

    task = asyncio.create_task(consume())
    await settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(operation.cancelled) == ["c0", "c1"]
    assert operation.running == []


async def test_a_cancelled_wait_for_an_outcome_loses_none() -> None:
    operation = Gated()

    async with fan_out(operation, targets(2), limit=2) as run:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(run)
        operation.open()
        assert len([outcome async for outcome in run]) == 2


async def test_several_consumers_share_the_outcomes() -> None:
    async with fan_out(answer, targets(50), limit=4) as run:

        async def consume() -> int:
            return len([outcome async for outcome in run])

        async with asyncio.TaskGroup() as group:
            consumers = [group.create_task(consume()) for _ in range(3)]
    assert sum(consumer.result() for consumer in consumers) == 50


async def test_a_consumer_elsewhere_ends_when_the_block_is_left() -> None:
    async with fan_out(Gated(), targets(10), limit=2) as run:

        async def consume() -> int:
            return len([outcome async for outcome in run])

        consumer = asyncio.create_task(consume())
        await settled()
    assert await consumer == 0


async def test_nobody_needs_to_look() -> None:
    async with fan_out(answer, targets(500), limit=3) as run:
        summary = await run.finish()

    assert summary.created == 500
    assert str(summary).startswith("500 targets in ")


async def test_stopping_finishes_what_is_in_flight() -> None:
    operation = Gated()

    async with fan_out(operation, targets(100), limit=3) as run:
        await settled()
        run.stop()
        operation.open()
        outcomes = [outcome async for outcome in run]

    assert len(outcomes) == 3
    assert run.summary.stopped == "`stop()` was called"
    assert run.stopped_by is None


async def test_a_run_stopped_before_it_begins_starts_nothing() -> None:
    run = fan_out(answer, targets(5))
    run.stop()

    async with run:
        await settled()
        assert [outcome async for outcome in run] == []

    assert run.progress.pulled == 0


async def test_stopping_interrupts_a_source_that_is_waiting() -> None:
    async def source() -> AsyncIterator[Target]:
        yield Target("c0", NAME)
        await asyncio.Event().wait()

    async with fan_out(answer, source()) as run:
        await anext(run)
        run.stop()
        assert [outcome async for outcome in run] == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("not one of ours"), Failed),
        (ForbiddenError("403", status=403), Failed),
        (busy(), Busy),
        (internal(), Indeterminate),
        (InvalidResponseError("no answer", status=201), Indeterminate),
    ],
)
async def test_what_the_operation_raises_decides_the_outcome(
    error: Exception, kind: type
) -> None:
    async def failing(target: Target) -> None:
        raise error

    (outcome,) = await outcomes_of(fan_out(failing, targets(1)))

    assert type(outcome) is kind
    assert isinstance(outcome, Busy | Failed | Indeterminate)
    assert outcome.error is error
    assert str(error) in str(outcome)
    assert outcome.attempts == 1


async def test_a_rejection_after_an_unclear_attempt_is_indeterminate() -> None:
    error = busy()
    error.earlier = (internal(),)

    async def failing(target: Target) -> None:
        raise error

    (outcome,) = await outcomes_of(fan_out(failing, targets(1)))

    assert isinstance(outcome, Indeterminate)
    assert outcome.attempts == 2


async def test_an_operation_that_cancels_itself_leaves_its_target_open() -> None:
    async def cancelling(target: Target) -> None:
        if target.cluster_id == "c0":
            raise asyncio.CancelledError

    first, second = await outcomes_of(fan_out(cancelling, targets(2), limit=1))

    assert isinstance(first, Indeterminate)
    assert "it cancelled itself" in str(first)
    assert isinstance(second, Created)


async def test_an_operation_cancelled_from_outside_stops_the_run() -> None:
    async def slow(target: Target) -> None:
        await asyncio.sleep(3600)

    seen: list[Outcome[None]] = []
    ours = asyncio.all_tasks()
    async with fan_out(slow, targets(10), limit=2) as run:
        await settled()
        for task in asyncio.all_tasks() - ours:
            task.cancel()
        with pytest.raises(ExceptionGroup, match="it was cancelled"):
            await follow(run, seen)

    assert [type(outcome) for outcome in seen] == [Indeterminate, Indeterminate]


async def test_a_source_can_stop_the_run_it_feeds() -> None:
    runs: list[FanOut[Backup]] = []

    def source() -> Iterator[Target]:
        yield Target("c0", NAME)
        runs[0].stop()
        yield Target("c1", NAME)

    run = fan_out(answer, source(), limit=1)
    runs.append(run)

    assert [outcome.target.cluster_id for outcome in await outcomes_of(run)] == ["c0"]


@pytest.mark.parametrize(
    ("target", "field"),
    [
        (Target("../c0", NAME), "cluster_id"),
        (Target("c0", "Bad Name"), "name"),
        (Target("c0", NAME, indices=["UPPER"]), "indices"),
        (Target("c0", NAME, indices=5), "indices"),  # type: ignore[arg-type]  # tested
        (Target(["c0"], NAME), "cluster_id"),  # type: ignore[arg-type]  # tested
        (Target("c0", NAME, description="<"), "description"),
    ],
)
async def test_a_bad_target_fails_alone_and_nothing_is_called(
    target: Target, field: str
) -> None:
    operation = Gated()
    operation.open()

    bad, good = await outcomes_of(
        fan_out(operation, [target, Target("c9", NAME)], limit=1)
    )

    assert isinstance(bad, Failed)
    assert isinstance(bad.error, RequestValidationError)
    assert field in str(bad)
    assert bad.attempts == 0
    assert isinstance(good, Created)
    assert operation.started == ["c9"]


async def test_fail_fast_ends_in_a_group_of_what_failed() -> None:
    operation = Gated()

    async def failing(target: Target) -> str:
        cluster = await operation(target)
        if cluster in {"c1", "c2"}:
            raise ValueError(cluster)
        return cluster

    seen: list[Outcome[str]] = []
    async with fan_out(failing, targets(100), limit=3, on_error="fail_fast") as run:
        await settled()
        operation.let_go("c1")
        await settled()
        operation.open()
        with pytest.raises(ExceptionGroup) as caught:
            await follow(run, seen)

    assert (
        sorted(outcome.target.cluster_id for outcome in seen)
        == operation.started
        == ["c0", "c1", "c2"]
    )
    assert sorted(map(str, caught.value.exceptions)) == ["c1", "c2"]
    assert run.stopped_by is not None


async def test_a_busy_cluster_is_no_failure() -> None:
    async def occupied(target: Target) -> None:
        raise busy()

    run = fan_out(occupied, targets(5), on_error="fail_fast", max_failures=1)

    assert len(await outcomes_of(run)) == run.summary.busy == 5


async def test_the_first_authentication_error_stops_the_run() -> None:
    started: list[str] = []

    async def refused(target: Target) -> None:
        started.append(target.cluster_id)
        await asyncio.sleep(0)
        raise unauthorized()

    run = fan_out(refused, targets(1000), limit=2)
    with pytest.raises(ExceptionGroup) as caught:
        await outcomes_of(run)

    assert started == ["c0", "c1"]
    assert caught.group_contains(type(unauthorized()))
    assert run.summary.failed == 2
    assert str(run.summary).endswith("stopped early: the credentials were not accepted")


async def test_the_search_for_the_cause_of_an_error_has_an_end() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one

    async def circular(target: Target) -> None:
        raise one

    assert len(await outcomes_of(fan_out(circular, targets(3)))) == 3


async def test_refused_credentials_are_recognised_behind_another_error() -> None:
    async def unclear(target: Target) -> None:
        raise ValueError("wrapped") from unauthorized()

    run = fan_out(unclear, targets(10), limit=1)
    with pytest.raises(ExceptionGroup, match="credentials"):
        await outcomes_of(run)
    assert run.summary.failed == 1


async def test_too_many_failures_stop_the_run() -> None:
    async def odd_ones_fail(target: Target) -> None:
        if int(target.cluster_id[1:]) % 2:
            raise ValueError(target.cluster_id)

    run = fan_out(odd_ones_fail, targets(100), limit=1, max_failures=3)
    with pytest.raises(ExceptionGroup) as caught:
        await outcomes_of(run)

    assert list(map(str, caught.value.exceptions)) == ["c1", "c3", "c5"]
    assert (run.summary.created, run.summary.failed) == (3, 3)


async def test_the_errors_kept_for_the_end_are_bounded() -> None:
    async def failing(target: Target) -> None:
        raise ValueError(target.cluster_id)

    run = fan_out(failing, targets(1000), limit=1, max_failures=500)
    with pytest.raises(ExceptionGroup) as caught:
        await outcomes_of(run)

    assert run.summary.failed == 500
    assert len(caught.value.exceptions) == 100


async def test_operations_run_in_the_context_of_whoever_opened_the_run() -> None:
    trace: ContextVar[str] = ContextVar("trace", default="none")
    seen: list[str] = []

    async def note(target: Target) -> None:
        seen.append(trace.get())
        trace.set("changed by an operation")

    trace.set("of the run")
    async with fan_out(note, targets(5), limit=1) as run:
        trace.set("of the consumer")
        await run.finish()
    assert seen == ["of the run"] * 5


@attrs.frozen
class Regional(Target):
    region: str = ""


async def test_a_subclass_of_target_carries_what_chooses_the_service() -> None:
    async def by_region(target: Regional) -> str:
        return target.region

    source = [
        Regional("c0", NAME, region="cn-north-4"),
        Regional("c1", NAME, region="eu-west-101"),
    ]
    outcomes = await outcomes_of(fan_out(by_region, source, limit=1))

    assert [outcome.result for outcome in outcomes if isinstance(outcome, Created)] == [
        "cn-north-4",
        "eu-west-101",
    ]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("limit", 0),
        ("limit", True),
        ("limit", 1.5),
        ("rate", 0),
        ("rate", float("nan")),
        ("rate", float("inf")),
        ("max_failures", 0),
        ("busy", "retry"),
        ("busy_wait", -1),
        ("on_error", "ignore"),
    ],
)
def test_an_option_out_of_its_range_is_refused(option: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"^{option}: "):
        fan_out(answer, targets(1), **{option: value})  # type: ignore[arg-type]  # tested


def test_a_source_that_is_no_iterable_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^targets: "):
        fan_out(answer, 5)  # type: ignore[arg-type]  # a wrong one is tested


async def test_progress_is_there_before_during_and_after_the_run() -> None:
    operation = Gated()
    run: FanOut[str] = fan_out(operation, targets(4), limit=2)
    assert run.progress.summary.total == 0

    async with run:
        await settled()
        during = run.progress
        operation.open()
        await run.finish()

    assert (during.in_flight, during.pulled, during.rate) == (2, 2, 0.0)
    assert (run.progress.in_flight, run.progress.summary.total) == (0, 4)
    assert run.progress.allowed_rate is None


async def test_progress_tells_outcomes_per_second(virtual_time: VirtualTime) -> None:
    async def steady(target: Target) -> None:
        await asyncio.sleep(0.5)

    async with fan_out(
        steady, targets(1000), limit=10, clock=virtual_time.clock
    ) as run:
        for _ in range(600):
            await anext(run)
        assert run.progress.rate == pytest.approx(20, rel=0.1)


async def test_the_time_of_a_run_ends_with_its_last_target(
    virtual_time: VirtualTime,
) -> None:
    async def slow(target: Target) -> None:
        await asyncio.sleep(5)

    async with fan_out(slow, targets(2), limit=1, clock=virtual_time.clock) as run:
        outcomes = [outcome async for outcome in run]
        await asyncio.sleep(100)

    assert [outcome.elapsed for outcome in outcomes] == [5.0, 5.0]
    assert run.summary.elapsed == 10.0


async def test_nothing_of_a_run_outlives_it() -> None:
    before = len(asyncio.all_tasks())
    async with fan_out(Gated(), targets(100), limit=8):
        await settled()
    await settled()
    assert len(asyncio.all_tasks()) == before
    gc.collect()


async def test_an_indeterminate_operation_says_how_often_it_sent() -> None:
    async def unclear(target: Target) -> None:
        raise IndeterminateCreateError(
            "unknown",
            cluster_id=target.cluster_id,
            name=target.name,
            since=VirtualTime().now(),
            attempts=3,
        )

    (outcome,) = await outcomes_of(fan_out(unclear, targets(1)))

    assert isinstance(outcome, Indeterminate)
    assert outcome.attempts == 3


async def test_fail_fast_ends_with_a_target_behind_its_cluster() -> None:
    async def failing(target: Target) -> Backup:
        raise ValueError(target.name)

    wanted = [Target("c0", "first"), Target("c0", "second"), Target("c0", "third")]
    run = fan_out(failing, wanted, on_error="fail_fast")

    async with asyncio.timeout(10), run:
        with pytest.raises(FanOutStoppedError, match="a target failed"):
            await run.finish()

    assert run.summary.failed == run.summary.total == 1


async def test_stopping_wakes_a_run_of_which_only_busy_targets_are_left(
    virtual_time: VirtualTime,
) -> None:
    async def occupied(target: Target) -> Backup:
        raise busy()

    run = fan_out(occupied, targets(3), busy="wait", clock=virtual_time.clock)

    async with run:
        await asyncio.sleep(1.0)
        run.stop()
        outcomes = [outcome async for outcome in run]

    assert [type(outcome) for outcome in outcomes] == [Busy] * 3
    assert virtual_time.elapsed == 1.0
