"""The calls of a run's operations: each in its turn, slower where the gateway throttles."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

import attrs

from css_snapshot.client.api_client import ApiClient
from css_snapshot.clock import Clock
from css_snapshot.errors import ThrottledError
from css_snapshot.fanout.canary import Canary
from css_snapshot.fanout.job import Job
from css_snapshot.fanout.options import RunOptions
from css_snapshot.fanout.pace import LONGEST_HOLD, Pace
from css_snapshot.fanout.stopping import Stopping

T = TypeVar("T")

_THROTTLED_TRIES: Final = 10


@attrs.frozen
class Returned(Generic[T]):
    """What an operation returned.

    Attributes:
        result: It.
    """

    result: T


@attrs.frozen
class Raised:
    """What an operation raised.

    Attributes:
        error: It.
        is_passing: Whether the gateway throttled it, and not for the last time that
            is worth another try.
    """

    error: Exception
    is_passing: bool = False


class Calls:
    """Calls operations, any number of them at once.

    Args:
        options: The run's options.
        stopping: Stops the run, at once for refused credentials.
        clock: Where time comes from.

    Attributes:
        in_flight: Operations under way.
        canary: Holds operations back while a wrong key might be tried too often.
    """

    def __init__(
        self, *, options: RunOptions, stopping: Stopping, clock: Clock
    ) -> None:
        self.in_flight = 0
        self.canary = Canary(options.canaries)
        self._pace = Pace(options.rate, clock)
        self._stopping = stopping

    @property
    def allowed_rate(self) -> float | None:
        """Operations that may start per second now; `None` for no limit."""
        return self._pace.allowed

    @contextmanager
    def of_workflow(self, client: ApiClient, name: str) -> Iterator[None]:
        """Tell observers of one workflow, and the canary of what the service accepts.

        Args:
            client: Carries what the operations send, or some of it.
            name: The workflow's name.
        """
        with (
            client.telling_workflow(name),
            client.telling_acceptance(self.canary.open),
        ):
            yield

    async def call(
        self, job: Job, operation: Callable[[], Awaitable[T]]
    ) -> Returned[T] | Raised:
        """Call an operation when it is its turn.

        Args:
            job: The target that it is called for.
            operation: The operation.
        """
        await self.canary.enter()
        try:
            mark = await self._pace.turn()
            job.under_way = True
            self.in_flight += 1
            try:
                result = await operation()
            except Exception as exc:  # noqa: BLE001  # what it raises is its outcome
                return self._raised(job, exc, mark)
            finally:
                self.in_flight -= 1
            self.canary.open()
            self._pace.succeeded()
            return Returned(result)
        finally:
            self.canary.leave()

    def _raised(self, job: Job, error: Exception, mark: int) -> Raised:
        # Now, not with the outcome: the next one is waiting to be called.
        if not self._stopping.stop_for(error):
            self.canary.note(error)
        throttled = throttled_by(error)
        if throttled is None:
            return Raised(error)
        hold = self._pace.slow_down(throttled, mark)
        job.throttled += 1
        may_repeat = job.throttled < _THROTTLED_TRIES and hold <= LONGEST_HOLD
        return Raised(error, is_passing=may_repeat)


def throttled_by(error: Exception) -> ThrottledError | None:
    """Return what throttled an operation: its error, or what that one was raised for."""
    for found in (error, error.__cause__):
        if isinstance(found, ThrottledError):
            return found
    return None
