"""What a run tells its journal about a target, and what the journal tells it."""

from typing import Final

from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.clock import Clock
from css_snapshot.errors import ConfigurationError, JournalError
from css_snapshot.fanout.job import Job
from css_snapshot.fanout.journal.entry import Entry, State
from css_snapshot.fanout.journal.journal import Journal
from css_snapshot.fanout.targets import digest
from css_snapshot.models import Backup
from css_snapshot.workflows.ensure import Intent

_UNRESOLVED: Final = frozenset({State.INTENT, State.INDETERMINATE})


class Records:
    """The journal, as the jobs of one run see it; without one, it does nothing.

    Args:
        journal: The journal, if the run has one.
        clock: Where time comes from.

    Attributes:
        broken: The error of a journal that could not take down how a target ended.
    """

    def __init__(self, journal: Journal | None, clock: Clock) -> None:
        self.broken: JournalError | None = None
        self._journal = journal
        self._clock = clock

    async def recall(self, job: Job, request: CreateSnapshotRequest) -> Entry | None:
        """Answer what ended a target in an earlier run, and note what did not end it.

        Raises:
            ConfigurationError: The journal has the target with other values.
            JournalError: The journal can't be read.
        """
        if self._journal is None:
            return None
        job.digest = digest(job.target.cluster_id, request)
        entry = await self._journal.look(job.target)
        if entry is None:
            return None
        if entry.digest != job.digest:
            raise ConfigurationError(
                f"the journal has {job.target} with other indices or another"
                " description; use another name, or another journal"
            )
        if entry.state not in _UNRESOLVED:
            return entry
        job.intended = True
        job.since = entry.since or entry.updated
        job.previous = Intent(job.since)
        return None

    async def intend(self, job: Job) -> None:
        """Write that a creation is about to be sent.

        Raises:
            JournalError: It is not written, so the creation must not be sent.
        """
        if self._journal is None:
            return
        now = self._clock.now()
        # From here on it may be written, even if this is cancelled.
        job.since, job.intended = now, True
        await self._journal.put(self._entry(job, State.INTENT))

    async def done(self, job: Job, how: str, backup: Backup | None) -> None:
        """Write that a target has what it wanted."""
        backup_id = None if backup is None else backup.id
        await self._write(job, State.DONE, how=how, backup_id=backup_id)

    async def ended(self, job: Job, state: State, error: Exception) -> None:
        """Write that a target failed, or is indeterminate."""
        await self._write(job, state, error=str(error))

    async def forget(self, job: Job) -> None:
        """Take the target out: nothing was created, and the next run may try again."""
        if self._journal is not None and job.intended:
            try:
                await self._journal.forget(job.target)
            except JournalError as exc:
                self.broken = exc

    async def _write(
        self,
        job: Job,
        state: State,
        *,
        how: str | None = None,
        backup_id: str | None = None,
        error: str | None = None,
    ) -> None:
        if self._journal is None:
            return
        entry = self._entry(job, state, how=how, backup_id=backup_id, error=error)
        try:
            await self._journal.put(entry)
        except JournalError as exc:
            self.broken = exc

    def _entry(
        self,
        job: Job,
        state: State,
        *,
        how: str | None = None,
        backup_id: str | None = None,
        error: str | None = None,
    ) -> Entry:
        return Entry(
            cluster_id=job.target.cluster_id,
            name=job.target.name,
            digest=job.digest,
            state=state,
            since=job.since,
            attempts=job.attempts,
            how=how,
            backup_id=backup_id,
            error=error,
            updated=self._clock.now(),
        )
