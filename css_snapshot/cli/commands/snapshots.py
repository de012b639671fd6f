"""Commands about the snapshots of one cluster: create, ensure, list, delete."""

import asyncio
from typing import Final

from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.api.rules import check_id
from css_snapshot.cli.arguments import (
    ClusterId,
    Description,
    Indices,
    OnExistsOption,
    Settle,
    SnapshotId,
    SnapshotName,
    Yes,
)
from css_snapshot.cli.confirmation import confirm
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.output.output import Column
from css_snapshot.cli.output.records import (
    backup_record,
    done_record,
    ensured_record,
    snapshot_record,
)
from css_snapshot.cli.session import Session, command
from css_snapshot.errors import CSSError
from css_snapshot.workflows.verdict import verdict_on

SNAPSHOT_COLUMNS: Final = (
    Column("NAME", "name", fold=True),
    Column("ID", "id", fold=True),
    Column("STATUS", "status"),
    Column("CREATED", "created"),
    Column("SHARDS", "total_shards"),
    Column("MISSING", "failed_shards"),
    Column("AUTOMATIC", "is_automatic"),
)
_LOOK_FIRST: Final = "css-snapshot ensure, with the same name, looks before it creates"


@command
async def create(
    session: Session,
    cluster_id: ClusterId,
    name: SnapshotName,
    *,
    indices: Indices = None,
    description: Description = None,
) -> ExitCode | None:
    """Start a snapshot of one cluster.

    The service works in the background: what comes back is accepted, not done.
    Where an answer may get lost, take 'ensure': it never creates twice.

    Examples:
      css-snapshot create ea244205-d641-45d9-9dcb-ab2236bcd07e snapshot_001
      css-snapshot create ea244205-... nightly --indices 'logs-2026-*,orders'

    JSON: kind (backup), id, name, cluster_id. Exit code 3: it may exist.
    """
    check_id("cluster_id", cluster_id)
    CreateSnapshotRequest(name, indices=indices, description=description)
    try:
        async with session.service() as service:
            backup = await service.create(
                cluster_id, name, indices=indices, description=description
            )
    except CSSError as exc:
        if verdict_on(exc) != "unknown":
            raise
        session.output.failure(exc, f"it may exist: {_LOOK_FIRST}")
        return ExitCode.INDETERMINATE
    except asyncio.CancelledError:
        session.output.warning(f"{name} may exist: {_LOOK_FIRST}")
        raise
    session.output.done(
        f"created {backup.name} ({backup.id}), being built; to wait for it:"
        f" css-snapshot wait {cluster_id} {backup.id}",
        backup_record(cluster_id, backup),
    )
    return None


@command
async def ensure(
    session: Session,
    cluster_id: ClusterId,
    name: SnapshotName,
    *,
    indices: Indices = None,
    description: Description = None,
    on_exists: OnExistsOption = "adopt",
    settle: Settle = 15.0,
) -> None:
    """Create a snapshot exactly once, even if answers get lost.

    Run it again with the same name as often as you like: it looks for the
    snapshot before it creates it, and after each answer that leaves a doubt.

    Examples:
      css-snapshot ensure ea244205-d641-45d9-9dcb-ab2236bcd07e nightly-20261124
      css-snapshot ensure ea244205-... nightly --on-exists fail --deadline 120

    JSON: kind (backup), id, name, cluster_id, how (created or adopted),
    attempts. Exit code 3: unknown even after looking; run it again.
    """
    check_id("cluster_id", cluster_id)
    CreateSnapshotRequest(name, indices=indices, description=description)
    async with session.service() as service:
        ensured = await service.ensure(
            cluster_id,
            name,
            indices=indices,
            description=description,
            on_exists=on_exists,
            settle=settle,
        )
    session.output.done(
        f"{ensured.how} {ensured.backup.name} ({ensured.backup.id})",
        ensured_record(cluster_id, ensured),
    )


@command
async def list_(session: Session, cluster_id: ClusterId) -> None:
    """Show the snapshots of one cluster.

    Examples:
      css-snapshot list ea244205-d641-45d9-9dcb-ab2236bcd07e
      css-snapshot list ea244205-... --json | jq -r 'select(.is_usable) | .name'

    JSON: kind (snapshot), id, name, cluster_id, cluster_name, status,
    is_usable, is_automatic, created, start_time, end_time, duration, indices,
    total_shards, failed_shards, restore_status, description, bucket.
    """
    async with session.service() as service:
        snapshots = await service.list(cluster_id)
    session.output.rows(
        (snapshot_record(cluster_id, snapshot) for snapshot in snapshots),
        SNAPSHOT_COLUMNS,
        empty="no snapshots",
    )


@command
async def delete(
    session: Session,
    cluster_id: ClusterId,
    snapshot_id: SnapshotId,
    *,
    yes: Yes = False,
) -> None:
    """Delete one snapshot, for good.

    Asks first; where nobody can be asked, it demands --yes.

    Examples:
      css-snapshot delete ea244205-... 9dc4f5c9-33c0-45c7-9378-ae35ae350682
      css-snapshot delete ea244205-... 9dc4f5c9-... --yes

    JSON: kind (deleted), cluster_id, snapshot_id.
    """
    check_id("cluster_id", cluster_id)
    check_id("snapshot_id", snapshot_id)
    if not yes:
        confirm(session.output, f"Delete snapshot {snapshot_id} of {cluster_id}?")
    async with session.service() as service:
        await service.delete(cluster_id, snapshot_id)
    session.output.done(
        f"deleted {snapshot_id}", done_record("deleted", cluster_id, snapshot_id)
    )
