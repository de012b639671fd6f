"""The watch over accepted snapshots, until each is seen to have ended.

A site that shows `SNAPSHOTTING` in its list of clusters tells of up to a thousand
clusters in one request which still work; what it no longer shows is confirmed by the
cluster's own list. Whether a site shows it is decided by what it shows: a snapshot
found building though its cluster was shown idle is looked at by its own list from then
on, and a site that never shows anything is not asked any more.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, TypeAlias

import attrs

from css_snapshot.api.operations import LIST_SNAPSHOTS
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import (
    CSSError,
    SnapshotNotFoundError,
    TransportError,
)
from css_snapshot.events import logger
from css_snapshot.fanout.job import Job
from css_snapshot.fanout.journal.entry import State
from css_snapshot.fanout.journal.journal import Journal
from css_snapshot.fanout.outcomes import Completed, Late, Spoiled
from css_snapshot.fanout.stopping import Stopping
from css_snapshot.models import Backup, Snapshot
from css_snapshot.workflows.clusters import clusters
from css_snapshot.workflows.defaults import SETTLE_SECONDS
from css_snapshot.workflows.spoiled import spoiled_error

Ending: TypeAlias = Completed | Spoiled | Late

_FIRST_PAUSE: Final = 5.0
_GROWTH: Final = 1.25
_LONGEST_PAUSE: Final = 20.0
_ACTION: Final = "SNAPSHOTTING"
_MOST_WATCHED: Final = 16_384
"""More than any fleet has; bounds memory, and the requests of a tick."""


@attrs.define(eq=False)
class _Watched:
    """An accepted snapshot.

    Attributes:
        job: Its target.
        backup: Its id and name.
        look_from: When its own list is first worth a look, on the monotonic scale.
        last: Its last known row.
        progress: How far it is, where the site says so.
        unseen_since: Since when it can't be seen, on the monotonic scale.
        error: Why not, if its list can't be read.
    """

    job: Job
    backup: Backup
    look_from: float
    last: Snapshot | None = None
    progress: str | None = None
    unseen_since: float | None = None
    error: CSSError | None = None


class Watch:
    """Watches accepted snapshots, at the cost of a request per tick where that can be.

    Args:
        client: Carries the calls.
        limit: Lists read at once.
        finish_by: When what still builds is late, aware; `None` for never.
        journal: Where endings are written down.
        stopping: Stops the run when the credentials are refused.
        on_end: Called with each target that has ended, and how.
    """

    def __init__(
        self,
        client: ApiClient,
        *,
        limit: int,
        finish_by: datetime | None,
        journal: Journal,
        stopping: Stopping,
        on_end: Callable[[Job, Ending], object],
    ) -> None:
        self._client = client
        self._clock = client.clock
        self._limit = limit
        self._finish_by = finish_by
        self._journal = journal
        self._stopping = stopping
        self._on_end = on_end
        self._watched: dict[str, _Watched] = {}
        self._site_shows: bool | None = None
        self._list_was_read = False

    def __len__(self) -> int:
        return len(self._watched)

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be accepted until something has ended."""
        return len(self._watched) >= _MOST_WATCHED

    def add(self, job: Job) -> None:
        """Take in a target whose creation was accepted; one at a time per cluster."""
        if job.backup is None:
            raise ValueError("only what was accepted can be watched")
        look_from = self._clock.monotonic() + _FIRST_PAUSE
        self._watched[job.target.cluster_id] = _Watched(job, job.backup, look_from)

    async def run(self) -> None:
        """Watch until nothing is left to watch, or the time is up."""
        pause = _FIRST_PAUSE
        while self._watched:
            left = self._seconds_left()
            if left <= 0:
                break
            await self._clock.sleep(min(pause, left))
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)
            await self._confirm(await self._due())
        # What has ended in the last seconds is not called late.
        await self._confirm(deque(self._watched.values()))
        for watched in list(self._watched.values()):
            await self._end(watched, self._late(watched))

    def abandon(self) -> Iterable[tuple[Job, Late]]:
        """Give up what is watched, without a look and without a word in the journal."""
        left = list(self._watched.values())
        self._watched.clear()
        return [(watched.job, self._late(watched)) for watched in left]

    def _seconds_left(self) -> float:
        if self._finish_by is None:
            return float("inf")
        return (self._finish_by - self._clock.now()).total_seconds()

    async def _due(self) -> deque[_Watched]:
        """Choose what is worth a look at its own list."""
        shown = await self._shown_at_work()
        now = self._clock.monotonic()
        return deque(
            watched
            for watched in self._watched.values()
            if watched not in shown and watched.look_from <= now
        )

    async def _shown_at_work(self) -> set[_Watched]:
        """Read the list of clusters, unless the site has not shown anything in it."""
        shown: set[_Watched] = set()
        self._list_was_read = False
        if self._site_shows is False:
            return shown
        try:
            async for cluster in clusters(self._client, None):
                watched = self._watched.get(cluster.id)
                if watched is not None and _ACTION in cluster.actions:
                    self._site_shows = True
                    watched.progress = cluster.action_progress.get(_ACTION)
                    shown.add(watched)
        except CSSError as exc:
            logger.info("watching without the list of clusters: %s", exc)
            self._stopping.stop_for(exc)
            return set()
        self._list_was_read = True
        return shown

    async def _confirm(self, due: deque[_Watched]) -> None:
        """Look at the lists of some clusters, a limited number at once."""
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._limit, len(due))):
                group.create_task(self._look_at_each(due))

    async def _look_at_each(self, due: deque[_Watched]) -> None:
        # Taken out, so that nothing keeps what has ended and its row.
        while due:
            await self._look(due.popleft())

    async def _look(self, watched: _Watched) -> None:
        cluster_id = watched.job.target.cluster_id
        try:
            rows = await self._client.look(LIST_SNAPSHOTS(cluster_id=cluster_id))
        except CSSError as exc:
            await self._unreadable(watched, exc)
            return
        row = next((row for row in rows if row.id == watched.backup.id), None)
        if row is None:
            await self._missing(watched)
            return
        watched.unseen_since, watched.error, watched.last = None, None, row
        if row.is_finished:
            await self._end(watched, _ending(watched, row))
            return
        if self._site_shows is None and self._list_was_read:
            # It builds, and no cluster was shown to be at work.
            self._site_shows = False

    async def _missing(self, watched: _Watched) -> None:
        """Take in a list without it: a single one may lag, or have a gap."""
        watched.error = None
        if self._is_unseen_for_good(watched):
            await self._end(watched, _vanished(watched))

    async def _unreadable(self, watched: _Watched, error: CSSError) -> None:
        """Take in a list that could not be read."""
        if self._stopping.stop_for(error):
            return
        watched.error = error
        if error.retryable or isinstance(error, TransportError):
            watched.unseen_since = None
        elif self._is_unseen_for_good(watched):
            await self._end(watched, self._late(watched))

    def _is_unseen_for_good(self, watched: _Watched) -> bool:
        now = self._clock.monotonic()
        if watched.unseen_since is None:
            watched.unseen_since = now
        return now - watched.unseen_since >= SETTLE_SECONDS

    def _late(self, watched: _Watched) -> Late:
        job = watched.job
        return Late(
            target=job.target,
            backup=watched.backup,
            snapshot=watched.last,
            progress=watched.progress,
            error=watched.error,
            attempts=job.attempts,
            elapsed=self._clock.monotonic() - job.began,
        )

    async def _end(self, watched: _Watched, ending: Ending) -> None:
        job = watched.job
        ending = attrs.evolve(ending, elapsed=self._clock.monotonic() - job.began)
        match ending:
            case Completed():
                await self._journal.record(job, State.COMPLETED)
            case Spoiled():
                await self._journal.record(job, State.SPOILED, str(ending.error))
            case Late():
                await self._journal.record(job, State.LATE, str(ending))
        if self._watched.pop(job.target.cluster_id, None) is not None:
            self._on_end(job, ending)


def _ending(watched: _Watched, row: Snapshot) -> Completed | Spoiled:
    job = watched.job
    if row.is_usable:
        return Completed(
            target=job.target,
            backup=watched.backup,
            how=job.how,
            snapshot=row,
            attempts=job.attempts,
        )
    return Spoiled(
        target=job.target,
        backup=watched.backup,
        snapshot=row,
        error=spoiled_error(row, job.target.cluster_id),
        attempts=job.attempts,
    )


def _vanished(watched: _Watched) -> Spoiled:
    job, backup = watched.job, watched.backup
    error = SnapshotNotFoundError(
        f"snapshot {backup.name} ({backup.id}) of cluster {job.target.cluster_id} is"
        " not in the list any more",
        cluster_id=job.target.cluster_id,
        snapshot_id=backup.id,
        snapshot=watched.last,
    )
    return Spoiled(
        target=job.target,
        backup=backup,
        snapshot=watched.last,
        error=error,
        attempts=job.attempts,
    )
