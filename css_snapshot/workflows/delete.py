"""Deleting one snapshot, and finding out whether a lost request did it."""

from css_snapshot.api.operations import DELETE_SNAPSHOT, LIST_SNAPSHOTS
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import IndeterminateDeleteError
from css_snapshot.workflows.look import change


async def delete(
    client: ApiClient, cluster_id: str, snapshot_id: str, *, until: float
) -> None:
    """Delete a snapshot; see `SnapshotService.delete`.

    Args:
        client: Carries the calls.
        cluster_id: The cluster's id.
        snapshot_id: The snapshot's id.
        until: When to give up, on the clock's monotonic scale.

    Raises:
        IndeterminateDeleteError: If it is unknown, even after looking.
        CSSError: If it was refused, or not sent.
    """
    operation = DELETE_SNAPSHOT(cluster_id=cluster_id, snapshot_id=snapshot_id)

    # The codes for a snapshot that is gone differ by site, and one of them is also
    # that for a missing permission; the list is proof.
    async def is_gone() -> bool:
        listing = LIST_SNAPSHOTS(cluster_id=cluster_id)
        snapshots = await client.look(listing, until=until)
        return all(snapshot.id != snapshot_id for snapshot in snapshots)

    def unknown(why: str) -> IndeterminateDeleteError:
        return IndeterminateDeleteError(
            f"cluster {cluster_id}: whether snapshot {snapshot_id} was deleted is"
            f" unknown: {why}",
            cluster_id=cluster_id,
            snapshot_id=snapshot_id,
        )

    await change(client, operation, is_gone, until=until, unknown=unknown)
