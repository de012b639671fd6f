"""The vendor's calls on the snapshot function: policy, settings, agency, on and off."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from css_snapshot.emulator.cloud import validation
from css_snapshot.emulator.cloud.clusters import EmulatedCluster
from css_snapshot.emulator.cloud.policies import (
    AutomaticPolicy,
    Repository,
    policy_document,
)
from css_snapshot.emulator.cloud.project import Project
from css_snapshot.emulator.cloud.validation import Document
from css_snapshot.emulator.cloud.vendor_errors import bad_parameter, css_error

# Of the types that the vendor knows, the one that snapshots need.
_AGENCIES: Final[Mapping[str, str]] = {
    "obs": "css_obs_agency",
    "vpc": "css_upgrade_agency",
    "elb": "css_elb_agency",
    "smn": "css_smn_agency",
}


class PolicyCalls(Project):
    """The calls on policies and settings."""

    __slots__ = ()

    def set_policy(self, cluster_id: str, body: object) -> None:
        """CreateAutoCreatePolicy: `enable` is text, and requires the rest if true."""
        cluster = self.fleet.get(cluster_id)
        document = validation.check_document(body)
        self.refuse_without_snapshots(cluster)
        self._apply(cluster, document)

    def get_policy(self, cluster_id: str) -> dict[str, object]:
        """ShowAutoCreatePolicy: in camel case, whatever was sent."""
        cluster = self.fleet.get(cluster_id)
        return policy_document(cluster.policy, cluster.repository)

    def open_policy(self, cluster_id: str, body: object) -> None:
        """StartAutoCreateSnapshots of version 2: here the period is required."""
        cluster = self.fleet.get(cluster_id)
        document = validation.check_document(body)
        self.refuse_without_snapshots(cluster)
        if document.get("period") is None:
            raise bad_parameter("period is missing")
        cluster.policy = _enabled(document)

    def close_policy(self, cluster_id: str) -> None:
        """StopAutoCreateSnapshots of version 2; keeps what was taken and set."""
        cluster = self.fleet.get(cluster_id)
        self.refuse_without_snapshots(cluster)
        cluster.policy = attrs.evolve(cluster.policy, enabled=False)

    def configure(self, cluster_id: str, body: object) -> None:
        """UpdateSnapshotSetting, which also turns the snapshot function on.

        A bucket that already holds snapshots can't be changed: 400 CSS.0001.
        """
        cluster = self.fleet.get(cluster_id)
        document = validation.check_document(body)
        if cluster.engine == "logstash":
            raise css_error(415, "CSS.5108")
        repository = self._read_repository(cluster, document)
        if cluster.snapshots and repository.bucket != cluster.repository.bucket:
            raise bad_parameter("the bucket already holds snapshots")
        if document.get("enable") is not None:
            self._apply(cluster, document)
        cluster.repository = repository
        cluster.backup_available = True

    def configure_automatically(self, cluster_id: str) -> None:
        """StartAutoSetting: makes a bucket and an agency for this cluster."""
        cluster = self.fleet.get(cluster_id)
        if cluster.engine == "logstash":
            raise css_error(415, "CSS.5108")
        cluster.repository = Repository(bucket=f"css-obs-{cluster.id[:8]}")
        cluster.backup_available = True

    def disable_snapshots(self, cluster_id: str) -> None:
        """StopSnapshot: the function goes off, the snapshots stay where they are."""
        cluster = self.fleet.get(cluster_id)
        self.refuse_without_snapshots(cluster)
        if self.busy_lock and cluster.actions:
            raise self.busy()
        cluster.backup_available = False
        cluster.policy = attrs.evolve(cluster.policy, enabled=False)

    def create_agency(self, body: object) -> None:
        """CreateAgency: the agency of a type, which may be there already."""
        document = validation.check_document(body)
        kind = validation.check_identifier("type", document.get("type"))
        for field in ("domain_id", "domain_name"):
            validation.check_identifier(field, document.get(field))
        if kind not in _AGENCIES:
            raise bad_parameter("type is unknown")
        self.agencies = tuple(dict.fromkeys((*self.agencies, _AGENCIES[kind])))

    def _apply(self, cluster: EmulatedCluster, document: Document) -> None:
        enabled = validation.check_flag("enable", document.get("enable"))
        flag = validation.pick(document, "delete_auto", "deleteAuto", self.naming)
        delete_automatic = validation.check_flag("delete_auto", flag, default=False)
        if enabled:
            cluster.policy = _enabled(document)
            return
        # What a policy holds survives switching it off, what comes along included:
        # the Terraform provider's acceptance tests assert it.
        cluster.policy = attrs.evolve(
            cluster.policy, enabled=False, **_changes(document)
        )
        if delete_automatic:
            cluster.snapshots = [row for row in cluster.snapshots if not row.automatic]

    def _read_repository(
        self, cluster: EmulatedCluster, document: Document
    ) -> Repository:
        path = validation.pick(document, "base_path", "basePath", self.naming)
        if self.site == "otc" and not path:
            raise bad_parameter("bath path is empty")
        key_id = document.get("snapshotCmkId") or None
        if key_id is not None:
            key_id = validation.check_identifier("snapshotCmkId", key_id)
        return Repository(
            bucket=validation.check_bucket(document.get("bucket")),
            agency=self._read_agency(document),
            base_path=validation.check_base_path(
                path, f"css_repository/{cluster.name}"
            ),
            key_id=key_id,
            snapshot_rate=self._read_rate(document, "snapshot"),
            restore_rate=self._read_rate(document, "restore"),
        )

    def _read_agency(self, document: Document) -> str:
        agency = validation.check_agency(document.get("agency"))
        if self.check_agencies and agency not in self.agencies:
            raise css_error(400, "CSS.5130", "the agency does not exist")
        return agency

    def _read_rate(self, document: Document, kind: str) -> str:
        snake = f"max_{kind}_bytes_per_seconds"
        camel = f"max{kind.capitalize()}BytesPerSeconds"
        rate = validation.pick(document, snake, camel, self.naming)
        return validation.check_rate(snake, rate)


def _enabled(document: Document) -> AutomaticPolicy:
    return AutomaticPolicy(
        enabled=True,
        prefix=validation.check_prefix(document.get("prefix")),
        period=validation.check_period(document.get("period"), "00:00 GMT+08:00"),
        frequency=validation.check_frequency(document.get("frequency")),
        keep_day=validation.check_keep_day(document.get("keepday")),
        indices=validation.check_indices(document.get("indices")),
    )


def _changes(document: Document) -> dict[str, Any]:
    checks: dict[str, Callable[[object], object]] = {
        "prefix": validation.check_prefix,
        "period": validation.check_period,
        "frequency": validation.check_frequency,
        "keepday": validation.check_keep_day,
        "indices": validation.check_indices,
    }
    given = {field: document[field] for field in checks if document.get(field)}
    return {
        "keep_day" if field == "keepday" else field: checks[field](value)
        for field, value in given.items()
    }
