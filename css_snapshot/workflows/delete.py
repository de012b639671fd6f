"""Deleting snapshots: one by its id, or those that are no longer wanted."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from css_snapshot.api.operations import DELETE_SNAPSHOT, LIST_SNAPSHOTS
from css_snapshot.api.rules import check_number, check_seconds, check_text
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import (
    APIError,
    CSSError,
    NotFoundError,
    PruneError,
    RequestValidationError,
)
from css_snapshot.models import RestoreStatus, Snapshot
from css_snapshot.workflows.verdict import verdict_on

_AT_REST: Final = frozenset(
    {None, RestoreStatus.NONE, RestoreStatus.SUCCESS, RestoreStatus.FAILED}
)


async def delete(client: ApiClient, cluster_id: str, snapshot_id: str) -> None:
    """Delete a snapshot, and recognise it if a repeated attempt meets its own work.

    Raises:
        CSSError: As `ApiClient.send` raises it.
    """
    await _delete(client, cluster_id, snapshot_id, client.end_of_call())


async def _delete(
    client: ApiClient, cluster_id: str, snapshot_id: str, until: float
) -> None:
    try:
        await client.send(
            DELETE_SNAPSHOT(cluster_id=cluster_id, snapshot_id=snapshot_id),
            until=until,
        )
    except APIError as exc:
        # The codes for a snapshot that is gone differ by site, and one of them is
        # also that for a missing permission; the list is proof.
        if not any(map(_may_have_deleted, exc.earlier)):
            raise
        refusal = exc
    else:
        return
    if not await _is_gone(client, cluster_id, snapshot_id, until):
        raise refusal


async def prune(
    client: ApiClient,
    cluster_id: str,
    *,
    keep: int,
    prefix: str | None = None,
    older_than: float | None = None,
    dry_run: bool = False,
) -> tuple[Snapshot, ...]:
    """Delete the manual snapshots no longer wanted; see `SnapshotService.prune`."""
    check_number("keep", keep, least=0)
    if older_than is not None:
        check_seconds("older_than", older_than)
    if prefix is not None:
        check_text("prefix", prefix)
    # From a variable that is not set, it would match everything.
    if prefix == "":
        raise RequestValidationError("prefix", "must not be empty; leave it out")
    until = client.end_of_call()
    snapshots = await client.send(LIST_SNAPSHOTS(cluster_id=cluster_id), until=until)
    before = None
    if older_than is not None:
        before = client.clock.now() - timedelta(seconds=older_than)
    doomed = _no_longer_wanted(snapshots, keep, prefix or "", before)
    if dry_run:
        return doomed
    return await _delete_all(client, cluster_id, doomed, until)


def _no_longer_wanted(
    snapshots: Iterable[Snapshot], keep: int, prefix: str, before: datetime | None
) -> tuple[Snapshot, ...]:
    """Answer what may go, oldest first.

    Only usable snapshots count as kept, so that failed ones don't push good ones out.
    """
    dated = [
        (begun, snapshot)
        for snapshot in snapshots
        if snapshot.is_manual and snapshot.name.startswith(prefix)
        if (begun := snapshot.start_time or snapshot.created) is not None
    ]
    dated.sort(key=lambda pair: (pair[0], pair[1].id), reverse=True)
    doomed: list[Snapshot] = []
    kept = 0
    for begun, snapshot in dated:
        if kept < keep:
            kept += 1 if snapshot.is_usable else 0
        elif _is_at_rest(snapshot) and (before is None or begun < before):
            doomed.append(snapshot)
    return tuple(reversed(doomed))


def _is_at_rest(snapshot: Snapshot) -> bool:
    return snapshot.is_finished and snapshot.restore_status in _AT_REST


async def _delete_all(
    client: ApiClient, cluster_id: str, doomed: tuple[Snapshot, ...], until: float
) -> tuple[Snapshot, ...]:
    deleted: list[Snapshot] = []
    for snapshot in doomed:
        try:
            await _delete(client, cluster_id, snapshot.id, until)
        except NotFoundError:
            continue
        except CSSError as exc:
            stopped = PruneError(
                f"cluster {cluster_id}: {len(deleted)} of {len(doomed)} snapshots were"
                f" deleted, then {snapshot.name} ({snapshot.id}) was not: {exc}",
                cluster_id=cluster_id,
                snapshot_id=snapshot.id,
                snapshot=snapshot,
                deleted=deleted,
            )
            stopped.retryable = exc.retryable
            raise stopped from exc
        deleted.append(snapshot)
    return tuple(deleted)


async def _is_gone(
    client: ApiClient, cluster_id: str, snapshot_id: str, until: float
) -> bool:
    operation = LIST_SNAPSHOTS(cluster_id=cluster_id)
    try:
        snapshots = await client.send(operation, until=until)
    except CSSError:
        return False
    return all(snapshot.id != snapshot_id for snapshot in snapshots)


def _may_have_deleted(failure: CSSError) -> bool:
    return verdict_on(failure) in {"failed", "unknown"}
