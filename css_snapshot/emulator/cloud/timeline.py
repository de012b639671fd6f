"""What happens to a cluster while time passes, with nobody calling."""

import attrs

from css_snapshot.emulator.cloud.clusters import AVAILABLE, EmulatedCluster
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.schedule import due_times, last_clearing
from css_snapshot.emulator.cloud.snapshot_maker import SnapshotMaker
from css_snapshot.emulator.cloud.snapshots import EmulatedSnapshot

MOST_SNAPSHOTS = 10_000
_DAY = 86400.0


@attrs.frozen
class Timeline:
    """Brings clusters up to the present, whenever they are looked at.

    Attributes:
        maker: Makes automatic snapshots.
        options: The clock, and what `keepday` counts.
    """

    maker: SnapshotMaker
    options: Options

    def catch_up(self, cluster: EmulatedCluster) -> None:
        """Let everything happen to a cluster that was due by now."""
        now = self.options.clock()
        since = now if cluster.caught_up is None else cluster.caught_up
        cluster.caught_up = max(since, now)
        if cluster.policy.enabled and cluster.backup_available:
            self._follow_policy(cluster, since, now)
        if cluster.restorations:
            _finish_restorations(cluster, now)
        if any(row.outcome == "VANISHED" for row in cluster.snapshots):
            cluster.snapshots = [row for row in cluster.snapshots if not row.gone]

    def _follow_policy(
        self, cluster: EmulatedCluster, since: float, now: float
    ) -> None:
        policy = cluster.policy
        for due in due_times(policy, since, now):
            self._clear(cluster, last_clearing(due))
            # Due ones during another snapshot or a restoration are cancelled
            # silently, says the vendor's user guide.
            if cluster.status != AVAILABLE or cluster.is_busy_at(due):
                continue
            if len(cluster.snapshots) < MOST_SNAPSHOTS:
                name = f"{policy.prefix}-{round(due * 1000)}"
                self.maker.make(
                    cluster, name, created=due, indices=policy.indices, automatic=True
                )
        self._clear(cluster, last_clearing(now))

    def _clear(self, cluster: EmulatedCluster, moment: float) -> None:
        """Delete the automatic snapshots that are too many or too old at a moment.

        Only those of the policy's own frequency count, as documented.
        """
        policy = cluster.policy
        mine = [
            row
            for row in cluster.snapshots
            if row.policy is not None
            and row.policy.frequency == policy.frequency
            and row.created <= moment
            and not row.occupies_at(moment)
        ]
        mine.sort(key=lambda row: row.created)
        surplus: list[EmulatedSnapshot] = mine[: -policy.keep_day]
        if self.options.keepday_unit == "days":
            oldest = moment - policy.keep_day * _DAY
            surplus = [row for row in mine if row.created < oldest]
        if surplus:
            gone = {row.id for row in surplus}
            cluster.snapshots = [row for row in cluster.snapshots if row.id not in gone]


def _finish_restorations(cluster: EmulatedCluster, now: float) -> None:
    for restoration in cluster.restorations:
        if restoration.ends <= now and restoration.outcome == "success":
            names = dict.fromkeys((*cluster.restored, *restoration.indices))
            cluster.restored = tuple(names)
    cluster.restorations = [one for one in cluster.restorations if one.ends > now]
