"""Clusters, and whether one can be snapshotted now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs

from css_snapshot.models import Datastore, OpenStrEnum
from css_snapshot.typing import Obstacle


class ClusterStatus(OpenStrEnum):
    """What the service says of a cluster as a whole; unknown values are kept."""

    CHANGING = "100"
    AVAILABLE = "200"
    FAULTY = "300"
    UNAVAILABLE = "303"


_STATUS_IN_WORDS: Final[Mapping[str, str]] = {
    ClusterStatus.CHANGING: "being created or changed",
    ClusterStatus.FAULTY: "unavailable",
    ClusterStatus.UNAVAILABLE: "unavailable",
}
_SNAPSHOT_ENGINES: Final = frozenset({"elasticsearch", "opensearch"})


@attrs.frozen
class NotReadyReason:
    """One reason why a cluster can't be snapshotted now.

    Attributes:
        obstacle: `"engine"`: clusters of its kind have no snapshots. `"status"`: it
            is not available. `"switched off"`: its snapshot function is. `"nodes"`:
            it has no nodes, or not all of them are available. `"busy"`: another
            operation is running.
        detail: The same in words.
        passes: Whether waiting helps.
    """

    obstacle: Obstacle
    detail: str
    passes: bool = False

    def __str__(self) -> str:
        return self.detail


@attrs.frozen
class SnapshotReadiness:
    """Whether a cluster can be snapshotted now; true in a condition if it can.

    Attributes:
        reasons: Why it can't; empty if it can.
    """

    reasons: tuple[NotReadyReason, ...] = ()

    def __bool__(self) -> bool:
        return self.is_ready

    def __str__(self) -> str:
        return "; ".join(map(str, self.reasons)) or "ready"

    @property
    def is_ready(self) -> bool:
        """Whether the cluster can be snapshotted now."""
        return not self.reasons

    @property
    def passes(self) -> bool:
        """Whether the cluster can't now, but will be able to if left alone."""
        return bool(self.reasons) and all(reason.passes for reason in self.reasons)


@attrs.frozen(kw_only=True)
class ClusterInstance:
    """One node of a cluster.

    Attributes:
        id: The node's id.
        name: Its name.
        type: Its role: `ess`, `ess-cold`, `ess-master`, `ess-client` or `lgs`.
        status: Whether it is available, with the values of a cluster's status.
        spec_code: Its flavour, such as `ess.spec-4u8g`.
        az_code: Its availability zone.
        ip: Its private address.
    """

    id: str | None = None
    name: str | None = None
    type: str | None = None
    status: ClusterStatus | None = None
    spec_code: str | None = None
    az_code: str | None = None
    ip: str | None = None


@attrs.frozen(kw_only=True)
class PolicySummary:
    """What the list of clusters says of a cluster's policy; newer sites only.

    Attributes:
        enabled: Whether automatic snapshots are taken.
        period: The time of day.
        frequency: How often.
        keep: How many are kept.
    """

    enabled: bool | None = None
    period: str | None = None
    frequency: str | None = None
    keep: int | None = None


@attrs.frozen(kw_only=True)
class FailedReason:
    """Why a cluster is not healthy, in the service's words.

    Attributes:
        error_code: The vendor's code.
        error_msg: The vendor's text.
    """

    error_code: str | None = None
    error_msg: str | None = None


@attrs.frozen(kw_only=True)
class Cluster:
    """One cluster of the project.

    What the service does not say, or says in a form unknown to this release, is `None`
    or empty. All text is on one line: control characters in it are blanks.

    Attributes:
        id: The cluster's id.
        name: Its name.
        status: Whether it is available.
        datastore: Its engine and version.
        actions: The operations running on it, such as `SNAPSHOTTING`.
        action_progress: How far they are, such as `5%`, by operation.
        backup_available: Whether its snapshot function is switched on, `None` where
            the site does not say.
        snapshot_policy: A summary of its policy.
        instances: Its nodes, `None` where the site does not show them.
        enterprise_project_id: `0` for the default one.
        tags: Its tags, value by key.
        failed_reason: Why it is not healthy.
        created: When it was created.
        updated: When it was last changed.
        endpoint: Its private address and port; several are joined by commas.
        vpc_id: Its network.
        subnet_id: Its subnet.
        security_group_id: Its security group.
        https_enabled: Whether it speaks HTTPS.
        authority_enabled: Whether it asks for a password.
        disk_encrypted: Whether its disks are encrypted.
        description: As given by its owner.
    """

    id: str
    name: str
    status: ClusterStatus
    datastore: Datastore | None = None
    actions: tuple[str, ...] = ()
    action_progress: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    backup_available: bool | None = None
    snapshot_policy: PolicySummary | None = None
    instances: tuple[ClusterInstance, ...] | None = None
    enterprise_project_id: str | None = None
    tags: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    failed_reason: FailedReason | None = None
    created: datetime | None = None
    updated: datetime | None = None
    endpoint: str | None = None
    vpc_id: str | None = None
    subnet_id: str | None = None
    security_group_id: str | None = None
    https_enabled: bool | None = None
    authority_enabled: bool | None = None
    disk_encrypted: bool | None = None
    description: str | None = None

    @property
    def engine(self) -> str | None:
        """The engine in lower case: `elasticsearch`, `opensearch` or `logstash`."""
        return None if self.datastore is None else self.datastore.type

    @property
    def snapshot_readiness(self) -> SnapshotReadiness:
        """Whether it can be snapshotted now, and if not, all the reasons why."""
        found = (
            self._engine_reason(),
            self._status_reason(),
            self._switch_reason(),
            self._nodes_reason(),
            self._busy_reason(),
        )
        return SnapshotReadiness(tuple(reason for reason in found if reason))

    def _engine_reason(self) -> NotReadyReason | None:
        if self.engine is None or self.engine in _SNAPSHOT_ENGINES:
            return None
        return NotReadyReason("engine", f"{self.engine} clusters have no snapshots")

    def _status_reason(self) -> NotReadyReason | None:
        if self.status == ClusterStatus.AVAILABLE:
            return None
        return NotReadyReason(
            "status",
            _in_words(self.status),
            passes=self.status == ClusterStatus.CHANGING,
        )

    def _switch_reason(self) -> NotReadyReason | None:
        # Older sites don't say; a cluster must not be passed over for that.
        if self.backup_available is not False:
            return None
        return NotReadyReason("switched off", "its snapshot function is switched off")

    def _nodes_reason(self) -> NotReadyReason | None:
        # Some sites' lists show clusters without their nodes.
        if self.instances is None:
            return None
        if not self.instances:
            being_made = self.status == ClusterStatus.CHANGING
            return NotReadyReason("nodes", "it has no nodes", passes=being_made)
        statuses = [node.status for node in self.instances if node.status is not None]
        missing = [each for each in statuses if each != ClusterStatus.AVAILABLE]
        if not missing:
            return None
        words = ", ".join(sorted(map(_in_words, set(missing))))
        return NotReadyReason(
            "nodes",
            f"{len(missing)} of its {len(self.instances)} nodes {words}",
            passes=all(each == ClusterStatus.CHANGING for each in missing),
        )

    def _busy_reason(self) -> NotReadyReason | None:
        # One may be there without the other.
        running = dict.fromkeys((*self.actions, *self.action_progress))
        if not running:
            return None
        return NotReadyReason("busy", f"busy with {', '.join(running)}", passes=True)


def _in_words(status: ClusterStatus) -> str:
    return f"{_STATUS_IN_WORDS.get(status, 'not available')} (status {status})"


@attrs.frozen
class ClusterPage:
    """A part of the list of clusters.

    Attributes:
        clusters: The clusters, newest first.
        total: How many there are in all, `None` where the site does not say.
        left_out: How many rows of the page can't be read.
    """

    clusters: tuple[Cluster, ...]
    total: int | None = None
    left_out: int = 0
