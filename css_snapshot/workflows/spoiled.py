"""The error for a snapshot that ended without all its shards."""

from css_snapshot.errors import PartialSnapshotError, SnapshotFailedError
from css_snapshot.models import Snapshot, SnapshotStatus


def spoiled_error(snapshot: Snapshot, cluster_id: str) -> SnapshotFailedError:
    """Return the error for a snapshot that ended without all its shards.

    Args:
        snapshot: Its row in the list.
        cluster_id: The cluster it is of.
    """
    if snapshot.status == SnapshotStatus.FAILED:
        kind, what = SnapshotFailedError, "failed"
    else:
        kind, what = PartialSnapshotError, f"is partial{_shortfall(snapshot)}"
    return kind(
        f"snapshot {snapshot.name} ({snapshot.id}) of cluster {cluster_id} {what}",
        cluster_id=cluster_id,
        snapshot_id=snapshot.id,
        snapshot=snapshot,
    )


def _shortfall(snapshot: Snapshot) -> str:
    if snapshot.failed_shards is None:
        return ""
    total = "" if snapshot.total_shards is None else f" of {snapshot.total_shards}"
    return f": {snapshot.failed_shards}{total} shards failed"
