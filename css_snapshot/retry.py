"""Whether a failed attempt is repeated, when, and out of which budget."""

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
        """Pay for one retry; `False` means that there is not enough left."""
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
        random: Answers a random number from 0 up to 1.

    Raises:
        ConfigurationError: A status that must not be repeated, or a bad number.
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
        """Make a policy that never repeats."""
        return cls(attempts=1)

    @classmethod
    def gateway(cls, *, attempts: int = 5, budget: RetryBudget | None = None) -> Self:
        """Make a policy that also rides out throttling and an unsteady gateway.

        It repeats 429 (waiting as told by `Retry-After` or by the limit in the
        gateway's text), 500, 502, 503, 504, and connections that could not be made.

        Args:
            attempts: How many attempts a call has in all.
            budget: What retries are paid from; its own by default.
        """
        return cls(
            statuses=_GATEWAY_STATUSES,
            attempts=attempts,
            connect_failures=True,
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
        """Tell whether a failure is of a kind that is repeated."""
        if isinstance(failure, APIError):
            return failure.status in self.statuses
        if isinstance(failure, ConnectFailedError):
            return self.connect_failures and failure.retryable
        if isinstance(failure, TransportError):
            return self.lost_reads
        return False

    def pause(self, attempt: int, failure: BaseException | None) -> float:
        """Answer the seconds to wait after a failed attempt."""
        ceiling = min(self.cap, self.base * 2.0 ** min(attempt - 1, 64))
        return min(self.cap, (stated_wait(failure) or 0.0) + ceiling * self.random())


def stated_wait(failure: BaseException | None) -> float | None:
    """Answer the seconds to wait that a throttling answer states, if it does.

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
        pause: Seconds until the next one; `None` when the budget is spent.
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


Between: TypeAlias = Callable[[CSSError], Awaitable[Found[T] | None]]


async def repeat(
    policy: RetryPolicy,
    failure: CSSError,
    send: Callable[[int], Awaitable[T]],
    *,
    sleep: Callable[[float], Awaitable[None]],
    remaining: Callable[[], float],
    on_retry: Callable[[Retry], object],
) -> T:
    """Go on after a first attempt that failed in a way the policy repeats.

    The first attempt is made by the caller, so that a call that succeeds at once
    pays for none of this. A cancellation ends it at any point.

    Args:
        policy: How to go on.
        failure: What the first attempt ended with.
        send: Makes the attempt of a given number.
        sleep: Waits for a number of seconds.
        remaining: Answers the seconds left of the call's deadline.
        on_retry: Is told of each retry before its pause.

    Returns:
        What the first successful attempt answered.

    Raises:
        CSSError: The last attempt's failure.
    """
    failures = [failure]

    def gives_up(state: tenacity.RetryCallState) -> bool:
        pause = state.upcoming_sleep
        if state.attempt_number >= policy.attempts or pause >= remaining():
            return True
        if (stated_wait(failures[-1]) or 0.0) > policy.cap:
            return True
        affordable = policy.budget.spend()
        on_retry(
            Retry(
                attempt=state.attempt_number,
                pause=pause if affordable else None,
                failure=failures[-1],
            )
        )
        return not affordable

    async for attempt in tenacity.AsyncRetrying(
        # Whatever a policy of the user's own says, a cancellation is no failure.
        retry=tenacity.retry_if_exception(
            lambda exc: isinstance(exc, CSSError) and policy.repeats(exc)
        ),
        wait=lambda state: policy.pause(state.attempt_number, failures[-1]),
        stop=gives_up,
        sleep=sleep,
        reraise=True,
    ):
        with attempt:
            number = attempt.retry_state.attempt_number
            if number == 1:
                raise failure
            try:
                answer = await send(number)
            except CSSError as exc:
                failures.append(exc)
                raise
            policy.budget.succeeded(retried=True)
            return answer
    raise AssertionError("tenacity returns or raises")  # pragma: no cover  # for typing
