"""The records of what the service holds. Keys are stable: later releases only add some.

Each record has a `kind`. On the standard output: `backup`, `snapshot`, `deleted`,
`restoring`, `policy`, `settings`, `cluster`, `check`, of a fleet `outcome` and `summary`,
of a journal `entry` and `journal`, and `demo`; only what the emulator says of itself has
none. On the error output: `progress`, `warning`, `call`, `error`. Times are ISO 8601 in
UTC, durations are seconds, what is unknown is `null`.
"""

from datetime import datetime

from css_snapshot.api.clusters import Cluster
from css_snapshot.api.policies import SnapshotPolicy
from css_snapshot.api.requests import SnapshotSettings
from css_snapshot.models import Backup, Ensured, Snapshot

Json = dict[str, object]


def backup_record(cluster_id: str, backup: Backup) -> Json:
    """Return the record of a creation: kind, id, name, cluster_id."""
    return {
        "kind": "backup",
        "id": backup.id,
        "name": backup.name,
        "cluster_id": cluster_id,
    }


def ensured_record(cluster_id: str, ensured: Ensured) -> Json:
    """Return the record of an exactly-once creation: as a creation, and how, attempts."""
    return {
        **backup_record(cluster_id, ensured.backup),
        "how": ensured.how,
        "attempts": ensured.attempts,
    }


def snapshot_record(cluster_id: str, snapshot: Snapshot) -> Json:
    """Return the record of a snapshot, with the names of the model's attributes."""
    return {
        "kind": "snapshot",
        "id": snapshot.id,
        "name": snapshot.name,
        "cluster_id": snapshot.cluster_id or cluster_id,
        "cluster_name": snapshot.cluster_name,
        "status": str(snapshot.status),
        "is_usable": snapshot.is_usable,
        "is_automatic": snapshot.is_automatic,
        "created": instant(snapshot.created),
        "start_time": instant(snapshot.start_time),
        "end_time": instant(snapshot.end_time),
        "duration": snapshot.duration,
        "indices": list(snapshot.indices),
        "total_shards": snapshot.total_shards,
        "failed_shards": snapshot.failed_shards,
        "restore_status": _text(snapshot.restore_status),
        "description": snapshot.description,
        "bucket": snapshot.bucket,
    }


def cluster_record(cluster: Cluster) -> Json:
    """Return the record of a cluster, and whether it can be snapshotted now."""
    readiness = cluster.snapshot_readiness
    datastore = cluster.datastore
    return {
        "kind": "cluster",
        "id": cluster.id,
        "name": cluster.name,
        "engine": cluster.engine,
        "version": None if datastore is None else datastore.version,
        "status": str(cluster.status),
        "ready": bool(readiness),
        "readiness": str(readiness),
        "actions": list(cluster.actions),
        "tags": dict(cluster.tags),
        "created": instant(cluster.created),
    }


def policy_record(cluster_id: str, policy: SnapshotPolicy) -> Json:
    """Return the record of a policy, with the names of the model's attributes."""
    return {
        "kind": "policy",
        "cluster_id": cluster_id,
        "enabled": policy.enabled,
        "prefix": policy.prefix,
        "period": policy.period,
        "frequency": _text(policy.frequency),
        "keep": policy.keep,
        "indices": None if policy.indices is None else list(policy.indices),
        "bucket": policy.bucket,
        "base_path": policy.base_path,
        "agency": policy.agency,
    }


def settings_record(cluster_id: str, settings: SnapshotSettings) -> Json:
    """Return the record of where snapshots are stored."""
    return {
        "kind": "settings",
        "cluster_id": cluster_id,
        "bucket": settings.bucket,
        "base_path": settings.base_path,
        "agency": settings.agency,
        "max_snapshot_rate": settings.max_snapshot_rate,
        "max_restore_rate": settings.max_restore_rate,
    }


def done_record(kind: str, cluster_id: str, snapshot_id: str) -> Json:
    """Return the record of what was done: kind, cluster_id, snapshot_id."""
    return {"kind": kind, "cluster_id": cluster_id, "snapshot_id": snapshot_id}


def instant(value: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC, such as `2026-11-24T02:00:00Z`."""
    if value is None:
        return None
    return value.isoformat(timespec="seconds").replace("+00:00", "Z")


def _text(value: str | None) -> str | None:
    return None if value is None else str(value)
