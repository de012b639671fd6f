"""The targets of a run, chosen by a selection of clusters."""

import attrs

from css_snapshot.cli.fleet.lookup import ClusterLookup, is_id
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.fleet.target_lines import Defaults, read_targets
from css_snapshot.cli.fleet.target_list import TargetList
from css_snapshot.cli.interrupts import interruptible
from css_snapshot.service import SnapshotService


@attrs.frozen
class TargetChoice:
    """Which snapshot is wanted of which cluster.

    Attributes:
        service: Is asked for the project's clusters, where they are needed.
        selection: Which clusters are meant.
        defaults: What is wanted where a line of a file does not say so.
    """

    service: SnapshotService
    selection: Selection
    defaults: Defaults

    async def targets(self) -> TargetList:
        """Return the targets; one whose cluster is not ready comes out of the run so.

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
            return TargetList.of(
                [
                    self.defaults.target_of(cluster)
                    async for cluster in self.selection.matching(self.service)
                ]
            )
        cluster_ids = await self.selection.ids(self.service)
        return TargetList.of(map(self.defaults.target, cluster_ids))

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
