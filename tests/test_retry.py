import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Final

import attrs
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tests.support.virtual_time as vt
from css_snapshot import RetryBudget, RetryPolicy, SnapshotService
from css_snapshot.errors import (
    APIError,
    ConfigurationError,
    ConnectFailedError,
    ConnectFailure,
    ConnectionLostError,
    CSSError,
    GatewayError,
    InternalServerError,
    NotImplementedByServerError,
    RequestTimeoutError,
    ThrottledError,
)
from css_snapshot.events import BudgetEmpty, Event, RetryScheduled
from css_snapshot.retry import Retry, repeat, stated_wait
from tests.support.thoroughness import examples
from tests.support.virtual_time import VirtualTime

BACKUP: Final = b'{"backup":{"id":"b1","name":"snapshot_001"}}'
MakeService = Callable[..., SnapshotService]


class Replies(httpx.AsyncBaseTransport):
    """Answers from memory: the given statuses, and the last one for ever."""

    def __init__(self, *statuses: int, headers: dict[str, str] | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self._statuses = statuses
        self._headers = headers or {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        await asyncio.sleep(0)
        position = min(len(self.requests), len(self._statuses)) - 1
        status = self._statuses[position]
        body = BACKUP if status == 201 else b""
        return httpx.Response(status, headers=self._headers, content=body)


class Fails(httpx.AsyncBaseTransport):
    """Raises the same thing on every request."""

    def __init__(self, failure: Callable[[], Exception]) -> None:
        self.paths: list[str] = []
        self._failure = failure

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        raise self._failure()

    @property
    def count(self) -> int:
        return len(self.paths)


class Numbering(httpx.Auth):
    """Authenticates each request with a number of its own."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers["X-Stamp"] = str(next(self._numbers))
        yield request


def _status_error(status: int, kind: type[APIError] = APIError) -> APIError:
    return kind(str(status), status=status)


def _throttled(
    retry_after: float | None = None, limit: tuple[int, float] | None = None
) -> ThrottledError:
    error = ThrottledError("429", status=429)
    error.retry_after = retry_after
    error.limit = limit
    return error


def _scheduled(events: list[Event]) -> list[float]:
    return [event.pause for event in events if isinstance(event, RetryScheduled)]


def test_only_429_and_5xx_but_501_can_be_asked_for() -> None:
    for status in range(400, 600):
        if status == 429 or (status >= 500 and status != 501):
            assert RetryPolicy(statuses=frozenset({status})).statuses == {status}
            continue
        with pytest.raises(ConfigurationError, match=f"statuses: {status} is never"):
            RetryPolicy(statuses=frozenset({500, status}))


@pytest.mark.parametrize("status", [100, 200, 201, 202, 301, 307, 0, -1, 600])
def test_answers_that_are_no_errors_can_not_be_repeated(status: int) -> None:
    with pytest.raises(ConfigurationError):
        RetryPolicy(statuses=frozenset({status}))


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"attempts": 0}, "attempts"),
        ({"attempts": -1}, "attempts"),
        ({"base": -0.1}, "base"),
        ({"base": 5.0, "cap": 1.0}, "base"),
        ({"base": float("nan")}, "base"),
        ({"cap": float("nan")}, "base"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(
    options: dict[str, float], field: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"{field}: must be"):
        RetryPolicy(**options)  # type: ignore[arg-type]  # one number by name


@pytest.mark.parametrize("field", ["capacity", "cost", "refund"])
@pytest.mark.parametrize("value", [-1.0, float("nan")])
def test_a_budget_of_less_than_nothing_is_refused(field: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=field):
        RetryBudget(**{field: value})


def test_a_policy_is_safe_by_default() -> None:
    policy = RetryPolicy()

    assert policy.statuses == {500}
    assert policy.attempts == 3
    assert policy.connect_failures is False
    assert RetryPolicy.none().attempts == 1


def test_policies_don_t_share_a_budget_unless_told_to() -> None:
    budget = RetryBudget()

    assert RetryPolicy().budget is not RetryPolicy().budget
    assert RetryPolicy.gateway(budget=budget).budget is budget
    assert RetryPolicy.gateway().budget is not RetryPolicy.gateway().budget


def test_the_gateway_policy_also_rides_out_throttling_and_failed_connections() -> None:
    policy = RetryPolicy.gateway()

    assert policy.statuses == {429, 500, 502, 503, 504}
    assert policy.repeats(ConnectFailedError("no", kind="refused"))
    assert not policy.repeats(ConnectFailedError("no", kind="tls"))
    assert not policy.repeats(ConnectFailedError("no", kind="proxy"))


@pytest.mark.parametrize(
    "failure",
    [
        asyncio.CancelledError(),
        KeyboardInterrupt(),
        ConnectionLostError("gone"),
        RequestTimeoutError("late"),
        ConfigurationError("bad"),
        OSError(104, "reset"),
        RuntimeError("bug"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_what_may_have_been_carried_out_is_never_repeated_by_any_policy(
    failure: BaseException,
) -> None:
    everything = RetryPolicy(
        statuses=frozenset({429, *range(500, 600)} - {501}), connect_failures=True
    )

    assert not everything.repeats(failure)


@settings(max_examples=examples(200), deadline=None)
@given(
    attempt=st.integers(1, 10_000),
    random=st.floats(0.0, 1.0, exclude_max=True),
    base=st.just(0.0) | st.floats(0.001, 10.0),
    cap=st.floats(10.0, 100.0),
)
def test_a_pause_is_full_jitter_below_base_doubled_and_cap(
    attempt: int, random: float, base: float, cap: float
) -> None:
    policy = RetryPolicy(base=base, cap=cap, random=lambda: random)
    ceiling = min(cap, base * 2.0 ** min(attempt - 1, 1000)) if base else 0.0

    assert policy.pause(attempt, None) == pytest.approx(ceiling * random)


@settings(max_examples=examples(200), deadline=None)
@given(
    stated=st.floats(0.0, 20.0),
    attempt=st.integers(1, 20),
    random=st.floats(0.0, 1.0, exclude_max=True),
)
def test_a_stated_wait_is_never_cut_short_and_the_cap_never_exceeded(
    stated: float, attempt: int, random: float
) -> None:
    policy = RetryPolicy(statuses=frozenset({429}), random=lambda: random)

    pause = policy.pause(attempt, _throttled(stated))

    assert stated <= pause <= policy.cap


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [
        (_throttled(), None),
        (_throttled(7.0), 7.0),
        (_throttled(0.0, (60, 60.0)), 0.0),
        (_throttled(7.0, (60, 60.0)), 7.0),
        (_throttled(None, (60, 60.0)), 1.0),
        (_throttled(None, (200, 300.0)), 1.5),
        (_throttled(None, (0, 60.0)), 60.0),
        (_status_error(500), None),
        (None, None),
    ],
)
def test_a_stated_wait_is_the_header_s_or_a_share_of_the_stated_limit(
    failure: CSSError | None, seconds: float | None
) -> None:
    assert stated_wait(failure) == seconds


def test_a_budget_pays_for_retries_and_is_refilled_by_successes() -> None:
    budget = RetryBudget(capacity=30.0, cost=14.0, refund=1.0)

    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.succeeded(retried=False)
    assert budget.tokens == 3.0
    budget.succeeded(retried=True)
    assert budget.tokens == 17.0
    budget.succeeded(retried=True)
    assert budget.tokens == 30.0


async def test_only_500_is_retried(make_service: MakeService) -> None:
    for status in range(400, 600):
        transport = Replies(status, headers={"Retry-After": "0"})
        with pytest.raises(APIError) as caught:
            await make_service(transport).create("c1", "snapshot_001")

        assert caught.value.status == status
        assert len(transport.requests) == (3 if status == 500 else 1), status


async def test_the_gateway_policy_repeats_its_five_statuses_alone(
    make_service: MakeService,
) -> None:
    statuses = RetryPolicy.gateway().statuses
    for status in range(400, 600):
        transport = Replies(status)
        policy = RetryPolicy(statuses=statuses, base=0.0)
        with pytest.raises(APIError):
            await make_service(transport, retry=policy).create("c1", "snapshot_001")

        repeated = status in {429, 500, 502, 503, 504}
        assert len(transport.requests) == (3 if repeated else 1), status


@pytest.mark.parametrize("attempts", [1, 2, 3, 7])
async def test_there_are_as_many_attempts_as_the_policy_allows(
    make_service: MakeService, attempts: int
) -> None:
    transport = Replies(500)
    service = make_service(transport, retry=RetryPolicy(attempts=attempts, base=0.0))

    with pytest.raises(InternalServerError) as caught:
        await service.create("c1", "snapshot_001")

    assert len(transport.requests) == attempts
    assert len(caught.value.earlier) == attempts - 1


async def test_a_success_after_two_500s_is_a_success(make_service: MakeService) -> None:
    transport = Replies(500, 500, 201)
    service = make_service(transport)

    backup = await service.create("c1", "snapshot_001")

    assert backup.id == "b1"
    assert len(transport.requests) == 3


async def test_a_different_failure_on_the_way_ends_the_retries_and_names_the_earlier(
    make_service: MakeService,
) -> None:
    transport = Replies(500, 501)
    service = make_service(transport)

    with pytest.raises(NotImplementedByServerError) as caught:
        await service.create("c1", "snapshot_001")

    assert len(transport.requests) == 2
    assert [type(earlier) for earlier in caught.value.earlier] == [InternalServerError]


async def test_the_error_of_a_single_attempt_has_no_earlier_ones(
    make_service: MakeService,
) -> None:
    with pytest.raises(APIError) as caught:
        await make_service(Replies(404)).create("c1", "snapshot_001")

    assert caught.value.earlier == ()


async def test_no_chain_and_no_retry_error_hang_on_what_is_raised(
    make_service: MakeService,
) -> None:
    with pytest.raises(InternalServerError) as caught:
        await make_service(Replies(500)).create("c1", "snapshot_001")

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_each_attempt_is_signed_afresh_and_is_a_request_of_its_own(
    make_service: MakeService,
) -> None:
    transport = Replies(500, 500, 201)
    service = make_service(transport, auth=Numbering())

    await service.create("c1", "snapshot_001")

    assert [request.headers["X-Stamp"] for request in transport.requests] == [
        "1",
        "2",
        "3",
    ]
    assert len({id(request) for request in transport.requests}) == 3
    assert len({bytes(request.content) for request in transport.requests}) == 1


@pytest.mark.parametrize(
    ("kind", "count"),
    [("dns", 3), ("refused", 3), ("timeout", 3), ("pool", 3), ("tls", 1), ("proxy", 1)],
)
async def test_failed_connections_are_tried_again_only_on_request(
    make_service: MakeService, kind: ConnectFailure, count: int
) -> None:
    shy, bold = (Fails(lambda: ConnectFailedError("no", kind=kind)) for _ in range(2))
    policy = RetryPolicy(connect_failures=True, base=0.0)

    with pytest.raises(ConnectFailedError) as caught:
        await make_service(shy).create("c1", "snapshot_001")
    with pytest.raises(ConnectFailedError):
        await make_service(bold, retry=policy).create("c1", "snapshot_001")

    assert (shy.count, bold.count) == (1, count)
    assert caught.value.sent is False


async def test_a_call_that_was_once_sent_is_not_called_unsent_by_its_last_failure(
    make_service: MakeService,
) -> None:
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if len(sent) > 1:
            raise ConnectFailedError("no connection", kind="refused")
        return httpx.Response(500)

    with pytest.raises(ConnectFailedError) as caught:
        await make_service(httpx.MockTransport(handler)).create("c1", "snapshot_001")

    assert [type(earlier) for earlier in caught.value.earlier] == [InternalServerError]
    assert caught.value.sent is None


async def test_a_call_that_never_was_sent_says_so_after_any_number_of_attempts(
    make_service: MakeService,
) -> None:
    transport = Fails(lambda: ConnectFailedError("no", kind="refused"))
    policy = RetryPolicy(connect_failures=True, base=0.0)

    with pytest.raises(ConnectFailedError) as caught:
        await make_service(transport, retry=policy).create("c1", "snapshot_001")

    assert len(caught.value.earlier) == 2
    assert caught.value.sent is False


@pytest.mark.parametrize("failure", [RuntimeError("bug"), KeyError("bug")])
async def test_a_bug_is_passed_on_as_it_is_and_at_once(
    make_service: MakeService, failure: Exception
) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        if len(calls) == 1:
            return httpx.Response(500)
        raise failure

    calls: list[httpx.Request] = []

    with pytest.raises(type(failure)) as caught:
        await make_service(httpx.MockTransport(handler)).create("c1", "snapshot_001")

    assert caught.value is failure
    assert len(calls) == 2


async def test_pauses_are_drawn_and_slept_as_the_policy_says(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    draws = itertools.cycle([0.5, 0.25, 0.99])
    events: list[Event] = []
    policy = RetryPolicy(attempts=4, base=2.0, cap=5.0, random=lambda: next(draws))
    service = make_service(
        Replies(500), retry=policy, clock=virtual_time.clock, on_event=events.append
    )

    with pytest.raises(InternalServerError):
        await service.create("c1", "snapshot_001")

    assert _scheduled(events) == pytest.approx([1.0, 1.0, 4.95])
    assert virtual_time.elapsed == pytest.approx(6.95)


@pytest.mark.parametrize(
    ("headers", "pauses"),
    [
        ({"Retry-After": "7"}, [7.0, 7.0]),
        ({"Retry-After": "20"}, [20.0, 20.0]),
        ({"Retry-After": "21"}, []),
        ({"Retry-After": "86400"}, []),
        (
            {
                "Retry-After": "Sat, 07 Mar 2026 12:00:05 GMT",
                "Date": "Sat, 07 Mar 2026 12:00:00 GMT",
            },
            [5.0, 5.0],
        ),
    ],
)
async def test_retry_after_is_honoured_up_to_the_cap_and_ends_the_call_above_it(
    make_service: MakeService,
    virtual_time: VirtualTime,
    headers: dict[str, str],
    pauses: list[float],
) -> None:
    transport = Replies(429, headers=headers)
    events: list[Event] = []
    policy = RetryPolicy(statuses=frozenset({429}), random=lambda: 0.0)
    service = make_service(
        transport, retry=policy, clock=virtual_time.clock, on_event=events.append
    )

    with pytest.raises(ThrottledError):
        await service.create("c1", "snapshot_001")

    assert _scheduled(events) == pauses
    assert virtual_time.elapsed == pytest.approx(sum(pauses))
    assert len(transport.requests) == 1 + len(pauses)


@settings(max_examples=examples(60), deadline=None)
@given(
    deadline=st.floats(0.1, 30.0),
    duration=st.floats(0.0, 10.0),
    timeout=st.floats(0.1, 12.0),
    base=st.floats(0.0, 10.0),
    draws=st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=1, max_size=5),
    statuses=st.lists(st.sampled_from([429, 500, 503, 0, 201]), min_size=1, max_size=6),
)
def test_no_call_outlives_its_deadline(
    *,
    deadline: float,
    duration: float,
    timeout: float,
    base: float,
    draws: list[float],
    statuses: list[int],
) -> None:
    random = itertools.cycle(draws)
    outcomes: Iterator[int] = itertools.cycle(statuses)

    async def handler(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(duration)
        status = next(outcomes)
        if status == 0:
            raise httpx.PoolTimeout("pool")
        body = BACKUP if status == 201 else b""
        return httpx.Response(status, content=body, headers={"Retry-After": "3"})

    async def scenario(time: VirtualTime) -> float:
        service = _service(
            httpx.MockTransport(handler),
            time,
            RetryPolicy(
                statuses=frozenset({429, 500, 503}),
                connect_failures=True,
                attempts=50,
                base=base,
                random=lambda: next(random),
            ),
            timeout=timeout,
            deadline=deadline,
        )
        with contextlib.suppress(CSSError):
            await service.create("c1", "snapshot_001")
        return time.elapsed

    assert vt.run(scenario) <= deadline + 1e-6


def _service(
    transport: httpx.AsyncBaseTransport,
    time: VirtualTime,
    retry: RetryPolicy,
    *,
    timeout: float = 30.0,
    deadline: float | None = None,
) -> SnapshotService:
    return SnapshotService(
        project_id="p1",
        endpoint="https://css.example",
        auth=httpx.Auth(),
        transport=transport,
        retry=retry,
        timeout=timeout,
        deadline=deadline,
        clock=time.clock,
    )


async def test_a_pause_that_would_pass_the_deadline_is_not_begun(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    transport = Replies(500)
    service = make_service(
        transport,
        retry=RetryPolicy(base=10.0, random=lambda: 0.5),
        deadline=5.0,
        clock=virtual_time.clock,
    )

    with pytest.raises(InternalServerError):
        await service.create("c1", "snapshot_001")

    assert virtual_time.elapsed == 0.0
    assert len(transport.requests) == 1


async def test_two_hundred_concurrent_calls_share_one_budget_and_no_state(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    transport = Replies(500)
    events: list[Event] = []
    budget = RetryBudget(capacity=100.0, cost=10.0)
    service = make_service(
        transport,
        retry=RetryPolicy(attempts=4, budget=budget),
        clock=virtual_time.clock,
        on_event=events.append,
    )

    results = await asyncio.gather(
        *(service.create("c1", f"snapshot_{number}") for number in range(200)),
        return_exceptions=True,
    )

    errors = [result for result in results if isinstance(result, InternalServerError)]
    assert len(errors) == 200
    assert len(transport.requests) == 210
    assert sum(len(error.earlier) for error in errors) == 10
    assert budget.tokens == 0.0
    assert sum(isinstance(event, BudgetEmpty) for event in events) == 200


async def test_two_hundred_concurrent_calls_each_get_their_own_answer(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    seen: dict[bytes, int] = {}

    async def handler(request: httpx.Request) -> httpx.Response:
        count = seen[request.content] = seen.get(request.content, 0) + 1
        await asyncio.sleep(count)
        if count < 3:
            return httpx.Response(500)
        name = request.content.decode().split('"')[3]
        body = f'{{"backup":{{"id":"id-of-{name}","name":"{name}"}}}}'
        return httpx.Response(201, content=body.encode())

    service = make_service(
        httpx.MockTransport(handler),
        retry=RetryPolicy(budget=RetryBudget(capacity=1e9)),
        clock=virtual_time.clock,
    )

    backups = await asyncio.gather(
        *(service.create("c1", f"snapshot_{number}") for number in range(200))
    )

    assert [backup.id for backup in backups] == [
        f"id-of-snapshot_{number}" for number in range(200)
    ]
    assert set(seen.values()) == {3}


async def test_a_retried_success_pays_its_last_retry_back(
    make_service: MakeService,
) -> None:
    budget = RetryBudget(capacity=100.0, cost=10.0, refund=1.0)
    service = make_service(
        Replies(500, 500, 201), retry=RetryPolicy(base=0.0, budget=budget)
    )

    await service.create("c1", "snapshot_001")
    assert budget.tokens == 90.0

    await service.create("c1", "snapshot_001")
    assert budget.tokens == 91.0


async def test_an_empty_budget_ends_the_call_with_the_service_s_own_error(
    make_service: MakeService,
) -> None:
    transport = Replies(500)
    events: list[Event] = []
    policy = RetryPolicy(base=0.0, budget=RetryBudget(capacity=20.0, cost=14.0))
    service = make_service(transport, retry=policy, on_event=events.append)

    with pytest.raises(InternalServerError) as caught:
        await service.create("c1", "snapshot_001")

    assert len(transport.requests) == 2
    assert len(caught.value.earlier) == 1
    assert [event.attempt for event in events if isinstance(event, BudgetEmpty)] == [2]


def _stages() -> dict[str, int]:
    """Name the points a call can be cancelled at, by the awaits that precede them."""
    return {"first attempt": 1, "first pause": 2, "second attempt": 3, "pause": 4}


@pytest.mark.parametrize("steps", _stages().values(), ids=_stages())
async def test_a_cancellation_passes_at_once_and_nothing_is_sent_after_it(
    make_service: MakeService, virtual_time: VirtualTime, steps: int
) -> None:
    sent: list[float] = []

    async def handler(request: httpx.Request) -> httpx.Response:
        sent.append(virtual_time.elapsed)
        await asyncio.sleep(10.0)
        return httpx.Response(500)

    service = make_service(
        httpx.MockTransport(handler),
        retry=RetryPolicy(base=10.0, cap=10.0, random=lambda: 0.999),
        clock=virtual_time.clock,
    )
    call = asyncio.create_task(service.create("c1", "snapshot_001"))
    await asyncio.sleep(10.0 * steps - 5.0)
    before = list(sent)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    passed = virtual_time.elapsed
    await asyncio.sleep(1000.0)

    assert passed == 10.0 * steps - 5.0
    assert sent == before
    assert len(sent) == (steps + 1) // 2


@settings(max_examples=examples(60), deadline=None)
@given(step=st.integers(1, 60))
def test_a_cancellation_at_any_await_ends_the_call(step: int) -> None:
    async def scenario(time: VirtualTime) -> tuple[bool, int]:
        transport = Replies(500, 500, 500, 201)
        service = _service(
            transport, time, RetryPolicy(attempts=4, budget=RetryBudget(cost=0.0))
        )
        call = asyncio.create_task(service.create("c1", "snapshot_001"))
        for _ in range(step):
            await asyncio.sleep(0)
        done = call.done()
        call.cancel()
        await asyncio.wait([call])
        sent = len(transport.requests)
        await asyncio.sleep(100.0)
        return done or call.cancelled(), len(transport.requests) - sent

    assert vt.run(scenario) == (True, 0)


async def test_a_cancelled_first_attempt_is_not_repeated(
    make_service: MakeService,
) -> None:
    transport = Fails(asyncio.CancelledError)  # type: ignore[arg-type]  # what a transport lets through

    with pytest.raises(asyncio.CancelledError):
        await make_service(transport).create("c1", "snapshot_001")

    assert transport.count == 1


async def test_a_cancelled_second_attempt_is_not_repeated() -> None:
    sent: list[int] = []

    async def send(number: int) -> str:
        sent.append(number)
        if number == 1:
            raise _status_error(500, InternalServerError)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await repeat(
            RetryPolicy(base=0.0),
            send,
            sleep=asyncio.sleep,
            remaining=lambda: 1.0,
            on_retry=lambda _: None,
        )

    assert sent == [1, 2]


@pytest.mark.parametrize("failure", [asyncio.CancelledError(), RuntimeError("bug")])
async def test_a_policy_that_repeats_everything_repeats_our_own_errors_alone(
    make_service: MakeService, failure: BaseException
) -> None:
    class Reckless(RetryPolicy):
        def repeats(self, failure: BaseException) -> bool:
            return failure is not None

    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if len(sent) == 1:
            return httpx.Response(500)
        raise failure

    service = make_service(
        httpx.MockTransport(handler), retry=Reckless(random=lambda: 0.0)
    )

    with pytest.raises(type(failure)):
        await service.create("c1", "snapshot_001")

    assert len(sent) == 2


async def test_an_attempt_that_could_only_begin_after_the_deadline_is_not_sent(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    async def oversleep(seconds: float) -> None:
        await asyncio.sleep(seconds + 10.0)

    transport = Replies(500)
    clock = attrs.evolve(virtual_time.clock, sleep=oversleep)
    service = make_service(transport, deadline=5.0, clock=clock)

    with pytest.raises(RequestTimeoutError, match="was not sent") as caught:
        await service.create("c1", "snapshot_001")

    assert len(transport.requests) == 1
    assert [type(earlier) for earlier in caught.value.earlier] == [InternalServerError]
    assert caught.value.sent is None


async def test_repeat_tells_of_each_retry_before_its_pause() -> None:
    told: list[Retry] = []
    slept: list[float] = []
    first = _status_error(500, InternalServerError)
    second = _status_error(503, GatewayError)
    outcomes: Iterator[CSSError | str] = iter([first, second, "done"])

    async def send(number: int) -> str:
        outcome = next(outcomes)
        if isinstance(outcome, CSSError):
            raise outcome
        return outcome

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        assert len(told) == len(slept)

    answer = await repeat(
        RetryPolicy(statuses=frozenset({500, 503}), base=1.0, random=lambda: 0.5),
        send,
        sleep=sleep,
        remaining=lambda: float("inf"),
        on_retry=told.append,
    )

    assert answer == "done"
    assert [(retry.attempt, retry.pause) for retry in told] == [(1, 0.5), (2, 1.0)]
    assert [retry.failure for retry in told] == [first, second]
    assert slept == [0.5, 1.0]
