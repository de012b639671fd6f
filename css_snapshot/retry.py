"""Retry policies, their budgets, and the one loop that repeats anything."""

import random as _random
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Generic, Self, TypeAlias, TypeVar

import attrs
import tenacity

from css_snapshot.errors import (
    APIError,
    ConfigurationError,
    ConnectFailedError,
    CSSError,
    ThrottledError,
    TransportError,
)

T = TypeVar("T")

_MAY_BE_REPEATED: Final = frozenset({429, *range(500, 600)}) - {501}
_GATEWAY_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
_LOOKS: Final = 3


@attrs.define
class RetryBudget:
    """A bucket of tokens that all calls of a policy share.

    Each retry takes tokens and each success puts some back, so that a service that
    fails now and then is asked again, and one that fails all the time is left alone
    however many calls are made at once. It may be shared by several policies.

    Attributes:
        capacity: Tokens in a full bucket, which it starts as.
        cost: Tokens a retry takes; a retry that succeeds puts them back.
        refund: Tokens a call that succeeds at once puts back.
    """

    capacity: float = 500.0
    cost: float = 14.0
    refund: float = 1.0
    tokens: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        if not self.capacity > 0:
            raise ConfigurationError("capacity: must be a number above 0")
        if not (self.cost >= 0 and self.refund >= 0):
            raise ConfigurationError("cost, refund: must be numbers, 0 or more")
        self.tokens = self.capacity

    def spend(self) -> bool:
        """Pay for one retry, or return `False` if there is not enough left."""
        if self.tokens < self.cost:
            return False
        self.tokens -= self.cost
        return True

    def succeeded(self, *, retried: bool) -> None:
        """Put tokens back after a success."""
        back = self.cost if retried else self.refund
        self.tokens = min(self.capacity, self.tokens + back)


def _statuses(values: Iterable[int]) -> frozenset[int]:
    statuses = frozenset(values)
    for status in sorted(statuses):
        if status not in _MAY_BE_REPEATED:
            raise ConfigurationError(
                f"statuses: {status} is never retried; only 429 and 5xx but 501 may be"
            )
    return statuses


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """Which failures of one call are repeated, how often and how fast.

    The pause before retry *n* is random between 0 and `base * 2 ** (n - 1)`
    seconds, at most `cap` ("full jitter").

    Attributes:
        statuses: HTTP statuses that are repeated: 500 alone, unless told otherwise.
            4xx other than 429, and 501, are refused here.
        attempts: How many attempts a call has in all.
        base: Upper bound of the first pause, in seconds.
        cap: Upper bound of any pause, in seconds. A longer `Retry-After` ends the
            call at once.
        budget: What retries are paid from; give several policies the same one to
            protect a region from all of them together.
        connect_failures: Whether a connection that failed before a byte was sent is
            tried again.
        lost_reads: Whether a read whose answer was lost or late is repeated; that is
            safe, as a read changes nothing.
        random: Returns a random number from 0 up to 1.

    Raises:
        ConfigurationError: If a status must not be repeated, or a number is out of
            its range.
    """

    statuses: frozenset[int] = attrs.field(
        default=frozenset({500}), converter=_statuses
    )
    attempts: int = 3
    base: float = 0.5
    cap: float = 20.0
    budget: RetryBudget = attrs.field(factory=RetryBudget)
    connect_failures: bool = False
    lost_reads: bool = False
    random: Callable[[], float] = attrs.field(default=_random.random, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.attempts < 1:
            raise ConfigurationError("attempts: must be at least 1")
        if not 0 <= self.base <= self.cap:
            raise ConfigurationError("base: must be from 0 to cap")

    @classmethod
    def none(cls) -> Self:
        """Return a policy that never repeats."""
        return cls(attempts=1)

    @classmethod
    def gateway(cls, *, attempts: int = 5, budget: RetryBudget | None = None) -> Self:
        """Return a policy that also rides out throttling and an unsteady gateway.

        It repeats 429 (waiting as told by `Retry-After` or by the limit in the
        gateway's text), 500, 502, 503, 504, connections that could not be made, and
        reads that were lost.

        Args:
            attempts: How many attempts a call has in all.
            budget: What retries are paid from; its own by default.
        """
        return cls(
            statuses=_GATEWAY_STATUSES,
            attempts=attempts,
            connect_failures=True,
            lost_reads=True,
            budget=budget or RetryBudget(),
        )

    def for_looking(self) -> Self:
        """Return the policy for a read that finds out how things stand.

        What looks has patience of its own: a lost read, or a connection that could not
        be made, proves nothing and is repeated, three attempts at least.
        """
        return attrs.evolve(
            self,
            statuses=self.statuses if self.attempts > 1 else frozenset(),
            attempts=max(self.attempts, _LOOKS),
            connect_failures=True,
            lost_reads=True,
        )

    def repeats(self, failure: BaseException) -> bool:
        """Check whether a failure is of a kind that is repeated."""
        if isinstance(failure, APIError):
            return failure.status in self.statuses
        if isinstance(failure, ConnectFailedError):
            return self.connect_failures and failure.retryable
        if isinstance(failure, TransportError):
            return self.lost_reads and failure.read
        return False

    def pause(self, attempt: int, failure: BaseException | None) -> float:
        """Return the seconds to wait after a failed attempt."""
        ceiling = min(self.cap, self.base * 2.0 ** min(attempt - 1, 64))
        return min(self.cap, (stated_wait(failure) or 0.0) + ceiling * self.random())


def stated_wait(failure: BaseException | None) -> float | None:
    """Return the seconds to wait that a throttling answer states, if it does.

    `Retry-After` comes first; otherwise an even share of the window that the
    gateway's text names.
    """
    if not isinstance(failure, ThrottledError):
        return None
    if failure.retry_after is None and failure.limit is not None:
        count, seconds = failure.limit
        return seconds / max(count, 1)
    return failure.retry_after


@attrs.frozen(kw_only=True)
class Retry:
    """A retry about to happen, or one that the budget forbade.

    Attributes:
        attempt: Number of the attempt that failed.
        pause: Seconds until the next one; `None` when the budget is empty.
        failure: Why the attempt failed.
    """

    attempt: int
    pause: float | None
    failure: CSSError


@attrs.frozen
class Found(Generic[T]):
    """What stands for a call's answer although its attempt failed.

    Attributes:
        answer: The answer.
    """

    answer: T


Before: TypeAlias = Callable[[], Awaitable[None]]
Between: TypeAlias = Callable[[CSSError], Awaitable[Found[T] | None]]


async def repeat(
    policy: RetryPolicy,
    send: Callable[[int], Awaitable[T]],
    *,
    sleep: Callable[[float], Awaitable[None]],
    remaining: Callable[[], float],
    on_retry: Callable[[Retry], object],
    before: Before | None = None,
    between: Between[T] | None = None,
) -> T:
    """Make attempts until one succeeds, or the policy, budget or deadline ends it.

    All that is ever repeated in this package is repeated here. A cancellation ends it
    at any point.

    Args:
        policy: Which failures are repeated, and how.
        send: Makes the attempt of a given number, 1 for the first.
        sleep: Waits for a number of seconds.
        remaining: Returns the seconds left of the call's deadline.
        on_retry: Called with each retry before its pause.
        before: Awaited before each attempt; an error it raises ends the call.
        between: Awaited with each failure, whose `.earlier` is set. What it finds is
            the call's answer; `None` lets the policy decide; an error it raises ends
            the call.

    Returns:
        The answer of the first successful attempt, or what `between` found.

    Raises:
        CSSError: If the last attempt failed, with its failure; or what a hook raised.
    """
    call = _Call(policy, send, remaining, on_retry, before, between)
    # Made outside tenacity, so that a call that succeeds at once pays for none of it.
    try:
        answer = await call.attempt(1)
    except CSSError as exc:
        if policy.attempts == 1 or not call.is_repeated(exc):
            raise
    else:
        policy.budget.succeeded(retried=False)
        return answer
    # A fresh object per call: a shared one mixes up the state of concurrent calls.
    async for trial in tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(call.is_repeated),
        wait=call.pause,
        stop=call.gives_up,
        sleep=sleep,
        reraise=True,
    ):
        with trial:
            number = trial.retry_state.attempt_number
            if number == 1:
                raise call.failures[-1]
            answer = await call.attempt(number)
            policy.budget.succeeded(retried=True)
            return answer
    raise AssertionError("tenacity returns or raises")  # pragma: no cover  # for typing


@attrs.define
class _Call(Generic[T]):
    """One call that is repeated, and how its attempts failed so far."""

    policy: RetryPolicy
    send: Callable[[int], Awaitable[T]]
    remaining: Callable[[], float]
    on_retry: Callable[[Retry], object]
    before: Before | None
    between: Between[T] | None
    failures: list[CSSError] = attrs.field(init=False, factory=list)

    async def attempt(self, number: int) -> T:
        if self.before is not None:
            await self.before()
        try:
            return await self.send(number)
        except CSSError as exc:
            failure = exc
        failure.earlier = tuple(self.failures)
        self.failures.append(failure)
        found = None if self.between is None else await self.between(failure)
        if found is not None:
            return found.answer
        if any(earlier.sent is None for earlier in failure.earlier):
            failure.sent = None
        raise failure

    def is_repeated(self, exc: BaseException) -> bool:
        # Whatever a policy of the user's own says, a cancellation is no failure, and
        # what a hook raised is final.
        own = bool(self.failures) and exc is self.failures[-1]
        return own and self.policy.repeats(exc)

    def pause(self, state: tenacity.RetryCallState) -> float:
        return self.policy.pause(state.attempt_number, self.failures[-1])

    def gives_up(self, state: tenacity.RetryCallState) -> bool:
        policy, failure = self.policy, self.failures[-1]
        pause = state.upcoming_sleep
        if state.attempt_number >= policy.attempts or pause >= self.remaining():
            return True
        if (stated_wait(failure) or 0.0) > policy.cap:
            return True
        affordable = policy.budget.spend()
        self.on_retry(
            Retry(
                attempt=state.attempt_number,
                pause=pause if affordable else None,
                failure=failure,
            )
        )
        return not affordable
