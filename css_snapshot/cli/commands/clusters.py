"""The command that shows the project's clusters."""

from typing import Annotated, Final

import typer

from css_snapshot.cli.command import Session, command
from css_snapshot.cli.fleet.selection import ClusterFilter
from css_snapshot.cli.output.records import cluster_record
from css_snapshot.cli.output.table import Column

CLUSTER_COLUMNS: Final = (
    Column("NAME", "name", narrow="fold"),
    Column("ID", "id", narrow="keep"),
    Column("ENGINE", "engine"),
    Column("VERSION", "version"),
    Column("READINESS", "readiness", narrow="fold"),
)


@command
async def clusters(
    session: Session,
    *,
    chosen: ClusterFilter,
    ready: Annotated[
        bool,
        typer.Option("--ready", help="Only those that can be snapshotted now."),
    ] = False,
) -> None:
    """Show the project's clusters, and whether each can be snapshotted now.

    Examples:
      css-snapshot clusters
      css-snapshot clusters --engine opensearch --name 'prod-*' --tag team=search
      css-snapshot clusters --ready --json | jq -r .id

    JSON: kind (cluster), version, ready, readiness, and the attributes of a
    Cluster: id, name, engine, status, actions, tags, created, and others.
    """
    async with session.service() as service:
        found = [
            cluster_record(cluster)
            async for cluster in chosen.matching(service)
            if cluster.snapshot_readiness or not ready
        ]
    session.output.rows(found, CLUSTER_COLUMNS, empty="no clusters")
