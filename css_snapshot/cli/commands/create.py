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
    OnSpoiledOption,
    SettleOption,
    WaitOption,
)
from css_snapshot.cli.output.records import backup_record, ensured_record
from css_snapshot.cli.output.waiting import Patience, completion
from css_snapshot.models import Backup
from css_snapshot.workflows.defaults import SETTLE_SECONDS

_LOOK_FIRST: Final = "css-snapshot ensure, with the same name, looks before it creates"


@command
async def create(
    session: Session,
    cluster: ClusterArgument,
    name: NewName,
    *,
    indices: IndicesOption = None,
    description: DescriptionOption = None,
    wait: WaitOption = False,
    patience: Patience,
) -> None:
    """Start a snapshot of one cluster.

    The service works in the background: what comes back is accepted, not done,
    unless --wait is given. Where an answer may get lost, use 'ensure': it never
    creates twice.

    Examples:
      css-snapshot create ea244205-d641-45d9-9dcb-ab2236bcd07e snapshot_001
      css-snapshot create prod-search nightly --indices 'logs-2026-*,orders'
      css-snapshot create prod-search nightly --wait --timeout 4h

    JSON: kind (backup), id, name, request_id, cluster_id; with --wait then the
    snapshot, as 'list' shows it. Exit codes: 1 with --wait, it failed or lacks
    shards; 3 it may exist, or with --wait, it is not finished yet.
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
        advice = "" if wait else _to_wait_for(cluster_id, backup)
        session.output.done(
            f"created {backup.name} ({backup.id}), being built{advice}",
            backup_record(cluster_id, backup),
        )
        if wait:
            await completion(
                session.output, service, cluster_id, backup, patience=patience
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
    on_spoiled: OnSpoiledOption = "fail",
    settle: SettleOption = SETTLE_SECONDS,
    wait: WaitOption = False,
    patience: Patience,
) -> None:
    """Create a snapshot exactly once, even if answers get lost.

    Run it again with the same name as often as you like: it looks for the
    snapshot before it creates it, and after each answer that leaves a doubt.

    Examples:
      css-snapshot ensure ea244205-d641-45d9-9dcb-ab2236bcd07e nightly-20261124
      css-snapshot ensure prod-search nightly --on-exists fail --deadline 120
      css-snapshot ensure prod-search nightly --wait --on-spoiled number

    JSON: kind (backup), id, name, request_id (of the creation), cluster_id, how
    (created or adopted), attempts, doubt (what could not be compared); with
    --wait then the snapshot, as 'list' shows it. Exit codes: 1 with --wait, it
    failed or lacks shards; 3 unknown even after looking, or with --wait, not
    finished yet: run it again.
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
            on_spoiled=on_spoiled,
            settle=settle,
        )
        if ensured.doubt:
            session.output.warning(ensured.doubt)
        session.output.done(
            f"{ensured.how} {ensured.backup.name} ({ensured.backup.id})",
            ensured_record(cluster_id, ensured),
        )
        if wait:
            await completion(
                session.output, service, cluster_id, ensured.backup, patience=patience
            )


def _to_wait_for(cluster_id: str, backup: Backup) -> str:
    return f"; to wait for it: css-snapshot wait {cluster_id} {backup.id}"
