"""The targets of a run, chosen by a selection of clusters."""

import attrs

from css_snapshot.api.clusters import Cluster
from css_snapshot.cli.fleet.left_out import LeftOut
from css_snapshot.cli.fleet.lookup import ClusterLookup, is_id
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.fleet.target_lines import Defaults, read_targets
from css_snapshot.cli.fleet.target_list import TargetList
from css_snapshot.cli.interrupts import interruptible
from css_snapshot.cli.output.output import Output
from css_snapshot.service import SnapshotService


@attrs.frozen
class TargetChoice:
    """Which snapshot is wanted of which cluster.

    Attributes:
        service: Is asked for the project's clusters, where they are needed.
        selection: Which clusters are meant.
        defaults: What is wanted where a line of a file does not say so.
        left_out: Counts the clusters that are not ready.
        output: Where those are told of.
        waits: Whether the run waits for clusters that are busy.
    """

    service: SnapshotService
    selection: Selection
    defaults: Defaults
    left_out: LeftOut
    output: Output
    waits: bool

    async def targets(self) -> TargetList | None:
        """Return the targets, `None` if each cluster was left out.

        Raises:
            ConfigurationError: If there are none, a cluster's name is unknown or
                ambiguous, or a file can't be read.
            RequestValidationError: If a value breaks its rule.
            CSSError: As `SnapshotService.clusters` raises it.
        """
        if self.selection.listed_in is not None:
            with interruptible():
                listed = TargetList.of(
                    read_targets(self.selection.listed_in, self.defaults)
                )
            return await self._with_ids(listed)
        # What is wrong with the name is wrong for every cluster.
        self.defaults.target("every")
        if self.selection.all_clusters:
            cluster_ids = await self._ready()
            if self.left_out and not cluster_ids:
                return None
        else:
            cluster_ids = await self.selection.ids(self.service)
        return TargetList.of(map(self.defaults.target, cluster_ids))

    async def _ready(self) -> list[str]:
        ready: list[str] = []
        async for cluster in self.selection.matching(self.service):
            if self._is_tried(cluster):
                ready.append(cluster.id)
            else:
                self.left_out.take(cluster, self.defaults.name, self.output)
        return ready

    def _is_tried(self, cluster: Cluster) -> bool:
        readiness = cluster.snapshot_readiness
        return bool(readiness) or (self.waits and readiness.passes)

    async def _with_ids(self, listed: TargetList) -> TargetList:
        """Replace names of clusters by their ids.

        A cluster that is not known is left to the run: it must not keep the others
        from being snapshotted.
        """
        names = {one.cluster_id for one in listed if not is_id(one.cluster_id)}
        if not names:
            return listed
        with listed:
            lookup = ClusterLookup(self.service)
            ids = {name: await lookup.find(name) or name for name in names}
            return TargetList.of(
                attrs.evolve(one, cluster_id=ids.get(one.cluster_id, one.cluster_id))
                for one in listed
            )
