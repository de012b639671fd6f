"""The targets of a run, chosen by a selection of clusters."""

import attrs

from css_snapshot.cli.fleet.lookup import ClusterLookup, is_id
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.fleet.target_lines import Defaults, read_targets
from css_snapshot.cli.fleet.target_list import TargetList
from css_snapshot.cli.interrupts import interruptible
from css_snapshot.service import SnapshotService


async def choose_targets(
    service: SnapshotService, selection: Selection, defaults: Defaults
) -> TargetList:
    """Return the targets of a run.

    A cluster that is not ready is a target as well: the run has an outcome for it.

    Args:
        service: Lists the project's clusters, where they are needed.
        selection: Which clusters are meant.
        defaults: What is wanted where a line of a file does not say so.

    Raises:
        NoClusterError: If no cluster of the project is meant.
        ConfigurationError: If a file has none, a cluster's name is unknown or ambiguous,
            or a file can't be read.
        RequestValidationError: If a value breaks its rule.
        CSSError: As `SnapshotService.clusters` raises it.
    """
    if selection.listed_in is not None:
        with interruptible():
            listed = TargetList.of(read_targets(selection.listed_in, defaults))
        return await _with_ids(service, listed)
    # What is wrong with the name is wrong for every cluster.
    defaults.target("every")
    if selection.all_clusters:
        return TargetList.of(map(defaults.target_of, await selection.matched(service)))
    return TargetList.of(map(defaults.target, await selection.ids(service)))


async def _with_ids(service: SnapshotService, listed: TargetList) -> TargetList:
    """Replace names of clusters by their ids.

    A cluster that is not known is left to the run: it must not keep the others from
    being snapshotted.
    """
    names = {one.cluster_id for one in listed if not is_id(one.cluster_id)}
    if not names:
        return listed
    with listed:
        lookup = ClusterLookup(service)
        ids = {name: await lookup.find(name) or name for name in names}
        return TargetList.of(
            attrs.evolve(one, cluster_id=ids.get(one.cluster_id, one.cluster_id))
            for one in listed
        )
