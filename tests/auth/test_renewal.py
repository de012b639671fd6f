import asyncio
import gc
import logging
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from css_snapshot.auth import AccessToken
from css_snapshot.auth import renewal as renewal_module
from css_snapshot.auth.renewal import Renewal
from css_snapshot.errors import (
    ConfigurationError,
    InternalServerError,
    RequestTimeoutError,
)
from css_snapshot.events import Event, TokenRenewed
from tests.support.clock import ManualClock

DAY = 86400.0


class Source:
    """Returns `token-1`, `token-2`, … of one life; holds while `gate` is shut."""

    def __init__(self, clock: ManualClock, life: float | None = DAY) -> None:
        self.clock = clock
        self.life = life
        self.forced: list[bool] = []
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None

    async def __call__(self, *, force_refresh: bool = False) -> AccessToken:
        self.forced.append(force_refresh)
        number = len(self.forced)
        self.begun.set()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        ends = None if self.life is None else self.clock() + timedelta(0, self.life)
        return AccessToken(f"token-{number}", expires_at=ends)


def make(life: float | None = DAY) -> tuple[ManualClock, Source, Renewal[AccessToken]]:
    clock = ManualClock()
    source = Source(clock, life)
    return clock, source, Renewal(source, AccessToken, clock=clock)


async def served(renewal: Renewal[AccessToken]) -> str:
    return (await renewal.get()).token.reveal()


async def background_tasks_end() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others)


async def test_a_thousand_cold_callers_cause_one_fetch() -> None:
    _, source, renewal = make()

    tokens = await asyncio.gather(*(served(renewal) for _ in range(1000)))

    assert set(tokens) == {"token-1"}
    assert source.forced == [False]


async def test_the_starter_s_cancellation_takes_nothing_from_the_others() -> None:
    _, source, renewal = make()
    source.gate.clear()
    starter = asyncio.create_task(served(renewal))
    await source.begun.wait()
    others = [asyncio.create_task(served(renewal)) for _ in range(99)]
    await asyncio.sleep(0)

    starter.cancel()
    source.gate.set()
    results = await asyncio.gather(starter, *others, return_exceptions=True)

    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == ["token-1"] * 99
    assert len(source.forced) == 1


async def test_a_fetch_all_of_whose_callers_left_is_still_of_use() -> None:
    _, source, renewal = make()
    source.gate.clear()
    caller = asyncio.create_task(served(renewal))
    await source.begun.wait()
    caller.cancel()
    await asyncio.wait([caller])

    source.gate.set()

    assert await served(renewal) == "token-1"
    assert len(source.forced) == 1


async def test_a_failure_that_nobody_waits_for_is_not_reported_as_forgotten() -> None:
    _, source, renewal = make()
    source.gate.clear()
    source.failure = InternalServerError("down", status=500)
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: complaints.append(context)
    )
    caller = asyncio.create_task(served(renewal))
    await source.begun.wait()
    caller.cancel()

    source.gate.set()
    await background_tasks_end()
    del caller
    gc.collect()

    assert complaints == []


async def test_a_failed_fetch_fails_all_who_wait_and_the_next_tries_again() -> None:
    _, source, renewal = make()
    source.failure = InternalServerError("down", status=500)

    results = await asyncio.gather(
        *(served(renewal) for _ in range(50)), return_exceptions=True
    )
    source.failure = None

    assert {type(result) for result in results} == {InternalServerError}
    assert {str(result) for result in results} == {"down"}
    assert len({id(result) for result in results}) == 50
    assert await served(renewal) == "token-2"
    assert source.forced == [False, False]


async def test_a_caller_that_comes_as_a_fetch_fails_starts_another() -> None:
    clock = ManualClock()
    failing = asyncio.Event()
    calls: list[bool] = []

    async def provider(*, force_refresh: bool = False) -> AccessToken:
        calls.append(force_refresh)
        if len(calls) == 1:
            failing.set()
            raise InternalServerError("down", status=500)
        return AccessToken("token")

    renewal = Renewal(provider, AccessToken, clock=clock)

    async def come_late() -> str:
        await failing.wait()
        return await served(renewal)

    late = asyncio.create_task(come_late())
    with pytest.raises(InternalServerError):
        await served(renewal)

    assert await late == "token"
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("life", "renewed_from", "unfit_from"),
    [
        (DAY, DAY - 600, DAY - 60),
        (3600.0, 3000.0, 3540.0),
        (1200.0, 900.0, 1140.0),
        (240.0, 180.0, 180.0),
        (100.0, 75.0, 75.0),
    ],
)
async def test_margins_are_a_quarter_of_the_life_at_most(
    life: float, renewed_from: float, unfit_from: float
) -> None:
    clock, source, renewal = make(life)
    start = clock.now
    await served(renewal)

    clock.now = start + timedelta(seconds=min(renewed_from, unfit_from) - 1)
    assert await served(renewal) == "token-1"
    assert len(source.forced) == 1

    clock.now = start + timedelta(seconds=unfit_from)
    assert await served(renewal) == "token-2"
    assert len(source.forced) == 2


async def test_near_the_end_the_old_one_is_served_while_the_new_one_is_fetched() -> (
    None
):
    clock, source, renewal = make()
    await served(renewal)
    clock.advance(DAY - 599)
    source.gate.clear()

    meanwhile = [await served(renewal) for _ in range(100)]
    source.gate.set()
    await background_tasks_end()

    assert set(meanwhile) == {"token-1"}
    assert await served(renewal) == "token-2"
    assert source.forced == [False, True]


async def test_at_the_end_callers_wait_for_the_renewal_under_way() -> None:
    clock, source, renewal = make()
    await served(renewal)
    clock.advance(DAY - 599)
    source.gate.clear()
    assert await served(renewal) == "token-1"
    clock.advance(590)

    waiting = [asyncio.create_task(served(renewal)) for _ in range(10)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    source.gate.set()

    assert await asyncio.gather(*waiting) == ["token-2"] * 10
    assert len(source.forced) == 2


async def test_a_failed_renewal_ahead_of_time_is_logged_and_left_alone_for_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, source, renewal = make()
    await served(renewal)
    clock.advance(DAY - 599)
    source.failure = InternalServerError("IAM is down", status=500)

    for _ in range(5):
        assert await served(renewal) == "token-1"
        await background_tasks_end()
    clock.advance(29)
    assert await served(renewal) == "token-1"

    assert len(source.forced) == 2
    warnings = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert [w.getMessage() for w in warnings] == [
        "a renewal ahead of time failed: IAM is down"
    ]

    clock.advance(1)
    source.failure = None
    assert await served(renewal) == "token-1"
    await background_tasks_end()
    assert await served(renewal) == "token-3"


async def test_a_foreign_failure_is_logged_by_its_type_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, source, renewal = make()
    await served(renewal)
    clock.advance(DAY - 599)
    source.failure = KeyError("sk-very-secret")

    await served(renewal)
    await background_tasks_end()

    assert "failed: KeyError" in caplog.text
    assert "sk-very-secret" not in caplog.text


async def test_at_the_end_a_failure_is_raised() -> None:
    clock, source, renewal = make()
    await served(renewal)
    clock.advance(DAY - 59)
    source.failure = InternalServerError("down", status=500)

    with pytest.raises(InternalServerError):
        await served(renewal)


async def test_what_does_not_expire_is_fetched_once() -> None:
    clock, source, renewal = make(life=None)
    await served(renewal)
    clock.advance(DAY * 10000)

    assert await served(renewal) == "token-1"
    assert source.forced == [False]


async def test_what_looks_expired_from_the_start_is_served_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    _, source, renewal = make(life=-2700)

    tokens = {await served(renewal) for _ in range(100)}

    assert tokens == {"token-1"}
    assert len(source.forced) == 1
    (warning,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "tokens look expired for 2700 s" in warning.getMessage()


@pytest.mark.parametrize("life", [-2700.0, 0.0])
async def test_what_looks_expired_is_taken_to_live_as_briefly_as_anything(
    life: float,
) -> None:
    clock, source, renewal = make(life)
    await served(renewal)

    clock.advance(15 * 60 * 3 / 4 - 1)
    assert await served(renewal) == "token-1"
    await background_tasks_end()
    assert len(source.forced) == 1

    clock.advance(1)
    assert await served(renewal) == "token-1"
    await background_tasks_end()
    assert await served(renewal) == "token-2"

    clock.advance(14 * 60)
    assert await served(renewal) == "token-3"


async def test_what_looks_expired_and_is_refused_is_renewed() -> None:
    _, source, renewal = make(life=-5)
    refused = await renewal.get()

    renewed = await renewal.get(rejected=refused)

    assert renewed.token.reveal() == "token-2"
    assert source.forced == [False, True]


async def test_a_rejected_value_is_renewed_once_for_a_thousand_callers() -> None:
    _, source, renewal = make()
    rejected = await renewal.get()

    renewed = await asyncio.gather(
        *(renewal.get(rejected=rejected) for _ in range(1000))
    )

    assert {value.token.reveal() for value in renewed} == {"token-2"}
    assert source.forced == [False, True]


async def test_a_late_complaint_about_an_old_value_renews_nothing() -> None:
    _, source, renewal = make()
    old = await renewal.get()
    current = await renewal.get(rejected=old)

    assert await renewal.get(rejected=old) is current
    assert len(source.forced) == 2


async def test_a_renewal_tells_why_and_for_how_long() -> None:
    clock = ManualClock()
    source = Source(clock)
    events: list[Event] = []
    renewal = Renewal(source, AccessToken, clock=clock, on_event=events.append)

    token = await renewal.get()
    await renewal.get(rejected=token)
    clock.advance(DAY)
    source.life = None
    await renewal.get()

    assert events == [
        TokenRenewed(reason="first", lifetime=DAY),
        TokenRenewed(reason="rejected", lifetime=DAY),
        TokenRenewed(reason="expiring", lifetime=None),
    ]


def test_a_value_outlives_the_event_loop_it_was_fetched_in() -> None:
    clock = ManualClock()
    calls: list[bool] = []

    async def provider(*, force_refresh: bool = False) -> AccessToken:
        calls.append(force_refresh)
        return AccessToken("token")

    renewal = Renewal(provider, AccessToken, clock=clock)

    async def two() -> set[str]:
        return set(await asyncio.gather(served(renewal), served(renewal)))

    assert [asyncio.run(two()) for _ in range(3)] == [{"token"}] * 3
    assert calls == [False]


def test_a_loop_that_ended_during_a_fetch_is_in_nobody_s_way() -> None:
    begun = asyncio.Event()

    async def provider(*, force_refresh: bool = False) -> AccessToken:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        return AccessToken("token")

    renewal = Renewal(provider, AccessToken, clock=ManualClock())

    async def leave() -> None:
        caller = asyncio.create_task(served(renewal))
        await begun.wait()
        caller.cancel()

    asyncio.run(leave())

    assert asyncio.run(served(renewal)) == "token"


async def test_two_loops_at_a_time_fetch_each_for_itself() -> None:
    _, source, renewal = make()
    source.gate.clear()
    here = asyncio.create_task(served(renewal))
    await source.begun.wait()

    async def provider(*, force_refresh: bool = False) -> AccessToken:
        return AccessToken("from-the-other-loop")

    renewal._provider = provider
    there = await asyncio.to_thread(lambda: asyncio.run(served(renewal)))
    source.gate.set()

    assert there == "from-the-other-loop"
    assert await here == "token-1"


async def test_closing_ends_a_renewal_and_says_so_to_those_who_wait() -> None:
    _, source, renewal = make()
    source.gate.clear()
    waiting = asyncio.create_task(served(renewal))
    await source.begun.wait()

    await renewal.aclose()

    with pytest.raises(ConfigurationError, match="closed while a renewal"):
        await waiting
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_provider_that_hangs_does_not_hang_the_plugin_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(renewal_module, "FETCH_LIMIT", 0.0)
    _, source, renewal = make()
    source.gate.clear()

    with pytest.raises(RequestTimeoutError, match="no AccessToken") as caught:
        await served(renewal)

    assert caught.value.sent is False


async def test_a_provider_s_own_timeout_is_passed_on() -> None:
    _, source, renewal = make()
    source.failure = TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await served(renewal)


async def test_a_provider_must_be_asynchronous() -> None:
    def provider(*, force_refresh: bool = False) -> Awaitable[AccessToken]:
        return AccessToken("token")  # type: ignore[return-value]  # the mistake under test

    renewal = Renewal(provider, AccessToken, clock=ManualClock())

    with pytest.raises(ConfigurationError, match="must be an async callable"):
        await renewal.get()


async def test_a_provider_must_return_the_right_kind() -> None:
    async def provider(*, force_refresh: bool = False) -> AccessToken:
        return "tok-secret"  # type: ignore[return-value]  # the mistake under test

    renewal = Renewal(provider, AccessToken, clock=ManualClock())

    with pytest.raises(ConfigurationError, match=r"return AccessToken, not str$"):
        await renewal.get()
