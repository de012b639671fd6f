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
    PartialSnapshotError,
    SnapshotFailedError,
    SnapshotNotFoundError,
    TransportError,
    WaitTimeoutError,
)
from css_snapshot.event_loop import running_loop
from css_snapshot.models import RestoreStatus, Snapshot, SnapshotStatus

Progress = Callable[[Snapshot], object]

_SETTLE_SECONDS: Final = 15.0
_GROWTH: Final = 1.25
_SLOWEST: Final = 4.0
_JITTER: Final = 0.2


class SnapshotWatch:
    """Watches the snapshots of any number of clusters, while someone waits on them.

    Args:
        client: Carries the list calls.
        random: Answers a random number from 0 up to 1, to spread the calls.
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
        timeout: float = 600.0,
        poll: float = 5.0,
        on_progress: Progress | None = None,
    ) -> Snapshot:
        """Wait until a snapshot is finished; see `SnapshotService.wait`."""
        return await self._wait(
            _Completion(cluster_id, snapshot_id), timeout, poll, on_progress
        )

    async def wait_restored(
        self,
        cluster_id: str,
        snapshot_id: str,
        *,
        timeout: float = 600.0,
        poll: float = 5.0,
        on_progress: Progress | None = None,
    ) -> Snapshot:
        """Wait until a snapshot is restored; see `SnapshotService.wait_restored`."""
        return await self._wait(
            _Restoration(cluster_id, snapshot_id), timeout, poll, on_progress
        )

    async def _wait(
        self,
        waiter: "_Waiter",
        timeout: float,
        poll: float,
        on_progress: Progress | None,
    ) -> Snapshot:
        check_id("cluster_id", waiter.cluster_id)
        check_id("snapshot_id", waiter.snapshot_id)
        if not (timeout > 0 and poll > 0):
            raise ConfigurationError("timeout, poll: must be above 0 seconds")
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
            polling.task = asyncio.create_task(polling.run())
        polling.join(poll)
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
        while True:
            await self.news.wait()
            if self.failure is not None:
                raise self.failure
            if self.snapshots is not None:
                yield monotonic() - began, self.snapshots

    async def run(self) -> None:
        while True:
            await self._look()
            news = self.news
            if self.failure is None:
                self.news = asyncio.Event()
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
    answer: Snapshot | None = attrs.field(default=None, init=False)

    def look(self, elapsed: float, snapshots: tuple[Snapshot, ...]) -> bool:
        """Take in a list; answer whether the waiting is over, or raise why it is."""
        current = next((s for s in snapshots if s.id == self.snapshot_id), None)
        if current is None:
            if self.last is not None or elapsed >= _SETTLE_SECONDS:
                raise self._missing()
            return False
        self.last = current
        if self.is_done(elapsed, current):
            self.answer = current
        return self.answer is not None

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

    def failed(
        self, kind: type[SnapshotFailedError], what: str, snapshot: Snapshot
    ) -> SnapshotFailedError:
        return kind(
            f"snapshot {snapshot.name} ({snapshot.id}) of cluster"
            f" {self.cluster_id} {what}",
            cluster_id=self.cluster_id,
            snapshot_id=self.snapshot_id,
            snapshot=snapshot,
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
class _Completion(_Waiter):
    """Waits for the snapshot itself."""

    def is_done(self, elapsed: float, snapshot: Snapshot) -> bool:  # noqa: ARG002  # only restorations depend on the time
        if snapshot.status == SnapshotStatus.FAILED:
            raise self.failed(SnapshotFailedError, "failed", snapshot)
        if not snapshot.is_finished:
            return False
        if not snapshot.is_usable:
            shards = f"{snapshot.failed_shards} of {snapshot.total_shards} shards"
            raise self.failed(
                PartialSnapshotError, f"is partial: {shards} failed", snapshot
            )
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
        if not self.seen_restoring and elapsed < _SETTLE_SECONDS:
            return False
        if status == RestoreStatus.FAILED:
            raise self.failed(SnapshotFailedError, "could not be restored", snapshot)
        return status == RestoreStatus.SUCCESS
