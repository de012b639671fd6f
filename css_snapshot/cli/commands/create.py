"""The commands that create a snapshot of one cluster: create and ensure."""

import asyncio
from typing import Final

from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.api.rules import check_id
from css_snapshot.cli.changes import changing
from css_snapshot.cli.command import Session, command
from css_snapshot.cli.fleet.lookup import ClusterLookup
from css_snapshot.cli.options import (
    ClusterArgument,
    DescriptionOption,
    IndicesOption,
    NewName,
    OnExistsOption,
    SettleOption,
)
from css_snapshot.cli.output.records import backup_record, ensured_record

_LOOK_FIRST: Final = "css-snapshot ensure, with the same name, looks before it creates"


@command
async def create(
    session: Session,
    cluster: ClusterArgument,
    name: NewName,
    *,
    indices: IndicesOption = None,
    description: DescriptionOption = None,
) -> None:
    """Start a snapshot of one cluster.

    The service works in the background: what comes back is accepted, not done.
    Where an answer may get lost, use 'ensure': it never creates twice.

    Examples:
      css-snapshot create ea244205-d641-45d9-9dcb-ab2236bcd07e snapshot_001
      css-snapshot create prod-search nightly --indices 'logs-2026-*,orders'

    JSON: kind (backup), id, name, cluster_id. Exit code 3: it may exist.
    """
    check_id("cluster_id", cluster)
    CreateSnapshotRequest(name, indices=indices, description=description)
    async with session.service() as service:
        cluster_id = await ClusterLookup(service).id_of(cluster)
        try:
            with changing(session.output, f"it may exist: {_LOOK_FIRST}"):
                backup = await service.create(
                    cluster_id, name, indices=indices, description=description
                )
        except asyncio.CancelledError:
            session.output.warning(f"{name} may exist: {_LOOK_FIRST}")
            raise
    session.output.done(
        f"created {backup.name} ({backup.id}), being built; to wait for it:"
        f" css-snapshot wait {cluster_id} {backup.id}",
        backup_record(cluster_id, backup),
    )


@command
async def ensure(
    session: Session,
    cluster: ClusterArgument,
    name: NewName,
    *,
    indices: IndicesOption = None,
    description: DescriptionOption = None,
    on_exists: OnExistsOption = "adopt",
    settle: SettleOption = 15.0,
) -> None:
    """Create a snapshot exactly once, even if answers get lost.

    Run it again with the same name as often as you like: it looks for the
    snapshot before it creates it, and after each answer that leaves a doubt.

    Examples:
      css-snapshot ensure ea244205-d641-45d9-9dcb-ab2236bcd07e nightly-20261124
      css-snapshot ensure prod-search nightly --on-exists fail --deadline 120

    JSON: kind (backup), id, name, cluster_id, how (created or adopted),
    attempts, doubt (what could not be compared). Exit code 3: unknown even after looking; run it again.
    """
    check_id("cluster_id", cluster)
    CreateSnapshotRequest(name, indices=indices, description=description)
    async with session.service() as service:
        cluster_id = await ClusterLookup(service).id_of(cluster)
        ensured = await service.ensure(
            cluster_id,
            name,
            indices=indices,
            description=description,
            on_exists=on_exists,
            settle=settle,
        )
    if ensured.doubt:
        session.output.warning(ensured.doubt)
    session.output.done(
        f"{ensured.how} {ensured.backup.name} ({ensured.backup.id})",
        ensured_record(cluster_id, ensured),
    )
