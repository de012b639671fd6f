"""The command that deletes a snapshot."""

from css_snapshot.api.rules import check_id
from css_snapshot.cli.changes import changing
from css_snapshot.cli.command import Session, command
from css_snapshot.cli.confirmation import check_can_ask, confirm
from css_snapshot.cli.fleet.lookup import ClusterLookup, snapshot_id
from css_snapshot.cli.options import ClusterArgument, SnapshotArgument, YesOption
from css_snapshot.cli.output.records import done_record


@command
async def delete(
    session: Session,
    cluster: ClusterArgument,
    snapshot: SnapshotArgument,
    *,
    yes: YesOption = False,
) -> None:
    """Delete one snapshot, for good.

    Asks first; where nobody can be asked, --yes is needed.

    Examples:
      css-snapshot delete ea244205-... 9dc4f5c9-33c0-45c7-9378-ae35ae350682
      css-snapshot delete prod-search nightly-20261124 --yes

    JSON: kind (deleted), cluster_id, snapshot_id. Exit code 3: it may be deleted.
    """
    check_id("cluster_id", cluster)
    check_id("snapshot_id", snapshot)
    if not yes:
        check_can_ask(session.output)
    async with session.service() as service:
        cluster_id = await ClusterLookup(service).id_of(cluster)
        found = await snapshot_id(service, cluster_id, snapshot)
        if not yes:
            name = "" if found == snapshot else f"{snapshot} "
            confirm(session.output, f"Delete snapshot {name}{found} of {cluster_id}?")
        with changing(
            session.output, f"it may be deleted: css-snapshot list {cluster_id}"
        ):
            await service.delete(cluster_id, found)
    session.output.done(f"deleted {found}", done_record("deleted", cluster_id, found))
