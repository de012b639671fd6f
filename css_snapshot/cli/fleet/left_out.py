"""Clusters that a run leaves out, as they can't be snapshotted when it begins."""

import attrs

from css_snapshot.api.clusters import Cluster
from css_snapshot.cli.output.outcome_records import left_out_record
from css_snapshot.cli.output.output import Output
from css_snapshot.fanout import Summary


@attrs.define
class LeftOut:
    """How many clusters were left out; each of them is a missed snapshot.

    Attributes:
        busy: How many were occupied by another operation.
        not_ready: How many were not ready for another reason.
    """

    busy: int = 0
    not_ready: int = 0

    def __bool__(self) -> bool:
        return bool(self.busy or self.not_ready)

    def take(self, cluster: Cluster, name: str | None, output: Output) -> None:
        """Count a cluster, and tell of it.

        Args:
            cluster: Not ready.
            name: The name of the snapshot that was wanted.
            output: Where to.
        """
        reasons = cluster.snapshot_readiness.reasons
        if all(reason.obstacle == "busy" for reason in reasons):
            self.busy += 1
            word = "busy"
        else:
            self.not_ready += 1
            word = "not_ready"
        if output.writes_lines:
            output.record(left_out_record(cluster, name, word))
        else:
            text = word.replace("_", " ")
            output.note(
                f"{text} {cluster.id} ({cluster.name}): {cluster.snapshot_readiness}"
            )

    def added_to(self, summary: Summary) -> Summary:
        """Return the counts of a run with those left out as busy."""
        return attrs.evolve(summary, busy=summary.busy + self.busy)
