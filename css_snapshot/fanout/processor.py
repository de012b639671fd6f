"""One target's way to its outcome: journal, pace, operation, and what came back."""

from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeAlias, TypeVar

import attrs

from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.clock import Clock
from css_snapshot.errors import (
    AuthenticationError,
    CSSError,
    IndeterminateCreateError,
    JournalError,
    ThrottledError,
)
from css_snapshot.fanout.canary import Scouts
from css_snapshot.fanout.intention import Intention
from css_snapshot.fanout.job import Job, Requeue
from css_snapshot.fanout.journal.entry import State
from css_snapshot.fanout.journal.records import Records
from css_snapshot.fanout.options import Settings
from css_snapshot.fanout.outcomes import (
    Busy,
    Failed,
    Indeterminate,
    Outcome,
    Skipped,
    backup_of,
    succeeded,
)
from css_snapshot.fanout.pace import LONGEST_HOLD, Pace
from css_snapshot.fanout.stopping import is_about_credentials
from css_snapshot.fanout.targets import Target
from css_snapshot.models import Ensured

T = TypeVar("T")

Operation: TypeAlias = Callable[[Target, Intention], Awaitable[T]]

_THROTTLED_TRIES: Final = 10


@attrs.frozen
class _Answer(Generic[T]):
    result: T


class Processor(Generic[T]):
    """Carries targets to their outcomes, any number of them at once.

    Args:
        operation: What is done with each.
        settings: The run's options.
        records: The journal, if there is one.
        clock: Where time comes from.
        on_refused: Is told at once of an error that says that the credentials were
            not accepted.

    Attributes:
        pace: How fast operations start.
        in_flight: Operations under way.
    """

    def __init__(
        self,
        operation: Operation[T],
        *,
        settings: Settings,
        records: Records,
        clock: Clock,
        on_refused: Callable[[Exception], object],
    ) -> None:
        self.pace = Pace(settings.rate, clock)
        self.in_flight = 0
        self._on_refused = on_refused
        self._scouts = Scouts(needed=settings.scouting)
        self._operation = operation
        self._settings = settings
        self._records = records
        self._clock = clock

    async def process(self, job: Job) -> Outcome[T] | Requeue:
        """Carry one target to its outcome, or to an occupied cluster."""
        request = job.request
        if request is None:
            job.began = self._clock.monotonic()
            admitted = await self._admit(job)
            if not isinstance(admitted, CreateSnapshotRequest):
                return admitted
            request = job.request = admitted
        while True:
            ended = await self._try(job, request)
            if ended is not None:
                return ended

    async def _admit(self, job: Job) -> CreateSnapshotRequest | Failed | Skipped:
        """Check a target, and ask the journal about it."""
        try:
            request = job.target.request()
            entry = await self._records.recall(job, request)
        except CSSError as exc:
            return self._failed(job, exc)
        if entry is None:
            return request
        if entry.state is State.FAILED and self._settings.retry_failed:
            return request
        return Skipped(
            target=job.target,
            elapsed=self._elapsed(job),
            reason=entry.state.value,
            backup=entry.backup,
            error=entry.error,
        )

    async def _try(
        self, job: Job, request: CreateSnapshotRequest
    ) -> Outcome[T] | Requeue | None:
        """Carry out the operation once; `None` means: again."""
        await self._scouts.enter()
        try:
            mark = await self.pace.turn()
            intention = Intention(
                request,
                job.previous,
                lambda: self._records.intend(job),
                self._scouts.accepted,
            )
            called = await self._call(job, intention)
        finally:
            self._scouts.leave()
        if isinstance(called, _Answer):
            return await self._succeeded(job, intention, called.result)
        return await self._unsuccessful(job, intention, called, mark)

    async def _call(self, job: Job, intention: Intention) -> _Answer[T] | Exception:
        job.under_way = True
        self.in_flight += 1
        try:
            answer = _Answer(await self._operation(job.target, intention))
        except Exception as exc:  # noqa: BLE001  # what it raises is its outcome
            if is_about_credentials(exc):
                # Now, not with the outcome: the next one is waiting to be called.
                self._on_refused(exc)
            else:
                self._scouts.accepted()
            return exc
        else:
            self._scouts.accepted()
            return answer
        finally:
            self.in_flight -= 1

    async def _succeeded(self, job: Job, intention: Intention, result: T) -> Outcome[T]:
        sent = result.attempts if isinstance(result, Ensured) else intention.declared
        self.pace.succeeded()
        job.attempts += sent
        outcome = succeeded(
            job.target, result, attempts=job.attempts, elapsed=self._elapsed(job)
        )
        how = type(outcome).__name__.lower()
        await self._records.done(job, how, backup_of(result))
        return outcome

    async def _unsuccessful(
        self, job: Job, intention: Intention, error: Exception, mark: int
    ) -> Busy | Failed | Indeterminate | Requeue | None:
        job.attempts += _times_sent(intention, error)
        fate = intention.fate(error)
        if isinstance(error, ThrottledError) and self._again(job, error, mark):
            if fate != "indeterminate":
                job.previous = None
            if fate != "indeterminate" or not intention.declared:
                job.under_way, job.fallback = False, self._failed(job, error)
                return None
        if fate == "indeterminate":
            await self._records.ended(job, State.INDETERMINATE, error)
            return self._indeterminate(job, error)
        job.previous = None
        if fate == "busy":
            await self._records.forget(job)
            return self._busy(job, error)
        if isinstance(error, AuthenticationError):
            # The fault is not the target's: with other credentials, it is new.
            await self._records.forget(job)
        elif not isinstance(error, JournalError):
            await self._records.ended(job, State.FAILED, error)
        return self._failed(job, error)

    def _again(self, job: Job, error: ThrottledError, mark: int) -> bool:
        """Slow down, and tell whether a throttled target is to be tried again."""
        hold = self.pace.slow_down(error, mark)
        job.throttled += 1
        return job.throttled < _THROTTLED_TRIES and hold <= LONGEST_HOLD

    def _busy(self, job: Job, error: Exception) -> Busy | Requeue:
        outcome = Busy(
            target=job.target,
            attempts=job.attempts,
            elapsed=self._elapsed(job),
            error=error,
        )
        if self._settings.busy == "skip":
            return outcome
        pause = job.busy_pause(self._clock.monotonic(), self._settings.busy_wait)
        if pause is None:
            return outcome
        job.under_way, job.fallback = False, outcome
        return Requeue(pause)

    def _indeterminate(self, job: Job, error: Exception) -> Indeterminate:
        return Indeterminate(
            target=job.target,
            attempts=job.attempts,
            elapsed=self._elapsed(job),
            error=error,
        )

    def _failed(self, job: Job, error: Exception) -> Failed:
        return Failed(
            target=job.target,
            attempts=job.attempts,
            elapsed=self._elapsed(job),
            error=error,
        )

    def _elapsed(self, job: Job) -> float:
        return self._clock.monotonic() - job.began


def _times_sent(intention: Intention, error: Exception) -> int:
    """Answer how many creations a try has sent that ended in an error."""
    if not intention.declared:
        return 0
    if isinstance(error, IndeterminateCreateError):
        return max(intention.declared, error.attempts)
    earlier = error.earlier if isinstance(error, CSSError) else ()
    return max(intention.declared, 1 + len(earlier))
