"""New snapshots, with the outcomes that are in store for them."""

import attrs

from css_snapshot.emulator.cloud.clusters import EmulatedCluster
from css_snapshot.emulator.cloud.identifiers import Identifiers
from css_snapshot.emulator.cloud.indices import resolve
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.outcome_rules import OutcomeRule, OutcomeRules
from css_snapshot.emulator.cloud.snapshots import EmulatedSnapshot

_USUAL = OutcomeRule()


@attrs.frozen
class SnapshotMaker:
    """Puts new snapshots into clusters.

    Attributes:
        ids: Makes their ids.
        rules: How they end.
        options: How long they are built.
    """

    ids: Identifiers
    rules: OutcomeRules
    options: Options

    def make(
        self,
        cluster: EmulatedCluster,
        name: str,
        *,
        created: float,
        indices: str = "*",
        description: str = "",
        automatic: bool = False,
        rule: OutcomeRule | None = None,
    ) -> EmulatedSnapshot:
        """Put a new snapshot into a cluster, whatever state that is in, and return it.

        Args:
            cluster: Whose snapshot it is.
            name: Its name.
            created: When it was begun, in seconds since the epoch.
            indices: Names, patterns or aliases joined by commas.
            description: The text given with it.
            automatic: Whether the policy took it.
            rule: How it ends, `None` for what is in store.
        """
        rule = rule or self._next_rule(cluster, name)
        snapshot = EmulatedSnapshot(
            id=self.ids.uuid(),
            name=name,
            cluster_id=cluster.id,
            cluster_name=cluster.name,
            engine=cluster.engine,
            version=cluster.version,
            description=description,
            indices=resolve(indices, cluster.index_names, cluster.aliases),
            bucket=cluster.repository.bucket,
            policy=cluster.policy if automatic else None,
            created=created,
            build_seconds=self._build_seconds(cluster, rule),
            outcome=rule.outcome,
            total_shards=rule.total_shards,
            spoiled_shards=rule.failed_shards,
            clock=self.options.clock,
        )
        cluster.snapshots.append(snapshot)
        return snapshot

    def _next_rule(self, cluster: EmulatedCluster, name: str) -> OutcomeRule:
        if cluster.outcomes:
            return OutcomeRule(outcome=cluster.outcomes.popleft())
        return self.rules.choose(cluster.id, name) or _USUAL

    def _build_seconds(self, cluster: EmulatedCluster, rule: OutcomeRule) -> float:
        for seconds in (rule.build_seconds, cluster.build_seconds):
            if seconds is not None:
                return seconds
        return self.options.build_seconds
