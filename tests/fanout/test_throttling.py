"""Throttled and busy: what a run tries again, when, and how often."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest

from css_snapshot.fanout import (
    Busy,
    Created,
    Failed,
    Indeterminate,
    Outcome,
    Target,
    fan_out,
)
from tests.support.fanout_bench import (
    NAME,
    busy,
    follow,
    internal,
    outcomes_of,
    settled,
    targets,
    throttled,
    unauthorized,
)
from tests.support.virtual_time import VirtualTime


class Refusing:
    """An operation that raises so many times per cluster, and notes when it was called."""

    def __init__(self, time: VirtualTime, error: Exception, times: int) -> None:
        self.calls: dict[str, list[float]] = {}
        self._time = time
        self._error = error
        self._times = times

    async def __call__(self, target: Target) -> str:
        calls = self.calls.setdefault(target.cluster_id, [])
        calls.append(self._time.elapsed)
        if len(calls) <= self._times:
            raise self._error
        return "done"


async def test_a_throttled_target_is_tried_again(virtual_time: VirtualTime) -> None:
    operation = Refusing(virtual_time, throttled(retry_after=7.0), times=2)

    (outcome,) = await outcomes_of(
        fan_out(operation, targets(1), clock=virtual_time.clock)
    )

    assert isinstance(outcome, Created)
    assert outcome.attempts == 3
    first, second, third = operation.calls["c0"]
    assert second - first == 7.0
    assert third - second >= 7.0


async def test_a_target_is_tried_again_only_so_often(virtual_time: VirtualTime) -> None:
    operation = Refusing(virtual_time, throttled(), times=10**6)

    (outcome,) = await outcomes_of(
        fan_out(operation, targets(1), clock=virtual_time.clock)
    )

    assert isinstance(outcome, Failed)
    assert outcome.attempts == len(operation.calls["c0"]) == 10


async def test_a_pause_of_a_day_fails_the_target(virtual_time: VirtualTime) -> None:
    operation = Refusing(virtual_time, throttled(retry_after=86400.0), times=1)

    (outcome,) = await outcomes_of(
        fan_out(operation, targets(1), clock=virtual_time.clock)
    )

    assert isinstance(outcome, Failed)
    assert virtual_time.elapsed == 0.0


async def test_an_unclear_attempt_before_the_throttling_is_not_repeated(
    virtual_time: VirtualTime,
) -> None:
    error = throttled(retry_after=1.0)
    error.earlier = (internal(),)
    operation = Refusing(virtual_time, error, times=1)

    (outcome,) = await outcomes_of(
        fan_out(operation, targets(1), clock=virtual_time.clock)
    )

    assert isinstance(outcome, Indeterminate)
    assert len(operation.calls["c0"]) == 1


async def test_a_throttling_slows_all_targets_down(virtual_time: VirtualTime) -> None:
    throttle = [throttled(limit=(120, 60.0))]
    started: list[float] = []

    async def operation(target: Target) -> None:
        started.append(virtual_time.elapsed)
        await asyncio.sleep(0.1)
        if target.cluster_id == "c0" and throttle:
            raise throttle.pop()

    async with fan_out(
        operation, targets(100), limit=4, clock=virtual_time.clock
    ) as run:
        before = run.progress
        summary = await run.finish()
        after = run.progress

    assert (before.allowed_rate, after.allowed_rate) == (None, 2.0)
    assert summary.created == 100
    late = [moment for moment in started if moment > 30.0]
    assert len(late) / (late[-1] - late[0]) == pytest.approx(2.0, rel=0.1)


async def test_a_rate_spreads_the_starts(virtual_time: VirtualTime) -> None:
    started: list[float] = []

    async def operation(target: Target) -> None:
        started.append(virtual_time.elapsed)

    await outcomes_of(
        fan_out(operation, targets(101), rate=50.0, clock=virtual_time.clock)
    )

    assert started[-1] == pytest.approx(2.0, abs=0.06)


async def test_a_busy_cluster_is_skipped_by_default(virtual_time: VirtualTime) -> None:
    operation = Refusing(virtual_time, busy(), times=1)

    (outcome,) = await outcomes_of(
        fan_out(operation, targets(1), clock=virtual_time.clock)
    )

    assert isinstance(outcome, Busy)
    assert virtual_time.elapsed == 0.0


async def test_a_busy_cluster_can_be_waited_for(virtual_time: VirtualTime) -> None:
    operation = Refusing(virtual_time, busy(), times=3)

    (outcome,) = await outcomes_of(
        fan_out(operation, targets(1), busy="wait", clock=virtual_time.clock)
    )

    assert isinstance(outcome, Created)
    assert outcome.attempts == 4
    assert operation.calls["c0"] == [0.0, 30.0, 75.0, 142.5]


async def test_waiting_for_a_busy_cluster_has_an_end(virtual_time: VirtualTime) -> None:
    operation = Refusing(virtual_time, busy(), times=10**6)

    (outcome,) = await outcomes_of(
        fan_out(
            operation,
            targets(1),
            busy="wait",
            busy_wait=100.0,
            clock=virtual_time.clock,
        )
    )

    assert isinstance(outcome, Busy)
    assert operation.calls["c0"] == [0.0, 30.0, 75.0]
    assert outcome.elapsed == 75.0


async def test_waiting_for_a_busy_cluster_holds_no_slot_but_its_cluster(
    virtual_time: VirtualTime,
) -> None:
    operation = Refusing(virtual_time, busy(), times=0)
    operation.calls["c0"] = []
    refusals = [busy()]

    async def first_is_busy(target: Target) -> str:
        if target.cluster_id == "c0" and refusals:
            raise refusals.pop()
        return await operation(target)

    source = [*targets(5), Target("c0", "another")]
    async with fan_out(
        first_is_busy, source, limit=1, busy="wait", clock=virtual_time.clock
    ) as run:
        others = [await anext(run) for _ in range(4)]
        assert virtual_time.elapsed == 0.0
        assert run.progress.waiting == 2
        last = [outcome async for outcome in run]

    assert [outcome.target.cluster_id for outcome in others] == ["c1", "c2", "c3", "c4"]
    assert [outcome.target.name for outcome in last] == [NAME, "another"]
    assert operation.calls["c0"] == [30.0, 30.0]


async def test_so_many_busy_clusters_stop_the_pulling(
    virtual_time: VirtualTime,
) -> None:
    pulled = 0

    def source() -> Iterator[Target]:
        nonlocal pulled
        for target in targets(3000):
            pulled += 1
            yield target

    operation = Refusing(virtual_time, busy(), times=10**6)
    async with fan_out(
        operation,
        source(),
        limit=4,
        busy="wait",
        clock=virtual_time.clock,
    ) as run:
        await asyncio.sleep(1.0)
        assert pulled == 1024
        assert run.progress.waiting == 1024


@pytest.mark.parametrize("how", ["stop", "breaker"])
async def test_a_run_that_stops_no_longer_waits_for_busy_clusters(
    virtual_time: VirtualTime, how: str
) -> None:
    async def operation(target: Target) -> None:
        if target.cluster_id == "c0":
            raise busy()
        await asyncio.sleep(1.0)
        if how == "breaker":
            raise unauthorized()

    seen: list[Outcome[None]] = []
    async with fan_out(
        operation, targets(2), busy="wait", clock=virtual_time.clock
    ) as run:
        await settled()
        if how == "stop":
            run.stop()
        with suppress(ExceptionGroup):
            await follow(run, seen)

    kinds = [type(outcome) for outcome in seen]
    assert kinds == ([Busy, Created] if how == "stop" else [Busy, Failed])
    assert virtual_time.elapsed == 1.0


async def test_a_busy_answer_during_the_stop_is_an_outcome(
    virtual_time: VirtualTime,
) -> None:
    async def operation(target: Target) -> None:
        await asyncio.sleep(1.0)
        raise busy()

    async with fan_out(
        operation, targets(2), busy="wait", clock=virtual_time.clock
    ) as run:
        await settled()
        run.stop()
        outcomes = [outcome async for outcome in run]

    assert [type(outcome) for outcome in outcomes] == [Busy, Busy]
    assert virtual_time.elapsed == 1.0


async def test_leaving_the_block_ends_the_wait_for_a_busy_cluster(
    virtual_time: VirtualTime,
) -> None:
    operation = Refusing(virtual_time, busy(), times=1)

    async with fan_out(
        operation, targets(1), busy="wait", clock=virtual_time.clock
    ) as run:
        await settled()

    assert virtual_time.elapsed == 0.0
    assert run.summary.total == 0


async def test_a_run_that_stops_calls_none_that_waits_for_its_turn(
    virtual_time: VirtualTime,
) -> None:
    called: list[str] = []

    async def refused(target: Target) -> None:
        called.append(target.cluster_id)
        await asyncio.sleep(0.5)
        raise unauthorized()

    async with fan_out(
        refused, targets(100), limit=50, rate=1.0, clock=virtual_time.clock
    ) as run:
        with pytest.raises(ExceptionGroup, match="credentials"):
            await run.finish()

    assert called == ["c0"]
    assert run.summary.total == 1
    assert virtual_time.elapsed == 0.5


async def test_a_run_that_stops_tries_no_throttled_target_again(
    virtual_time: VirtualTime,
) -> None:
    operation = Refusing(virtual_time, throttled(retry_after=300.0), times=1)

    async with fan_out(operation, targets(1), clock=virtual_time.clock) as run:
        await asyncio.sleep(1.0)
        run.stop()
        (outcome,) = [outcome async for outcome in run]

    assert isinstance(outcome, Failed)
    assert outcome.attempts == 1
    assert virtual_time.elapsed == 1.0


@pytest.mark.parametrize("limit", [1, 3])
async def test_a_busy_cluster_whose_turn_had_not_come_again_is_busy(
    virtual_time: VirtualTime, limit: int
) -> None:
    """With one slot it waits for that, with more for the rate."""

    async def operation(target: Target) -> None:
        if target.cluster_id == "c0":
            raise busy()
        await asyncio.sleep(100.0)

    async with fan_out(
        operation,
        targets(3),
        limit=limit,
        rate=0.02,
        busy="wait",
        clock=virtual_time.clock,
    ) as run:
        await asyncio.sleep(95.0)
        run.stop()
        outcomes = [outcome async for outcome in run]

    assert [type(outcome) for outcome in outcomes] == [Busy, Created]
