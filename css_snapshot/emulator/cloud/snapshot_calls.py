"""The vendor's calls on snapshots: create, list, delete, restore."""

from typing import Final

from css_snapshot.emulator.cloud import validation
from css_snapshot.emulator.cloud.clusters import EmulatedCluster, Restoration
from css_snapshot.emulator.cloud.indices import rename, select_restored
from css_snapshot.emulator.cloud.project import Project
from css_snapshot.emulator.cloud.rows import repeat_first, snapshot_row
from css_snapshot.emulator.cloud.snapshots import EmulatedSnapshot
from css_snapshot.emulator.cloud.timeline import MOST_SNAPSHOTS
from css_snapshot.emulator.cloud.validation import RestoreOrder
from css_snapshot.emulator.cloud.vendor_errors import css_error

_MISSING: Final = {"CSS.5111": 400, "CSS.0015": 403, "CSS.3016": 400}


class SnapshotCalls(Project):
    """The calls on snapshots; each takes the request's JSON as Python values."""

    __slots__ = ()

    def create_snapshot(self, cluster_id: str, body: object) -> dict[str, object]:
        """CreateSnapshot; the result only means that the work has begun."""
        cluster = self.fleet.get(cluster_id)
        document = validation.check_document(body)
        name = validation.check_name(document.get("name"))
        indices = validation.check_indices(document.get("indices"))
        description = validation.check_description(
            document.get("description"), narrow=self.strict_descriptions
        )
        self.refuse_without_snapshots(cluster)
        self._refuse_creation(cluster, name)
        snapshot = self.maker.make(
            cluster,
            name,
            created=self.clock(),
            indices=indices,
            description=description,
        )
        self.creations += 1
        return {"backup": {"id": snapshot.id, "name": snapshot.name}}

    def list_snapshots(self, cluster_id: str) -> dict[str, object]:
        """ListSnapshots: all of one cluster, newest first, without paging."""
        cluster = self.fleet.get(cluster_id)
        visible_since = self.clock() - self.list_lag
        oldest_first = sorted(cluster.snapshots, key=lambda row: row.created)
        visible = [row for row in oldest_first if row.created <= visible_since]
        rows = [snapshot_row(row, self) for row in reversed(visible)]
        return {"backups": repeat_first(rows, self)}

    def delete_snapshot(self, cluster_id: str, snapshot_id: str) -> None:
        """DeleteSnapshot.

        A snapshot that is being built or restored is 409 CSS.3004, but one stuck in
        BUILDING goes, as the vendor's trouble-shooting page has it. An automatic one
        can't be deleted while the policy is on: 415 CSS.0004, a guess.
        """
        cluster = self.fleet.get(cluster_id)
        snapshot = self._find(cluster, snapshot_id)
        if self.clock() < cluster.deletes_until:
            raise self.busy()
        if snapshot.automatic and cluster.policy.enabled:
            raise css_error(415, "CSS.0004", "automatic snapshots are enabled")
        in_use = snapshot.building and snapshot.outcome != "STUCK"
        if in_use or snapshot.restore_status == "restoring":
            raise css_error(409, "CSS.3004")
        cluster.snapshots.remove(snapshot)
        cluster.deletes_until = self.clock() + self.delete_busy_seconds

    def restore_snapshot(self, cluster_id: str, snapshot_id: str, body: object) -> None:
        """RestoreSnapshot into a target cluster, which is busy meanwhile.

        A snapshot that did not complete can't be restored, nor one of a newer version
        than the target's: 400 CSS.6012, a guess. An index that the target has already
        lets the restoration fail in the end, unless it is to be replaced.
        """
        source = self.fleet.get(cluster_id)
        order = validation.check_restore(body, self.naming)
        snapshot = self._find(source, snapshot_id)
        target = self.fleet.get(order.target)
        self.refuse_unready(target)
        if snapshot.building:
            raise self.busy()
        if snapshot.outcome != "COMPLETED":
            raise css_error(400, "CSS.6012", f"its status is {snapshot.status}")
        if _is_newer(snapshot, target):
            raise css_error(400, "CSS.6012", "the target cluster has a lower version")
        names = rename(
            select_restored(order.indices, snapshot.indices),
            order.pattern,
            order.replacement,
        )
        self._begin_restoration(source, snapshot, target, names, order)

    def _begin_restoration(
        self,
        source: EmulatedCluster,
        snapshot: EmulatedSnapshot,
        target: EmulatedCluster,
        names: list[str],
        order: RestoreOrder,
    ) -> None:
        outcomes = source.restore_outcomes
        outcome = outcomes.popleft() if outcomes else "success"
        taken = {*(target.indices or ()), *target.restored}
        if not (order.replace or taken.isdisjoint(names)):
            outcome = "failed"
        now = self.clock()
        ends = now + self.restore_seconds
        snapshot.restore_began, snapshot.restored = now, ends
        snapshot.restore_outcome = outcome
        target.restorations.append(
            Restoration(began=now, ends=ends, outcome=outcome, indices=names)
        )

    def _refuse_creation(self, cluster: EmulatedCluster, name: str) -> None:
        taken = self.unique_names and any(
            snapshot.name == name for snapshot in cluster.snapshots
        )
        if taken and self.conflict_first:
            raise css_error(409, "CSS.0043")
        self.refuse_unready(cluster)
        if taken:
            raise css_error(409, "CSS.0043")
        quota = MOST_SNAPSHOTS if self.quota is None else self.quota
        if len(cluster.snapshots) >= quota:
            raise css_error(413, "CSS.0030")

    def _find(self, cluster: EmulatedCluster, snapshot_id: str) -> EmulatedSnapshot:
        snapshot = cluster.find(snapshot_id)
        if snapshot is None:
            code = self.unknown_snapshot
            raise css_error(_MISSING[code], code)
        return snapshot


def _is_newer(snapshot: EmulatedSnapshot, target: EmulatedCluster) -> bool:
    same_engine = snapshot.engine == target.engine
    return same_engine and _version(snapshot.version) > _version(target.version)


def _version(text: str) -> list[int]:
    return [int(part) if part.isdecimal() else 0 for part in text.split(".")]
