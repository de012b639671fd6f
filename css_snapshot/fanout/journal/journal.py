"""The journal of a run: what it means to do, before it does it, and what came of it."""

from collections.abc import Awaitable
from datetime import datetime
from pathlib import Path
from typing import Final

from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.clock import Clock
from css_snapshot.errors import ConfigurationError, JournalError
from css_snapshot.fanout.job import Job
from css_snapshot.fanout.journal.entry import TURNED_AWAY, Entry, State
from css_snapshot.fanout.journal.store import Plan, Row, Store
from css_snapshot.fanout.journal.writer import Writer
from css_snapshot.fanout.stopping import Stopping
from css_snapshot.fanout.targets import digest
from css_snapshot.models import Backup

_NAMES_KEPT: Final = 100
_TEXT_LENGTH: Final = 500


class Journal:
    """One entry per target, as the jobs of one run see it; without a file, nothing.

    Entries are read and written in a thread of its own; each method returns when what
    it wrote is on the disk.

    Args:
        path: The file; made, readable by its owner alone, if it is missing. `None`
            for a run without a journal.
        clock: Where time comes from.
        stopping: Stops the run when the end of a target can't be written down.
    """

    def __init__(self, path: Path | None, clock: Clock, stopping: Stopping) -> None:
        self._clock = clock
        self._stopping = stopping
        self._names: set[str] = set()
        self._writer = None if path is None else Writer(path)

    async def open(self, plan: Plan) -> None:
        """Open the file.

        Args:
            plan: What the run does; a journal of another plan is refused.

        Raises:
            ConfigurationError: If the file is another plan's journal, or no journal.
            JournalError: If another run holds it, or it can't be read or written.
        """
        if self._writer is not None:
            now = self._clock.now()
            await self._writer.open(lambda path: Store(path, plan, now))

    async def recall(self, job: Job, request: CreateSnapshotRequest) -> Entry | None:
        """Return what is known of a target; `None` if it is new.

        Raises:
            ConfigurationError: If the journal has the target with other values.
            JournalError: If the journal can't be read.
        """
        if self._writer is None:
            return None
        target = job.target
        if len(self._names) < _NAMES_KEPT:
            self._names.add(request.name)
        job.digest = digest(target.cluster_id, request)
        entry = await self._writer.do(
            lambda store: store.look(target.cluster_id, target.name), writes=False
        )
        if entry is None or entry.state in TURNED_AWAY:
            return entry
        if entry.digest != job.digest:
            raise ConfigurationError(
                f"the journal has {target} with other indices or another description;"
                " use another name, or another journal"
            )
        return entry

    async def intend(self, job: Job) -> None:
        """Write that a creation is about to be sent.

        Raises:
            JournalError: If it is not written, so that nothing must be sent.
        """
        # From here on it may be written, even if this is cancelled.
        job.since, job.intended = self._clock.now(), True
        if self._writer is not None:
            await _put(self._writer, _row_of(job, State.INTENT, job.since, None))

    async def record(self, job: Job, state: State, error: str | None = None) -> None:
        """Write what has become of a target; the run stops if that can't be done."""
        if self._writer is None:
            return
        row = _row_of(job, state, self._clock.now(), error)
        try:
            await _put(self._writer, row)
        except JournalError as exc:
            self._stopping.stop_for(exc)

    async def forget(self, job: Job) -> None:
        """Take a target out: nothing was created, and the next run may try again."""
        if self._writer is None or not job.intended:
            return
        target = job.target
        try:
            await self._writer.do(
                lambda store: store.forget(target.cluster_id, target.name), writes=True
            )
        except JournalError as exc:
            self._stopping.stop_for(exc)

    async def count_open(self) -> int:
        """Count the targets of this run's snapshot names without what they wanted.

        Raises:
            JournalError: If the journal can't be read.
        """
        if self._writer is None:
            return 0
        return await self._writer.do(
            lambda store: store.count_open(self._names), writes=False
        )

    def close(self) -> None:
        """Begin to close the journal; what was asked of it is finished first."""
        if self._writer is not None:
            self._writer.close()

    async def closed(self) -> None:
        """Wait until the journal is closed."""
        if self._writer is not None:
            await self._writer.closed()


def _put(writer: Writer, row: Row) -> Awaitable[None]:
    return writer.do(lambda store: store.put(row), writes=True)


def _row_of(job: Job, state: State, now: datetime, error: str | None) -> Row:
    """Return what is to be known of a target, in the order of the table's columns."""
    target, since, backup = job.target, job.since, job.backup
    updated = now.isoformat()
    return (
        target.cluster_id,
        target.name,
        job.digest,
        state.value,
        # An intent has one moment for both.
        None if since is None else updated if since is now else since.isoformat(),
        job.attempts,
        None if backup is None else job.how,
        None if backup is None else _storable(backup.id),
        None if error is None else _storable(error),
        updated,
        _other_name(backup, target.name),
    )


def _other_name(backup: Backup | None, wanted: str) -> str | None:
    """Return the snapshot's name where it is not the name wanted."""
    if backup is None or backup.name == wanted:
        return None
    return _storable(backup.name)


def _storable(text: str) -> str:
    """Cut a text, and replace what is no Unicode, which SQLite would refuse."""
    return text[:_TEXT_LENGTH].encode("utf-8", "replace").decode("utf-8")
