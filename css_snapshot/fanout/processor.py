"""One target's way to its outcome: journal, operation, and what came back."""

from typing import Final, Generic, TypeVar

from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.clock import Clock
from css_snapshot.errors import (
    AuthenticationError,
    CSSError,
    IndeterminateCreateError,
    JournalError,
    SnapshotFailedError,
)
from css_snapshot.fanout.calls import Calls, Raised, Returned
from css_snapshot.fanout.job import Accepted, Job, Requeue
from css_snapshot.fanout.journal.entry import (
    ACCEPTED,
    TURNED_AWAY,
    UNRESOLVED,
    Entry,
    State,
)
from css_snapshot.fanout.journal.journal import Journal
from css_snapshot.fanout.operations import Operation
from css_snapshot.fanout.options import RunOptions
from css_snapshot.fanout.outcomes import (
    Busy,
    Completed,
    Failed,
    Indeterminate,
    NotReady,
    Outcome,
    Skipped,
    backup_of,
    how_of,
    spoiled,
    succeeded,
)
from css_snapshot.fanout.trial import Trial
from css_snapshot.models import Ensured
from css_snapshot.workflows.ensure import Intent

T = TypeVar("T")

_ENDED_BADLY: Final = frozenset({State.FAILED, State.SPOILED})


class Processor(Generic[T]):
    """Carries targets to their outcomes, any number of them at once.

    Args:
        operation: What is done with each.
        calls: Calls it.
        options: The run's options.
        journal: Where it is written down.
        clock: Where time comes from.
    """

    def __init__(
        self,
        operation: Operation[T],
        calls: Calls,
        *,
        options: RunOptions,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._operation = operation
        self._calls = calls
        self._options = options
        self._journal = journal
        self._clock = clock

    async def process(self, job: Job) -> Outcome[T] | Requeue | Accepted:
        """Carry one target to its outcome, to an occupied cluster, or to the watch."""
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

    async def _admit(
        self, job: Job
    ) -> CreateSnapshotRequest | Failed | Skipped | Accepted | Busy | NotReady:
        """Check a target, and ask the journal and the list of clusters about it."""
        try:
            request = job.target.request()
            entry = await self._journal.recall(job, request)
        except CSSError as exc:
            return self._failed(job, exc)
        if entry is None:
            known = self._accepted_before(job)
        else:
            known = self._take_up(job, entry)
        return known or await self._unready(job, entry) or request

    def _accepted_before(self, job: Job) -> Accepted | Skipped | None:
        """Go on with what the caller says was accepted; `None` means: nothing was."""
        job.backup = job.target.accepted
        if job.backup is None:
            return None
        if self._options.until == "completed":
            return Accepted()
        return Skipped(
            target=job.target,
            elapsed=self._elapsed(job),
            reason=State.ACCEPTED.value,
            backup=job.backup,
        )

    def _take_up(self, job: Job, entry: Entry) -> Skipped | Accepted | None:
        """Go on where an earlier run ended; `None` means: from the beginning."""
        if entry.state in UNRESOLVED:
            job.since = entry.since or entry.updated
            job.previous = Intent(job.since)
            return None
        if entry.state in ACCEPTED and self._options.until == "completed":
            job.since = entry.since
            job.backup = entry.backup
            job.how = "adopted" if entry.how == "adopted" else "created"
            # Without its id it has to be looked for by its name.
            return None if entry.backup is None else Accepted()
        if entry.state in TURNED_AWAY or self._is_retried(entry):
            return None
        state = State.ACCEPTED if entry.state in ACCEPTED else entry.state
        return Skipped(
            target=job.target,
            elapsed=self._elapsed(job),
            reason=state.value,
            backup=entry.backup,
            error=entry.error,
        )

    def _is_retried(self, entry: Entry) -> bool:
        """Check whether what ended badly is tried again: at once if nothing was sent."""
        if self._options.retry_failed:
            return entry.state in _ENDED_BADLY
        return entry.state is State.FAILED and entry.since is None

    async def _unready(self, job: Job, entry: Entry | None) -> Busy | NotReady | None:
        """Judge by what the list of clusters said, unless a creation is open."""
        readiness = job.target.readiness
        if job.previous is not None or readiness is None or readiness:
            return None
        if readiness.passes and self._options.busy == "wait":
            # A single look is no verdict: the service says what it is now.
            return None
        if entry is None or entry.state in TURNED_AWAY:
            state = State.BUSY if readiness.passes else State.NOT_READY
            await self._journal.record(job, state, str(readiness))
        kind = Busy if readiness.passes else NotReady
        return kind(target=job.target, elapsed=self._elapsed(job), readiness=readiness)

    async def _try(
        self, job: Job, request: CreateSnapshotRequest
    ) -> Outcome[T] | Requeue | Accepted | None:
        """Carry out the operation once; `None` means: again."""
        trial = Trial(request, job.previous, lambda: self._journal.intend(job))
        called = await self._calls.call(job, lambda: self._operation(job.target, trial))
        if isinstance(called, Returned):
            return await self._succeeded(job, trial, called.result)
        return await self._unsuccessful(job, trial, called)

    async def _succeeded(
        self, job: Job, trial: Trial, result: T
    ) -> Outcome[T] | Accepted:
        job.attempts += result.attempts if isinstance(result, Ensured) else trial.sent
        job.backup, job.how = backup_of(result), how_of(result)
        complete = self._completed(job, result)
        if complete is not None:
            await self._journal.record(job, State.COMPLETED)
            return complete
        outcome = succeeded(
            job.target, result, attempts=job.attempts, elapsed=self._elapsed(job)
        )
        await self._journal.record(job, State.ACCEPTED)
        return Accepted() if self._options.until == "completed" else outcome

    def _completed(self, job: Job, result: T) -> Completed | None:
        """Return the end of what was adopted complete: its own row says so."""
        if self._options.until == "accepted" or not isinstance(result, Ensured):
            return None
        snapshot = result.snapshot
        if snapshot is None or not snapshot.is_usable:
            return None
        return Completed(
            target=job.target,
            backup=result.backup,
            how=job.how,
            snapshot=snapshot,
            attempts=job.attempts,
            elapsed=self._elapsed(job),
        )

    async def _unsuccessful(
        self, job: Job, trial: Trial, raised: Raised
    ) -> Outcome[T] | Requeue | None:
        error = raised.error
        job.attempts += _times_sent(trial, error)
        fate = trial.fate(error)
        if raised.is_passing:
            if fate != "indeterminate":
                job.previous = None
            if fate != "indeterminate" or not trial.sent:
                job.under_way, job.fallback = False, self._failed(job, error)
                return None
        if fate == "indeterminate":
            await self._journal.record(job, State.INDETERMINATE, str(error))
            return self._indeterminate(job, error)
        job.previous = None
        if fate == "busy":
            await self._journal.record(job, State.BUSY, str(error))
            return self._busy(job, error)
        if isinstance(error, SnapshotFailedError):
            return await self._spoiled(job, error)
        await self._record_failure(job, error)
        return self._failed(job, error)

    async def _spoiled(self, job: Job, error: SnapshotFailedError) -> Outcome[T]:
        outcome = spoiled(
            job.target, error, attempts=job.attempts, elapsed=self._elapsed(job)
        )
        job.backup = outcome.backup
        await self._journal.record(job, State.SPOILED, str(error))
        return outcome

    async def _record_failure(self, job: Job, error: Exception) -> None:
        if isinstance(error, AuthenticationError):
            # The fault is not the target's: with other credentials, it is new.
            await self._journal.forget(job)
        elif not isinstance(error, JournalError):
            if isinstance(error, CSSError) and error.sent is False:
                # It never left, so that the next run tries it again by itself.
                job.since = None
            await self._journal.record(job, State.FAILED, str(error))

    def _busy(self, job: Job, error: Exception) -> Busy | Requeue:
        outcome = Busy(
            target=job.target,
            attempts=job.attempts,
            elapsed=self._elapsed(job),
            error=error,
        )
        if self._options.busy == "skip":
            return outcome
        pause = job.busy_pause(self._clock.monotonic(), self._options.busy_wait)
        if pause is None:
            return outcome
        job.under_way, job.fallback = False, outcome
        return Requeue(pause)

    def lost(self, job: Job, error: Exception) -> Indeterminate:
        """Return the outcome of a target that was dropped on its way."""
        return self._indeterminate(job, error)

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


def _times_sent(trial: Trial, error: Exception) -> int:
    """Return how many creations a try has sent that ended in an error."""
    if not trial.sent:
        return 0
    if isinstance(error, IndeterminateCreateError):
        return max(trial.sent, error.attempts)
    earlier = error.earlier if isinstance(error, CSSError) else ()
    return max(trial.sent, 1 + len(earlier))
