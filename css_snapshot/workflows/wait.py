"""Waiting for snapshots: one list call per cluster and tick, for all who wait on it."""

import asyncio
import random as _random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import attrs

from css_snapshot.api.operations import LIST_SNAPSHOTS
from css_snapshot.api.rules import check_id
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import (
    ConfigurationError,
    CSSError,
    DuplicateSnapshotError,
    SnapshotFailedError,
    SnapshotNotFoundError,
    TransportError,
    WaitTimeoutError,
)
from css_snapshot.event_loop import running_loop
from css_snapshot.models import RestoreStatus, Snapshot
from css_snapshot.typing import Progress
from css_snapshot.workflows.look import SETTLE_SECONDS
from css_snapshot.workflows.spoiled import spoiled_error

TIMEOUT_SECONDS: Final = 600.0
"""Seconds to wait, unless told otherwise; even small snapshots take minutes."""

POLL_SECONDS: Final = 5.0
"""The first interval between looks in seconds, unless told otherwise."""

_GROWTH: Final = 1.25
_SLOWEST: Final = 4.0
_JITTER: Final = 0.2


class SnapshotWatch:
    """Watches the snapshots of any number of clusters, while someone waits on them.

    Args:
        client: Carries the list calls.
        random: Returns a random number from 0 up to 1, to spread the calls.
    """

    def __init__(
        self, client: ApiClient, *, random: Callable[[], float] = _random.random
    ) -> None:
        self._client = client
        self._random = random
        self._polls: dict[str, _Poll] = {}

    async def wait(
        self,
        cluster_id: str,
        snapshot_id: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        poll: float = POLL_SECONDS,
        on_progress: Progress | None = None,
    ) -> Snapshot:
        """Wait until a snapshot is finished; see `SnapshotService.wait`."""
        with self._client.telling_workflow("wait", cluster_id):
            return await self._wait(
                _Completion(cluster_id, snapshot_id), timeout, poll, on_progress
            )

    async def wait_restored(
        self,
        cluster_id: str,
        snapshot_id: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        poll: float = POLL_SECONDS,
        on_progress: Progress | None = None,
    ) -> Snapshot:
        """Wait until a snapshot is restored; see `SnapshotService.wait_restored`."""
        with self._client.telling_workflow("wait_restored", cluster_id):
            return await self._wait(
                _Restoration(cluster_id, snapshot_id), timeout, poll, on_progress
            )

    async def watch(
        self, cluster_id: str, snapshot_id: str, *, poll: float = POLL_SECONDS
    ) -> AsyncIterator[Snapshot]:
        """Iterate over the changes of a snapshot; see `SnapshotService.watch`."""
        following = _Following(cluster_id, snapshot_id)
        following.check(poll)
        async with self._polling(cluster_id, poll) as polling:
            shown: Snapshot | None = None
            async for elapsed, snapshots in polling.ticks():
                done = following.look(elapsed, snapshots)
                if following.last is not None and following.last != shown:
                    shown = following.last
                    yield shown
                if done:
                    return

    async def _wait(
        self,
        waiter: "_Waiter",
        timeout: float,
        poll: float,
        on_progress: Progress | None,
    ) -> Snapshot:
        waiter.check(poll)
        if not timeout > 0:
            raise ConfigurationError("timeout: must be above 0 seconds")
        running_loop()
        limit = asyncio.timeout(timeout)
        try:
            async with (
                limit,
                self._polling(waiter.cluster_id, poll) as polling,
            ):
                async for elapsed, snapshots in polling.ticks():
                    done = waiter.look(elapsed, snapshots)
                    if on_progress is not None and waiter.last is not None:
                        on_progress(waiter.last)
                    if done:
                        break
        except TimeoutError:
            if not limit.expired():
                raise
        if waiter.answer is None:
            raise waiter.timed_out(timeout)
        return waiter.answer

    @asynccontextmanager
    async def _polling(self, cluster_id: str, poll: float) -> AsyncIterator["_Poll"]:
        polling = self._polls.get(cluster_id)
        if polling is None:
            polling = _Poll(self._client, cluster_id, poll, self._random)
            self._polls[cluster_id] = polling
        # Before the task is made: an eager one runs at once, and stops when nobody
        # waits for it.
        polling.join(poll)
        if polling.task is None:
            polling.task = asyncio.create_task(polling.run())
        try:
            yield polling
        finally:
            polling.waiters -= 1
            if not polling.waiters:
                del self._polls[cluster_id]
                await polling.stop()


@attrs.define(eq=False)
class _Poll:
    """The list calls of one cluster, made while at least one waits for them."""

    client: ApiClient
    cluster_id: str
    interval: float
    random: Callable[[], float]
    pause: float = 0.0
    waiters: int = 0
    task: asyncio.Task[None] | None = None
    looks: int = 0
    snapshots: tuple[Snapshot, ...] | None = None
    failure: Exception | None = None
    news: asyncio.Event = attrs.field(factory=asyncio.Event)

    def join(self, poll: float) -> None:
        self.waiters += 1
        self.interval = min(self.interval, poll)
        self.pause = self.interval

    async def ticks(self) -> AsyncIterator[tuple[float, tuple[Snapshot, ...]]]:
        """Yield the seconds waited so far and the list, at each tick from now on."""
        monotonic = self.client.clock.monotonic
        began = monotonic()
        # The first look may be over by now, if it did not have to wait for anything.
        seen = 0 if self.looks == 1 else self.looks
        while True:
            while self.looks == seen:
                await self.news.wait()
            seen = self.looks
            if self.failure is not None:
                raise self.failure
            if self.snapshots is not None:
                yield monotonic() - began, self.snapshots

    async def run(self) -> None:
        while True:
            await self._look()
            self.looks += 1
            news, self.news = self.news, asyncio.Event()
            news.set()
            # Without waiters it was cancelled, whatever became of that underneath.
            if self.failure is not None or not self.waiters:
                return
            jitter = 1 - _JITTER + 2 * _JITTER * self.random()
            await self.client.clock.sleep(self.pause * jitter)
            self.pause = min(self.pause * _GROWTH, self.interval * _SLOWEST)

    async def _look(self) -> None:
        self.snapshots = None
        try:
            self.snapshots = await self.client.send(
                LIST_SNAPSHOTS(cluster_id=self.cluster_id)
            )
        except Exception as exc:  # noqa: BLE001  # raised again by every waiter
            # What may pass is left to the waiters' own patience.
            passing = isinstance(exc, TransportError) or (
                isinstance(exc, CSSError) and exc.retryable
            )
            if not passing:
                self.failure = exc

    async def stop(self) -> None:
        task = self.task
        if task is not None:
            task.cancel()
            await asyncio.wait([task])


@attrs.define
class _Waiter:
    """One who waits, and what it has seen; subclasses know what for."""

    cluster_id: str
    snapshot_id: str
    last: Snapshot | None = attrs.field(default=None, init=False)
    missing_since: float | None = attrs.field(default=None, init=False)
    answer: Snapshot | None = attrs.field(default=None, init=False)

    def check(self, poll: float) -> None:
        """Check what was asked for, before anything is sent."""
        check_id("cluster_id", self.cluster_id)
        check_id("snapshot_id", self.snapshot_id)
        if not poll > 0:
            raise ConfigurationError("poll: must be above 0 seconds")

    def look(self, elapsed: float, snapshots: tuple[Snapshot, ...]) -> bool:
        """Take in a list, and return whether the waiting is over, or raise why it is."""
        current = self._find(snapshots)
        if current is None:
            # A single list may lag behind, or have a gap.
            if self.missing_since is None:
                self.missing_since = 0.0 if self.last is None else elapsed
            if elapsed - self.missing_since >= SETTLE_SECONDS:
                raise self._missing()
            return False
        self.last, self.missing_since = current, None
        if self.is_done(elapsed, current):
            self.answer = current
        return self.answer is not None

    def _find(self, snapshots: tuple[Snapshot, ...]) -> Snapshot | None:
        """Find the snapshot by its id, or by its name until its id is known."""
        wanted = self.snapshot_id if self.last is None else self.last.id
        for snapshot in snapshots:
            if snapshot.id == wanted:
                return snapshot
        if self.last is not None:
            return None
        named = [snapshot for snapshot in snapshots if snapshot.name == wanted]
        if len(named) > 1:
            raise self._ambiguous(named)
        return named[0] if named else None

    def is_done(self, elapsed: float, snapshot: Snapshot) -> bool:
        raise NotImplementedError

    def timed_out(self, timeout: float) -> WaitTimeoutError:
        state = "not seen yet" if self.last is None else self.last.status.value
        return WaitTimeoutError(
            f"snapshot {self.snapshot_id} of cluster {self.cluster_id}: not finished"
            f" within {timeout:g} s; last state: {state}",
            cluster_id=self.cluster_id,
            snapshot_id=self.snapshot_id,
            snapshot=self.last,
        )

    def _ambiguous(self, named: list[Snapshot]) -> DuplicateSnapshotError:
        ids = [snapshot.id for snapshot in named]
        return DuplicateSnapshotError(
            f"cluster {self.cluster_id} has {len(ids)} snapshots named"
            f" {self.snapshot_id}; wait for one by its id: {', '.join(ids)}",
            cluster_id=self.cluster_id,
            name=self.snapshot_id,
            snapshot_ids=ids,
        )

    def _missing(self) -> SnapshotNotFoundError:
        what = "is not in the list" if self.last is None else "vanished from the list"
        return SnapshotNotFoundError(
            f"snapshot {self.snapshot_id} of cluster {self.cluster_id} {what}",
            cluster_id=self.cluster_id,
            snapshot_id=self.snapshot_id,
            snapshot=self.last,
        )


@attrs.define
class _Following(_Waiter):
    """Follows the snapshot to its end, whichever that is."""

    def is_done(self, elapsed: float, snapshot: Snapshot) -> bool:  # noqa: ARG002  # only restorations depend on the time
        return snapshot.is_finished


@attrs.define
class _Completion(_Waiter):
    """Waits for the snapshot itself."""

    def is_done(self, elapsed: float, snapshot: Snapshot) -> bool:  # noqa: ARG002  # only restorations depend on the time
        if not snapshot.is_finished:
            return False
        if not snapshot.is_usable:
            raise spoiled_error(snapshot, self.cluster_id)
        return True


@attrs.define
class _Restoration(_Waiter):
    """Waits for the snapshot's restoration, and not for an earlier one."""

    seen_restoring: bool = attrs.field(default=False, init=False)

    def is_done(self, elapsed: float, snapshot: Snapshot) -> bool:
        status = snapshot.restore_status
        if status == RestoreStatus.RESTORING:
            self.seen_restoring = True
            return False
        # A state that was there from the start may be that of an earlier
        # restoration, until the new one has had the time to show.
        if not self.seen_restoring and elapsed < SETTLE_SECONDS:
            return False
        if status == RestoreStatus.FAILED:
            raise SnapshotFailedError(
                f"snapshot {snapshot.name} ({snapshot.id}) of cluster"
                f" {self.cluster_id} could not be restored",
                cluster_id=self.cluster_id,
                snapshot_id=snapshot.id,
                snapshot=snapshot,
            )
        return status == RestoreStatus.SUCCESS
