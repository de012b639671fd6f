"""The pace of a run: how many start per second, before and after a throttling."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from css_snapshot.fanout.meter import Meter
from css_snapshot.fanout.pace import Pace
from tests.support.fanout_bench import throttled
from tests.support.thoroughness import examples
from tests.support.virtual_time import VirtualTime, run


async def take(pace: Pace, time: VirtualTime, count: int) -> list[float]:
    """Take turns one after the other, and answer when each came."""
    turns = []
    for _ in range(count):
        await pace.turn()
        turns.append(time.elapsed)
    return turns


async def test_without_a_rate_nothing_waits(virtual_time: VirtualTime) -> None:
    pace = Pace(None, virtual_time.clock)

    assert await take(pace, virtual_time, 1000) == [0.0] * 1000
    assert pace.allowed is None


@given(rate=st.floats(0.1, 1000), waiting=st.integers(2, 60))
@settings(max_examples=examples(40), deadline=None)
def test_no_window_sees_more_starts_than_the_rate_allows(
    rate: float, waiting: int
) -> None:
    async def scenario(time: VirtualTime) -> list[float]:
        pace = Pace(rate, time.clock)
        turns: list[float] = []

        async def one() -> None:
            await pace.turn()
            turns.append(time.elapsed)

        await asyncio.gather(*(one() for _ in range(waiting)))
        return turns

    turns = run(scenario)

    for first, start in enumerate(turns):
        for last in range(first + 1, len(turns)):
            allowed = rate * (turns[last] - start + 0.05) + 1
            assert last - first <= allowed + 1e-6
    assert turns[-1] <= (waiting - 1) / rate + 1e-6


async def test_turns_come_in_the_order_in_which_they_were_asked_for(
    virtual_time: VirtualTime,
) -> None:
    pace = Pace(2.0, virtual_time.clock)
    order: list[int] = []

    async def one(number: int) -> None:
        await pace.turn()
        order.append(number)

    await asyncio.gather(*map(one, range(20)))
    assert order == list(range(20))


async def test_a_cancelled_wait_gives_its_turn_back(virtual_time: VirtualTime) -> None:
    pace = Pace(1.0, virtual_time.clock)
    await pace.turn()
    impatient = asyncio.create_task(pace.turn())
    patient = asyncio.create_task(pace.turn())
    await asyncio.sleep(0.5)
    impatient.cancel()

    await patient
    assert virtual_time.elapsed == pytest.approx(0.95)


async def test_a_throttling_halves_the_rate(virtual_time: VirtualTime) -> None:
    pace = Pace(100.0, virtual_time.clock)

    pace.slow_down(throttled(), await pace.turn())

    assert pace.allowed == 50.0


async def test_the_halving_counts_from_the_limit_the_gateway_states(
    virtual_time: VirtualTime,
) -> None:
    pace = Pace(100.0, virtual_time.clock)

    pace.slow_down(throttled(limit=(60, 60.0)), await pace.turn())

    assert pace.allowed == 0.5


async def test_a_stated_limit_above_the_rate_changes_nothing(
    virtual_time: VirtualTime,
) -> None:
    pace = Pace(10.0, virtual_time.clock)

    pace.slow_down(throttled(limit=(200, 1.0)), await pace.turn())
    await asyncio.sleep(3600)

    assert pace.allowed == 10.0


async def test_without_a_rate_half_of_what_was_seen_is_the_new_one(
    virtual_time: VirtualTime,
) -> None:
    pace = Pace(None, virtual_time.clock)
    for _ in range(100):
        await pace.turn()
        await asyncio.sleep(0.05)

    pace.slow_down(throttled(), await pace.turn())

    assert pace.allowed == pytest.approx(10.0, rel=0.05)


async def test_those_that_started_together_halve_the_rate_once(
    virtual_time: VirtualTime,
) -> None:
    pace = Pace(64.0, virtual_time.clock)
    marks = [await pace.turn() for _ in range(5)]

    for mark in marks:
        pace.slow_down(throttled(), mark)

    assert pace.allowed == 32.0


async def test_the_rate_recovers_steadily_up_to_what_was_configured(
    virtual_time: VirtualTime,
) -> None:
    pace = Pace(60.0, virtual_time.clock)
    pace.slow_down(throttled(retry_after=0.0), await pace.turn())

    await asyncio.sleep(10)
    assert pace.allowed == pytest.approx(40.0)
    await asyncio.sleep(10)
    assert pace.allowed == pytest.approx(50.0)
    await asyncio.sleep(100)
    assert pace.allowed == 60.0


async def test_the_rate_recovers_no_further_than_what_the_gateway_stated(
    virtual_time: VirtualTime,
) -> None:
    pace = Pace(None, virtual_time.clock)
    pace.slow_down(throttled(limit=(120, 60.0)), await pace.turn())

    await asyncio.sleep(3600)

    assert pace.allowed == 2.0


async def test_retry_after_holds_everything_back(virtual_time: VirtualTime) -> None:
    pace = Pace(None, virtual_time.clock)

    hold = pace.slow_down(throttled(retry_after=45.0), await pace.turn())
    await pace.turn()

    assert hold == 45.0
    assert virtual_time.elapsed == 45.0


@pytest.mark.parametrize(("asked", "held"), [(900.0, 900.0), (900.5, 0.0)])
async def test_a_pause_that_is_too_long_for_a_run_is_not_kept(
    virtual_time: VirtualTime, asked: float, held: float
) -> None:
    pace = Pace(1000.0, virtual_time.clock)

    hold = pace.slow_down(throttled(retry_after=asked), await pace.turn())
    await pace.turn()

    assert hold == asked
    assert virtual_time.elapsed == pytest.approx(held, abs=0.1)


async def test_without_retry_after_the_pause_doubles_up_to_a_minute(
    virtual_time: VirtualTime,
) -> None:
    pace = Pace(10.0, virtual_time.clock)

    holds = [pace.slow_down(throttled(), await pace.turn()) for _ in range(9)]
    pace.succeeded()
    again = pace.slow_down(throttled(), await pace.turn())

    assert holds == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert again == 1.0


async def test_a_rate_that_keeps_being_halved_stays_above_one_a_minute(
    virtual_time: VirtualTime,
) -> None:
    pace = Pace(1.0, virtual_time.clock)

    for _ in range(50):
        pace.slow_down(throttled(limit=(1, 3600.0)), await pace.turn())

    assert pace.allowed == pytest.approx(1 / 60)


async def test_a_pause_of_hours_is_not_waited_for(virtual_time: VirtualTime) -> None:
    pace = Pace(None, virtual_time.clock)

    hold = pace.slow_down(throttled(retry_after=86400.0), await pace.turn())
    await pace.turn()

    assert hold == 86400.0
    assert virtual_time.elapsed == 0.0


@pytest.mark.parametrize("per_second", [0.5, 20.0, 300.0])
def test_a_meter_tells_a_steady_rate(per_second: float) -> None:
    async def scenario(time: VirtualTime) -> tuple[float, float]:
        meter = Meter(time.clock)
        for _ in range(int(40 * per_second)):
            await asyncio.sleep(1 / per_second)
            meter.tick()
        steady = meter.rate
        await asyncio.sleep(60)
        return steady, meter.rate

    steady, later = run(scenario)
    assert steady == pytest.approx(per_second, rel=0.12)
    assert later < steady / 100


def test_a_meter_that_saw_nothing_tells_zero() -> None:
    async def scenario(time: VirtualTime) -> float:
        return Meter(time.clock).rate

    assert run(scenario) == 0.0
