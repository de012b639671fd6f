"""Clusters and snapshots as the vendor's lists show them."""

from collections.abc import Mapping, Sequence
from typing import Final

from css_snapshot.emulator.cloud.clusters import EmulatedCluster
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.snapshots import EmulatedSnapshot, vendor_time

Row = dict[str, object]

_NETWORK: Final[Mapping[str, object]] = {
    "endpoint": "192.168.0.122:9200",
    "vpcId": "vpc-emulator",
    "subnetId": "subnet-emulator",
    "securityGroupId": "group-emulator",
    "httpsEnable": True,
    "authorityEnable": True,
    "diskEncrypted": False,
    "period": False,
}
# Optional fields of other types than documented: each has been seen in the field, or
# is a neighbour of one that has.
_ODD_CLUSTER: Final[Mapping[str, object]] = {
    "endpoint": ["192.0.2.1:9200", "192.0.2.2:9200"],
    "created": "2024/04/02 23:23",
    "updated": 1712071380,
    "snapshotPolicy": {"backupEnable": "false", "bakKeepDay": ""},
    "tags": [{"key": "stage", "value": 1}],
    "enterpriseProjectId": None,
    "period": "false",
}
_ODD_SNAPSHOT: Final[Mapping[str, object]] = {
    "updated": "2024/04/02 23:23",
    "datastore": [],
    "version": 7,
    "description": None,
    "backupKeepDay": "",
    "totalShards": "",
    "failedShards": None,
}


def cluster_row(cluster: EmulatedCluster, options: Options) -> Row:
    """Return a cluster as the list of clusters and the call for one show it.

    Args:
        cluster: The cluster.
        options: How much it shows.
    """
    created = vendor_time(cluster.created or 0.0)
    actions, progress = _shown_actions(cluster, options)
    row: Row = {
        "id": cluster.id,
        "name": cluster.name,
        "status": cluster.status,
        "datastore": {
            "type": cluster.engine,
            "version": cluster.version,
            "subVersion": f"{cluster.version}_24.3.0_0827",
            "isEosCluster": False,
            "supportSecuritymode": False,
        },
        "actions": actions,
        "actionProgress": progress,
        "backupAvailable": cluster.backup_available,
        "snapshotPolicy": _policy_row(cluster),
        "instances": _node_rows(cluster),
        "enterpriseProjectId": "0",
        "tags": [{"key": key, "value": value} for key, value in cluster.tags.items()],
        "created": created,
        "updated": created,
        **_NETWORK,
    }
    return {**row, **_ODD_CLUSTER} if options.odd_fields else row


def snapshot_row(snapshot: EmulatedSnapshot, options: Options) -> Row:
    """Return a snapshot as the list shows it, with the fields of the vendor's sample.

    Args:
        snapshot: The snapshot.
        options: How it is shown.
    """
    building = snapshot.building
    indices = options.indices_separator.join(snapshot.indices.split(","))
    row: Row = {
        "created": vendor_time(snapshot.created),
        "updated": vendor_time(snapshot.created if building else snapshot.ends),
        "datastore": {"type": snapshot.engine, "version": snapshot.version},
        "version": snapshot.version,
        "id": snapshot.id,
        "name": snapshot.name,
        "description": snapshot.description,
        "clusterId": snapshot.cluster_id,
        "clusterName": snapshot.cluster_name,
        "status": snapshot.status,
        "backupType": "0" if snapshot.automatic else "1",
        "backupMethod": "auto" if snapshot.automatic else "manual",
        **_schedule_fields(snapshot, options),
        "indices": indices,
        "totalShards": snapshot.shards,
        "failedShards": snapshot.failed_shards,
        "restoreStatus": snapshot.restore_status,
        "startTime": round(snapshot.created * 1000),
        "endTime": None if building else round(snapshot.ends * 1000),
        "bucketName": snapshot.bucket,
    }
    return {**row, **_ODD_SNAPSHOT} if options.odd_fields else row


def repeat_first(rows: Sequence[Row], options: Options) -> list[Row]:
    """Return rows, the first of them twice where the options say so."""
    return [*rows, *rows[:1]] if options.repeat_rows else list(rows)


def _shown_actions(
    cluster: EmulatedCluster, options: Options
) -> tuple[list[str], dict[str, str]]:
    actions = cluster.actions
    if not options.show_snapshotting:
        return [action for action in actions if action != "SNAPSHOTTING"], {}
    building = cluster.building
    progress = {} if building is None else {"SNAPSHOTTING": f"{building.progress}%"}
    return actions, progress


def _policy_row(cluster: EmulatedCluster) -> Row:
    policy = cluster.policy
    return {
        "backupEnable": policy.enabled,
        "bakPeriod": policy.period,
        "bakFrequency": policy.frequency,
        "bakKeepDay": policy.keep_day,
    }


def _node_rows(cluster: EmulatedCluster) -> list[Row]:
    logstash = cluster.engine == "logstash"
    statuses = (cluster.status,) if cluster.nodes is None else cluster.nodes
    return [
        {
            "status": status,
            "type": "lgs" if logstash else "ess",
            "id": cluster.id if number == 1 else f"{cluster.id}-{number}",
            "name": f"{cluster.name}-ess-esn-{number}-1",
            "specCode": "ess.spec-4u8g",
            "azCode": "az-1",
            "ip": "192.168.0.122",
        }
        for number, status in enumerate(statuses, 1)
    ]


def _schedule_fields(snapshot: EmulatedSnapshot, options: Options) -> Row:
    policy = snapshot.policy
    if options.site == "otc":
        # Manual ones have it as well, in the vendor's sample.
        return {"backupFrequency": policy.frequency if policy else "DAY"}
    return {
        "backupExpectedStartTime": None,
        "backupKeepDay": policy.keep_day if policy else None,
        "backupPeriod": policy.period if policy else None,
    }
