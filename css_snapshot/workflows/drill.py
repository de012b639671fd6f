"""The drill: a restoration to prove that the last good snapshot can be restored."""

import asyncio
import re
from typing import Final

import attrs

from css_snapshot.api.operations import LIST_SNAPSHOTS
from css_snapshot.api.requests import RestoreSnapshotRequest
from css_snapshot.api.rules import check_id, check_match, check_seconds
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import (
    CSSError,
    IndeterminateRestoreError,
    RequestValidationError,
    SnapshotFailedError,
    SnapshotNotFoundError,
)
from css_snapshot.events import logger
from css_snapshot.models import DrillReport, Snapshot
from css_snapshot.typing import (
    DrillCheck,
    DrillCleanup,
    DrillVerdict,
    Progress,
    WireNames,
)
from css_snapshot.workflows.coverage import age_of, begun
from css_snapshot.workflows.fit import explains
from css_snapshot.workflows.restore import Restoration, ensure_restored
from css_snapshot.workflows.retention import check_prefix
from css_snapshot.workflows.wait import SnapshotWatch

_RENAME_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
# A pattern never restores these, says the vendor's page on restoring a snapshot.
_SYSTEM: Final = re.compile(r"\.kibana.*|\.opendistro_security", re.DOTALL)
_ALL: Final = ("*",)


@attrs.frozen(kw_only=True)
class DrillOptions:
    """What a drill restores, where to, and how long that may take.

    Attributes:
        into: The cluster to restore into.
        prefix: Only snapshots whose names start with this count; `None` for any.
        indices: Names or patterns; `None` for all.
        rename_prefix: What the names of the restored indices begin with.
        timeout: Seconds the restoration may take.
        poll: Initial polling interval in seconds.
        settle: Seconds a restoration may take to show.
        cleanup_timeout: Seconds the clean-up may take.
        on_progress: Called with the snapshot at each look.

    Raises:
        RequestValidationError: If a value breaks its rule.
    """

    into: str
    prefix: str | None
    indices: tuple[str, ...] | None
    rename_prefix: str
    timeout: float
    poll: float
    settle: float
    cleanup_timeout: float
    on_progress: Progress | None

    def __attrs_post_init__(self) -> None:
        check_prefix(self.prefix)
        check_match(
            "rename_prefix",
            self.rename_prefix,
            _RENAME_PREFIX,
            "must be 1 to 64 lower-case letters, digits, hyphens, underscores or"
            " periods, and begin with a letter or a digit",
        )
        for field in ("timeout", "poll", "cleanup_timeout"):
            check_seconds(field, getattr(self, field))
            if not getattr(self, field):
                raise RequestValidationError(field, "must be above 0 seconds")
        check_seconds("settle", self.settle)

    @property
    def request(self) -> RestoreSnapshotRequest:
        """What is asked of the service."""
        return RestoreSnapshotRequest(
            target_cluster_id=self.into,
            indices=self.indices,
            rename_pattern="(.+)",
            rename_replacement=f"{self.rename_prefix}$1",
        )

    def expected_indices(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Return what the indices of a snapshot will be called in the target."""
        asked = self.indices or _ALL
        names = map(str.strip, snapshot.indices)
        return tuple(
            f"{self.rename_prefix}{name}" for name in names if _is_restored(name, asked)
        )


async def drill(
    client: ApiClient,
    watch: SnapshotWatch,
    cluster_id: str,
    options: DrillOptions,
    *,
    names: WireNames,
    verify: DrillCheck,
    cleanup: DrillCleanup | None,
) -> DrillReport:
    """Restore the last good snapshot, and have it checked; see `SnapshotService.drill`.

    Args:
        client: Carries the calls.
        watch: Waits for the restoration.
        cluster_id: The cluster that the snapshot is of.
        options: What to restore, where to, and how long that may take.
        names: How the names that changed over the years are spelled.
        verify: Checks what was restored.
        cleanup: Removes it.

    Raises:
        SnapshotNotFoundError: If the cluster has no usable snapshot.
        CSSError: If the restoration was refused, or not sent.
    """
    check_id("cluster_id", cluster_id)
    request = options.request
    if options.into == cluster_id:
        raise RequestValidationError(
            "into", "must be another cluster: a drill may fill and slow down its target"
        )
    until = client.end_of_call()
    with client.telling_workflow("drill", cluster_id):
        snapshot = await _last_good(client, cluster_id, options.prefix, until)
        under_way = _Drill(
            client=client,
            watch=watch,
            options=options,
            verify=verify,
            cleanup=cleanup,
            restoration=Restoration(
                client, cluster_id, snapshot.id, request, names, until
            ),
            report=DrillReport(
                cluster_id=cluster_id,
                target_cluster_id=options.into,
                snapshot=snapshot,
                expected_indices=options.expected_indices(snapshot),
                age=age_of(snapshot, client.clock.now()),
            ),
        )
        return await under_way.run()


@attrs.define(kw_only=True)
class _Drill:
    """One drill under way.

    Attributes:
        report: What is known so far.
        may_have_begun: Whether the restoration may have begun.
        sent_at: When it was asked for, on the clock's monotonic scale.
    """

    client: ApiClient
    watch: SnapshotWatch
    options: DrillOptions
    verify: DrillCheck
    cleanup: DrillCleanup | None
    restoration: Restoration
    report: DrillReport
    may_have_begun: bool = False
    sent_at: float = 0.0

    async def run(self) -> DrillReport:
        """Restore, have it checked, and clean up whatever happened."""
        try:
            if await self._start() and await self._wait():
                await self._check()
        finally:
            # What is in the target without this drill's doing may be another drill's.
            if self.cleanup is not None and self.may_have_begun:
                await self._clean_up(self.cleanup)
        return self.report

    async def _start(self) -> bool:
        try:
            await ensure_restored(
                self.restoration, settle=self.options.settle, before=self._note_sending
            )
        except IndeterminateRestoreError as exc:
            self._conclude("unknown", exc)
            return False
        except CSSError:
            self.may_have_begun = False
            raise
        return True

    async def _note_sending(self) -> None:
        self.may_have_begun = True
        self.sent_at = self.client.clock.monotonic()

    async def _wait(self) -> bool:
        try:
            await self.watch.wait_restored(
                self.report.cluster_id,
                self.report.snapshot.id,
                timeout=self.options.timeout,
                poll=self.options.poll,
                on_progress=self.options.on_progress,
            )
        except SnapshotFailedError as exc:
            self._conclude("failed", exc)
        except CSSError as exc:
            self._conclude("unknown", exc)
        else:
            seconds = self.client.clock.monotonic() - self.sent_at
            self.report = attrs.evolve(self.report, restore_seconds=seconds)
        return self.report.verdict is None

    async def _check(self) -> None:
        try:
            result = await self.verify(self.report)
        except Exception as exc:  # noqa: BLE001  # whatever it is, it is the verdict
            self._conclude("failed", exc)
        else:
            self._conclude("verified" if result is None or result else "failed")

    def _conclude(self, verdict: DrillVerdict, error: Exception | None = None) -> None:
        self.report = attrs.evolve(self.report, verdict=verdict, error=error)

    async def _clean_up(self, cleanup: DrillCleanup) -> None:
        """Run the clean-up to its end, or its limit, whoever is cancelled meanwhile."""
        task = asyncio.create_task(self._within_limit(cleanup))
        cancellation: asyncio.CancelledError | None = None
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError as exc:
                cancellation = exc
        try:
            task.result()
        except Exception as exc:  # noqa: BLE001  # reported, and no other error hidden
            logger.warning(
                "cluster %s: the clean-up of a drill failed: %r", self.options.into, exc
            )
            self.report = attrs.evolve(self.report, cleanup_error=exc)
        if cancellation is not None:
            raise cancellation

    async def _within_limit(self, cleanup: DrillCleanup) -> None:
        seconds = self.options.cleanup_timeout
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                await cleanup(self.report)
        except TimeoutError:
            if not limit.expired():
                raise
            raise TimeoutError(f"the clean-up took longer than {seconds:g} s") from None


async def _last_good(
    client: ApiClient, cluster_id: str, prefix: str | None, until: float
) -> Snapshot:
    """Return the newest usable snapshot of a cluster."""
    rows = await client.look(LIST_SNAPSHOTS(cluster_id=cluster_id), until=until)
    good = [row for row in rows if row.is_usable and row.name.startswith(prefix or "")]
    if not good:
        named = f" whose name starts with {prefix}" if prefix else ""
        raise SnapshotNotFoundError(
            f"cluster {cluster_id} has no usable snapshot{named}; there is nothing to"
            " restore",
            cluster_id=cluster_id,
            snapshot_id="",
        )
    return max(good, key=lambda row: (begun(row), row.id))


def _is_restored(index: str, asked: tuple[str, ...]) -> bool:
    """Check whether an index of the snapshot comes back if these are asked for."""
    if index in asked:
        return True
    return _SYSTEM.fullmatch(index) is None and explains(asked, index)
