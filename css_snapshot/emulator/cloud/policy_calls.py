"""The vendor's calls on the snapshot function: policy, settings, on and off."""

from css_snapshot.emulator.cloud import validation
from css_snapshot.emulator.cloud.clusters import EmulatedCluster
from css_snapshot.emulator.cloud.fleet import Fleet
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.policies import (
    AutomaticPolicy,
    Repository,
    policy_document,
)
from css_snapshot.emulator.cloud.snapshot_calls import busy, refuse_without_snapshots
from css_snapshot.emulator.cloud.validation import Document
from css_snapshot.emulator.cloud.vendor_errors import bad_parameter, css_error


class PolicyCalls:
    """Carries out the calls on policies and settings.

    Args:
        fleet: The clusters.
        options: How strict the cloud is.
    """

    def __init__(self, fleet: Fleet, options: Options) -> None:
        self._fleet = fleet
        self._options = options

    def set(self, cluster_id: str, body: object) -> None:
        """CreateAutoCreatePolicy: `enable` is text, and demands the rest if true."""
        cluster = self._fleet.get(cluster_id)
        document = validation.check_document(body)
        refuse_without_snapshots(cluster)
        self._apply(cluster, document)

    def show(self, cluster_id: str) -> dict[str, object]:
        """ShowAutoCreatePolicy: answers in camel case whatever was sent."""
        cluster = self._fleet.get(cluster_id)
        return policy_document(cluster.policy, cluster.repository)

    def open(self, cluster_id: str, body: object) -> None:
        """StartAutoCreateSnapshots of version 2: here the period is demanded."""
        cluster = self._fleet.get(cluster_id)
        document = validation.check_document(body)
        refuse_without_snapshots(cluster)
        if document.get("period") is None:
            raise bad_parameter("period is missing")
        cluster.policy = _enabled(document)

    def close(self, cluster_id: str) -> None:
        """StopAutoCreateSnapshots of version 2; keeps what was taken."""
        cluster = self._fleet.get(cluster_id)
        refuse_without_snapshots(cluster)
        cluster.policy = AutomaticPolicy()

    def configure(self, cluster_id: str, body: object) -> None:
        """UpdateSnapshotSetting, which also turns the snapshot function on.

        A bucket that already holds snapshots can't be changed: 400 CSS.0001.
        """
        cluster = self._fleet.get(cluster_id)
        document = validation.check_document(body)
        if cluster.engine == "logstash":
            raise css_error(415, "CSS.5108")
        repository = self._repository(cluster, document)
        if cluster.snapshots and repository.bucket != cluster.repository.bucket:
            raise bad_parameter("the bucket already holds snapshots")
        if document.get("enable") is not None:
            self._apply(cluster, document)
        cluster.repository = repository
        cluster.backup_available = True

    def configure_automatically(self, cluster_id: str) -> None:
        """StartAutoSetting: makes a bucket and an agency for this cluster."""
        cluster = self._fleet.get(cluster_id)
        if cluster.engine == "logstash":
            raise css_error(415, "CSS.5108")
        cluster.repository = Repository(bucket=f"css-obs-{cluster.id[:8]}")
        cluster.backup_available = True

    def disable(self, cluster_id: str) -> None:
        """StopSnapshot: the function goes off, the snapshots stay where they are."""
        cluster = self._fleet.get(cluster_id)
        refuse_without_snapshots(cluster)
        if self._options.busy_lock and cluster.actions:
            raise busy(self._options)
        cluster.backup_available = False
        cluster.policy = AutomaticPolicy()

    def _apply(self, cluster: EmulatedCluster, document: Document) -> None:
        enabled = validation.check_flag("enable", document.get("enable"))
        flag = validation.pick(
            document, "delete_auto", "deleteAuto", self._options.naming
        )
        delete_automatic = validation.check_flag("delete_auto", flag, default=False)
        cluster.policy = _enabled(document) if enabled else AutomaticPolicy()
        if delete_automatic and not enabled:
            cluster.snapshots = [row for row in cluster.snapshots if not row.automatic]

    def _repository(self, cluster: EmulatedCluster, document: Document) -> Repository:
        path = validation.pick(document, "base_path", "basePath", self._options.naming)
        key_id = document.get("snapshotCmkId") or None
        rates = [
            validation.check_rate(field, document.get(field), "40MB")
            for field in (
                "max_snapshot_bytes_per_seconds",
                "max_restore_bytes_per_seconds",
            )
        ]
        return Repository(
            bucket=validation.check_bucket(document.get("bucket")),
            agency=validation.check_agency(document.get("agency")),
            base_path=validation.check_base_path(
                path, f"css_repository/{cluster.name}"
            ),
            key_id=key_id
            if key_id is None
            else validation.check_identifier("snapshotCmkId", key_id),
            snapshot_rate=rates[0],
            restore_rate=rates[1],
        )


def _enabled(document: Document) -> AutomaticPolicy:
    return AutomaticPolicy(
        enabled=True,
        prefix=validation.check_prefix(document.get("prefix")),
        period=validation.check_period(document.get("period"), "00:00 GMT+08:00"),
        frequency=validation.check_frequency(document.get("frequency")),
        keep_day=validation.check_keep_day(document.get("keepday")),
        indices=validation.check_indices(document.get("indices")),
    )
