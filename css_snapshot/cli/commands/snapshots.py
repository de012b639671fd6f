"""The commands that show snapshots: list and show."""

from collections.abc import Sequence
from typing import Final

from css_snapshot.api.rules import check_id
from css_snapshot.cli.command import Session, command
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.each import for_each
from css_snapshot.cli.fleet.lookup import ClusterLookup, snapshot_id
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.options import ClusterArgument, SnapshotArgument
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.records import JsonRecord, snapshot_record
from css_snapshot.cli.output.table import Column

SNAPSHOT_COLUMNS: Final = (
    Column("NAME", "name", narrow="fold"),
    Column("ID", "id", narrow="keep"),
    Column("STATUS", "status", narrow="keep"),
    Column("CREATED", "created"),
    Column("SHARDS", "total_shards"),
    Column("MISSING", "failed_shards"),
    Column("AUTOMATIC", "is_automatic"),
)
_CLUSTER_COLUMN: Final = Column("CLUSTER", "cluster", narrow="fold")
_DETAILS: Final = (
    Column("NAME", "name"),
    Column("ID", "id"),
    Column("CLUSTER", "cluster_id"),
    Column("CLUSTER NAME", "cluster_name"),
    Column("STATUS", "status"),
    Column("USABLE", "is_usable"),
    Column("AUTOMATIC", "is_automatic"),
    Column("CREATED", "created"),
    Column("STARTED", "start_time"),
    Column("ENDED", "end_time"),
    Column("SECONDS", "duration"),
    Column("INDICES", "indices"),
    Column("SHARDS", "total_shards"),
    Column("MISSING", "failed_shards"),
    Column("RESTORE", "restore_status"),
    Column("DESCRIPTION", "description"),
    Column("BUCKET", "bucket"),
)


@command
async def list_(session: Session, selection: Selection) -> ExitCode:
    """Show the snapshots of clusters.

    Examples:
      css-snapshot list ea244205-d641-45d9-9dcb-ab2236bcd07e
      css-snapshot list --all-clusters --tag env=prod
      css-snapshot list prod-search --json | jq -r 'select(.is_usable) | .name'

    JSON: kind (snapshot), and the attributes of a Snapshot: id, name,
    cluster_id, cluster_name, status, is_usable, is_automatic, created,
    start_time, end_time, duration, indices, total_shards, failed_shards,
    restore_status, description, bucket, and others.
    """
    selection.check()
    async with session.service() as service:
        cluster_ids = await selection.ids(service)
        walked = await for_each(session.output, service, cluster_ids, service.list)
    found = walked.results
    if found:
        show_snapshots(
            session.output,
            [snapshot_record(key, one) for key, rows in found.items() for one in rows],
            several=len(cluster_ids) > 1,
            empty="no snapshots",
        )
    return walked.code


@command
async def show(
    session: Session, cluster: ClusterArgument, snapshot: SnapshotArgument
) -> None:
    """Show one snapshot with all that is known of it.

    Examples:
      css-snapshot show ea244205-... 9dc4f5c9-33c0-45c7-9378-ae35ae350682
      css-snapshot show prod-search latest

    JSON: as of 'list'.
    """
    check_id("cluster_id", cluster)
    check_id("snapshot_id", snapshot)
    async with session.service() as service:
        cluster_id = await ClusterLookup(service).id_of(cluster)
        found = await service.get(
            cluster_id, await snapshot_id(service, cluster_id, snapshot)
        )
    session.output.one(snapshot_record(cluster_id, found), _DETAILS)


def show_snapshots(
    output: Output, records: list[JsonRecord], *, several: bool, empty: str
) -> None:
    """Write the records of snapshots.

    Args:
        output: Where to.
        records: What to write.
        several: Whether they may be of several clusters.
        empty: What is said if there are none.
    """
    columns: Sequence[Column] = SNAPSHOT_COLUMNS
    if several and output.form == "table":
        # Two ids in a row are too wide for most terminals.
        columns = (_CLUSTER_COLUMN, *columns)
        records = [
            one | {"cluster": one["cluster_name"] or one["cluster_id"]}
            for one in records
        ]
    output.rows(records, columns, empty=empty)
