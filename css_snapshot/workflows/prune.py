"""Pruning: carrying out a retention plan, one snapshot after the other."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import attrs

from css_snapshot.api.operations import LIST_SNAPSHOTS
from css_snapshot.api.rules import check_id, check_number, check_seconds
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import (
    APIError,
    ConflictError,
    CSSError,
    NotFoundError,
    PruneError,
    RequestValidationError,
)
from css_snapshot.models import Snapshot
from css_snapshot.typing import OnDeleted
from css_snapshot.workflows.delete import delete
from css_snapshot.workflows.look import pauses
from css_snapshot.workflows.retention import Retention, RetentionPlan, check_prefix

_BEING_DELETED: Final = "CSS.3016"


async def prune(
    client: ApiClient,
    cluster_id: str,
    *,
    retention: Retention | None,
    keep: int | None,
    older_than: float | None,
    prefix: str | None,
    plan: RetentionPlan | None,
    dry_run: bool,
    busy_wait: float,
    on_deleted: OnDeleted | None,
) -> RetentionPlan:
    """Plan which snapshots go, and delete those; see `SnapshotService.prune`."""
    check_id("cluster_id", cluster_id)
    check_seconds("busy_wait", busy_wait)
    until = client.end_of_call()
    if plan is not None:
        if (retention, keep, older_than, prefix) != (None,) * 4:
            raise RequestValidationError("plan", "comes alone: it holds the rules")
        _check_plan(plan, cluster_id)
    else:
        rules = _rules(retention, keep, older_than)
        check_prefix(prefix)
        snapshots = await client.look(
            LIST_SNAPSHOTS(cluster_id=cluster_id), until=until
        )
        before = None
        if older_than is not None:
            before = client.clock.now() - timedelta(seconds=older_than)
        plan = rules.plan(snapshots, prefix=prefix, before=before)
    if dry_run:
        return plan
    pruning = _Pruning(client, cluster_id, plan, until, busy_wait, on_deleted)
    return await pruning.carry_out()


def _rules(
    retention: Retention | None, keep: int | None, older_than: float | None
) -> Retention:
    """Return the rules, given as such or by their short forms."""
    if older_than is not None:
        check_seconds("older_than", older_than)
    if keep is not None:
        check_number("keep", keep, least=0)
    if retention is not None:
        if not isinstance(retention, Retention):
            raise RequestValidationError("retention", "must be a Retention")
        if keep is not None:
            raise RequestValidationError("keep", "must not come with a retention")
        return retention
    if older_than is not None:
        # An age says by itself what may go; the newest usable one stays in any case.
        return Retention(last=max(keep or 0, 1))
    if keep is None:
        raise RequestValidationError(
            "retention", "is needed, or one of its short forms keep and older_than"
        )
    return Retention(last=keep)


def _check_plan(plan: RetentionPlan, cluster_id: str) -> None:
    if not isinstance(plan, RetentionPlan):
        raise RequestValidationError("plan", "must be a RetentionPlan")
    if any(row.cluster_id not in {None, cluster_id} for row in plan.delete):
        raise RequestValidationError("plan", "is of another cluster's snapshots")


@attrs.define
class _Pruning:
    """One plan being carried out, and how far it is.

    Attributes:
        client: Carries the calls.
        cluster_id: The cluster.
        plan: The plan; nothing else is deleted.
        until: When to give up, on the clock's monotonic scale.
        busy_wait: Seconds to go on trying one deletion that is refused as busy.
        on_deleted: Called with each snapshot right after it was deleted.
        deleted: What was deleted so far.
        passed_over: What was not, each with why.
    """

    client: ApiClient
    cluster_id: str
    plan: RetentionPlan
    until: float
    busy_wait: float
    on_deleted: OnDeleted | None
    deleted: list[Snapshot] = attrs.field(factory=list)
    passed_over: list[tuple[Snapshot, str]] = attrs.field(factory=list)

    async def carry_out(self) -> RetentionPlan:
        """Delete what is still to go, and return the plan as it was carried out."""
        for snapshot in self.plan.delete:
            try:
                await self._remove(snapshot)
            except CSSError as exc:
                raise self._stopped(snapshot, exc) from exc
        return attrs.evolve(
            self.plan,
            delete=tuple(self.deleted),
            untouched=(*self.plan.untouched, *self.passed_over),
        )

    async def _remove(self, snapshot: Snapshot) -> None:
        clock = self.client.clock
        give_up = min(clock.monotonic() + self.busy_wait, self.until)
        for pause in pauses():
            try:
                why_not = await self._delete(snapshot)
            except ConflictError:
                # The service carries out one deletion after the other.
                if clock.monotonic() + pause > give_up:
                    raise
                await clock.sleep(pause)
            else:
                self._record(snapshot, why_not)
                return

    async def _delete(self, snapshot: Snapshot) -> str | None:
        """Delete a snapshot, or return why it is passed over."""
        why_not = await self._why_not(snapshot)
        if why_not is not None:
            return why_not
        try:
            await delete(self.client, self.cluster_id, snapshot.id, until=self.until)
        except ConflictError:
            raise
        except APIError as exc:
            return await self._why_refused(snapshot, exc)
        return None

    def _stopped(self, snapshot: Snapshot, failure: CSSError) -> PruneError:
        error = PruneError(
            f"cluster {self.cluster_id}: {len(self.deleted)} of"
            f" {len(self.plan.delete)} snapshots were deleted, then {snapshot.name}"
            f" ({snapshot.id}) failed: {failure}",
            cluster_id=self.cluster_id,
            snapshot_id=snapshot.id,
            snapshot=snapshot,
            deleted=self.deleted,
        )
        error.retryable = failure.retryable
        return error

    async def _why_not(self, snapshot: Snapshot) -> str | None:
        """Look once more, and return why a snapshot is not to go; `None` if it is."""
        listing = LIST_SNAPSHOTS(cluster_id=self.cluster_id)
        rows = await self.client.look(listing, until=self.until)
        return _why_not(snapshot, self.plan, rows)

    async def _why_refused(self, snapshot: Snapshot, refusal: APIError) -> str:
        """Return why a refusal is no failure.

        Raises:
            APIError: If it is one.
        """
        why = await self._why_not(snapshot)
        if why is None and isinstance(refusal, NotFoundError):
            why = "gone already"
        if why is None and refusal.code == _BEING_DELETED:
            why = "being deleted already"
        if why is None:
            raise refusal
        return why

    def _record(self, snapshot: Snapshot, why_not: str | None) -> None:
        if why_not is not None:
            self.passed_over.append((snapshot, why_not))
            return
        self.deleted.append(snapshot)
        if self.on_deleted is not None:
            self.on_deleted(snapshot)


def _why_not(
    snapshot: Snapshot, plan: RetentionPlan, rows: Sequence[Snapshot]
) -> str | None:
    if all(row.id != snapshot.id for row in rows):
        return "gone already"
    renewed = plan.renewed(rows)
    if any(row.id == snapshot.id for row in renewed.delete):
        return None
    for row, why in renewed.untouched:
        if row.id == snapshot.id:
            return why
    return "wanted after all"
