"""The records of what the service has. Keys are stable: later releases only add some.

Each record has a `kind`. On the standard output: `backup`, `snapshot`, `deleted`,
`restoring`, `drill`, `policy`, `drift`, `applied`, `settings`, `cluster`, `coverage`,
`check` (of `doctor`), of a fleet `outcome` and `summary`, of a journal `entry` and
`journal`, and `demo`; only what the emulator says of itself has none. On the error
output: `progress`, `warning`, `call`, `error`. What the library has a model of is shown
as `css_snapshot.to_dict` shows it.
"""

from datetime import datetime

from css_snapshot.api.clusters import Cluster
from css_snapshot.api.policies import SnapshotPolicy
from css_snapshot.api.requests import SnapshotSettings
from css_snapshot.models import Backup, DrillReport, Ensured, Snapshot
from css_snapshot.serialize import to_dict

JsonRecord = dict[str, object]


def backup_record(cluster_id: str, backup: Backup) -> JsonRecord:
    """Return the record of a creation: kind, id, name, cluster_id."""
    return {"kind": "backup", **to_dict(backup), "cluster_id": cluster_id}


def ensured_record(cluster_id: str, ensured: Ensured) -> JsonRecord:
    """Return the record of an exactly-once creation: as a creation, and how it went."""
    return {
        **backup_record(cluster_id, ensured.backup),
        "how": ensured.how,
        "attempts": ensured.attempts,
        "doubt": ensured.doubt,
    }


def snapshot_record(cluster_id: str, snapshot: Snapshot) -> JsonRecord:
    """Return the record of a snapshot, with the names of the model's attributes."""
    shown = to_dict(snapshot)
    return {
        "kind": "snapshot",
        **shown,
        "cluster_id": shown["cluster_id"] or cluster_id,
    }


def cluster_record(cluster: Cluster) -> JsonRecord:
    """Return the record of a cluster, and whether it can be snapshotted now."""
    readiness = cluster.snapshot_readiness
    datastore = cluster.datastore
    return {
        "kind": "cluster",
        **to_dict(cluster),
        "version": None if datastore is None else datastore.version,
        "ready": readiness.is_ready,
        "readiness": str(readiness),
    }


def policy_record(cluster_id: str, policy: SnapshotPolicy) -> JsonRecord:
    """Return the record of a policy, with the names of the model's attributes."""
    return {"kind": "policy", "cluster_id": cluster_id, **to_dict(policy)}


def settings_record(cluster_id: str, settings: SnapshotSettings) -> JsonRecord:
    """Return the record of where snapshots are stored."""
    return {"kind": "settings", "cluster_id": cluster_id, **to_dict(settings)}


def done_record(kind: str, cluster_id: str, snapshot_id: str) -> JsonRecord:
    """Return the record of what was done: kind, cluster_id, snapshot_id."""
    return {"kind": kind, "cluster_id": cluster_id, "snapshot_id": snapshot_id}


def drill_record(report: DrillReport) -> JsonRecord:
    """Return the record of a drill, with the names of the model's attributes."""
    return {"kind": "drill", **to_dict(report)}


def instant(value: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC, such as `2026-11-24T02:00:00Z`."""
    if value is None:
        return None
    return value.isoformat(timespec="seconds").replace("+00:00", "Z")
