"""The vendor's calls on snapshots: create, list, delete, restore."""

from css_snapshot.emulator.cloud import validation
from css_snapshot.emulator.cloud.clusters import AVAILABLE, EmulatedCluster
from css_snapshot.emulator.cloud.fleet import Fleet
from css_snapshot.emulator.cloud.identifiers import Identifiers
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.snapshots import EmulatedSnapshot
from css_snapshot.emulator.cloud.vendor_errors import (
    VendorError,
    bad_parameter,
    css_error,
)


def refuse_without_snapshots(cluster: EmulatedCluster) -> None:
    """Refuse a cluster that can't have snapshots at all, or has them switched off.

    No document says which codes these are: Logstash answers 415 CSS.5108 here, and
    a cluster without the snapshot function 415 CSS.0004, as when disabling twice.
    """
    if cluster.engine == "logstash":
        raise css_error(415, "CSS.5108")
    if not cluster.backup_available:
        raise css_error(415, "CSS.0004", "Illegal operation")


def refuse_unready(cluster: EmulatedCluster, options: Options) -> None:
    """Refuse a cluster that is unavailable (400 CSS.5090, a guess) or busy."""
    if cluster.status != AVAILABLE:
        raise css_error(400, "CSS.5090", f"cluster status is {cluster.status}")
    if options.busy_lock and cluster.actions:
        raise busy(options)


def busy(options: Options) -> VendorError:
    """Refuse with CSS.0011, under the status that was asked for."""
    return css_error(options.busy_status, "CSS.0011")


class SnapshotCalls:
    """Carries out the calls on snapshots.

    Args:
        fleet: The clusters.
        ids: Makes the ids of snapshots.
        options: How strict and how fast the cloud is.
    """

    def __init__(self, fleet: Fleet, ids: Identifiers, options: Options) -> None:
        self._fleet = fleet
        self._ids = ids
        self._options = options
        self.creations = 0

    def create(self, cluster_id: str, body: object) -> dict[str, object]:
        """CreateSnapshot; the answer only means that the work has begun."""
        cluster = self._fleet.get(cluster_id)
        document = validation.check_document(body)
        name = validation.check_name(document.get("name"))
        indices = validation.check_indices(document.get("indices"))
        description = validation.check_description(
            document.get("description"), narrow=self._options.strict_descriptions
        )
        refuse_without_snapshots(cluster)
        self._refuse_creation(cluster, name)
        snapshot = self.add(cluster, name, indices=indices, description=description)
        self.creations += 1
        return {"backup": {"id": snapshot.id, "name": snapshot.name}}

    def add(
        self,
        cluster: EmulatedCluster,
        name: str,
        *,
        indices: str = "*",
        description: str = "",
        automatic: bool = False,
        age: float = 0.0,
    ) -> EmulatedSnapshot:
        """Put a snapshot into a cluster, whatever state that is in.

        Args:
            cluster: Whose snapshot it is.
            name: Its name.
            indices: Names or patterns joined by commas.
            description: The text given with it.
            automatic: Whether the policy took it.
            age: How long ago it began, in seconds.
        """
        snapshot = EmulatedSnapshot(
            id=self._ids.uuid(),
            name=name,
            cluster_id=cluster.id,
            cluster_name=cluster.name,
            engine=cluster.engine,
            version=cluster.version,
            description=description,
            indices=indices,
            bucket=cluster.repository.bucket,
            automatic=automatic,
            keep_day=cluster.policy.keep_day if automatic else None,
            period=cluster.policy.period if automatic else None,
            created=self._options.clock() - age,
            build_seconds=self._options.build_seconds,
            outcome=cluster.outcomes.popleft() if cluster.outcomes else "COMPLETED",
            clock=self._options.clock,
        )
        cluster.snapshots.append(snapshot)
        return snapshot

    def list(self, cluster_id: str) -> dict[str, object]:
        """ListSnapshots: all of one cluster, newest first, without paging."""
        cluster = self._fleet.get(cluster_id)
        visible_since = self._options.clock() - self._options.list_lag
        oldest_first = sorted(cluster.snapshots, key=lambda row: row.created)
        visible = [row for row in oldest_first if row.created <= visible_since]
        rows = [row.row() for row in reversed(visible)]
        return {"backups": rows}

    def delete(self, cluster_id: str, snapshot_id: str) -> None:
        """DeleteSnapshot.

        An unknown id, and so a second delete, is 400 CSS.5111. A snapshot that is
        being made or restored is 409 CSS.3004, but one stuck in BUILDING goes, as
        the vendor's trouble-shooting page has it. An automatic one can't be deleted
        while the policy is on: 415 CSS.0004, a guess.
        """
        cluster = self._fleet.get(cluster_id)
        snapshot = self._find(cluster, snapshot_id)
        if snapshot.automatic and cluster.policy.enabled:
            raise css_error(415, "CSS.0004", "automatic snapshots are enabled")
        in_use = snapshot.building and snapshot.outcome != "STUCK"
        if in_use or snapshot.restore_status == "restoring":
            raise css_error(409, "CSS.3004")
        cluster.snapshots.remove(snapshot)

    def restore(self, cluster_id: str, snapshot_id: str, body: object) -> None:
        """RestoreSnapshot into a target cluster, which is busy meanwhile.

        A snapshot that did not complete can't be restored: 400 CSS.6012, a guess.
        """
        source = self._fleet.get(cluster_id)
        document = validation.check_document(body)
        target_id = self._check_restore(document)
        snapshot = self._find(source, snapshot_id)
        target = self._fleet.get(target_id)
        refuse_unready(target, self._options)
        if snapshot.building:
            raise busy(self._options)
        if snapshot.outcome != "COMPLETED":
            raise css_error(400, "CSS.6012", f"its status is {snapshot.status}")
        ends = self._options.clock() + self._options.restore_seconds
        outcomes = source.restore_outcomes
        snapshot.restore_outcome = outcomes.popleft() if outcomes else "success"
        snapshot.restored = target.restored = ends

    def _check_restore(self, document: validation.Document) -> str:
        naming = self._options.naming
        target = validation.pick(document, "target_cluster", "targetCluster", naming)
        pattern = validation.check_rename(
            "rename_pattern",
            validation.pick(document, "rename_pattern", "renamePattern", naming),
        )
        replacement = validation.check_rename(
            "rename_replacement",
            validation.pick(
                document, "rename_replacement", "renameReplacement", naming
            ),
        )
        if (pattern is None) != (replacement is None):
            raise bad_parameter("rename_pattern and rename_replacement go together")
        validation.check_indices(document.get("indices"))
        replace = document.get("replace_exist_indices")
        validation.check_boolean("replace_exist_indices", replace)
        return validation.check_identifier("target_cluster", target)

    def _refuse_creation(self, cluster: EmulatedCluster, name: str) -> None:
        options = self._options
        taken = options.unique_names and any(
            snapshot.name == name for snapshot in cluster.snapshots
        )
        if taken and options.conflict_first:
            raise css_error(409, "CSS.0043")
        refuse_unready(cluster, options)
        if taken:
            raise css_error(409, "CSS.0043")
        if options.quota is not None and len(cluster.snapshots) >= options.quota:
            raise css_error(413, "CSS.0030")

    @staticmethod
    def _find(cluster: EmulatedCluster, snapshot_id: str) -> EmulatedSnapshot:
        snapshot = cluster.find(snapshot_id)
        if snapshot is None:
            raise css_error(400, "CSS.5111")
        return snapshot
