"""Whether each of several clusters has a fresh usable snapshot, and its last days."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import attrs

from css_snapshot.api.clusters import Cluster
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.each import for_each
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.output.calendar import DayState, calendar
from css_snapshot.cli.output.output import Output
from css_snapshot.errors import CSSError
from css_snapshot.service import SnapshotService
from css_snapshot.workflows.coverage import Coverage, CoverageRules, unreadable


@attrs.frozen
class Covered:
    """What is known of one cluster.

    Attributes:
        coverage: Whether it has a fresh usable snapshot.
        days: What each of its last days has, the oldest first; empty if it could not
            be looked at.
    """

    coverage: Coverage
    days: Mapping[date, DayState]


async def check_coverage(
    service: SnapshotService,
    selection: Selection,
    rules: CoverageRules,
    output: Output,
    *,
    days: int,
) -> list[Covered]:
    """Look at each cluster of a selection; one that can't be read stops no other.

    Args:
        service: Is asked.
        selection: Which clusters are meant.
        rules: What they are measured by.
        output: Where people are told that it goes slowly.
        days: How many days to look back at.

    Raises:
        AuthenticationError: If the credentials are refused.
        CSSError: If the clusters can't be found, as `Selection.ids` raises it.
    """
    known = await _known(service, selection)

    async def look(cluster_id: str) -> Covered:
        cluster = known[cluster_id] or await service.cluster(cluster_id)
        return await _look(service, cluster, rules, days)

    missed: dict[str, Covered] = {}

    def miss(cluster_id: str, error: CSSError) -> ExitCode:
        coverage = unreadable(cluster_id, known[cluster_id], error)
        missed[cluster_id] = Covered(coverage, {})
        return ExitCode.FAILED

    _, found = await for_each(output, service, list(known), look, on_failure=miss)
    return [(found | missed)[cluster_id] for cluster_id in known]


async def _known(
    service: SnapshotService, selection: Selection
) -> dict[str, Cluster | None]:
    """Return the clusters by id; `None` for those that have to be asked for."""
    if selection.all_clusters:
        return {one.id: one for one in await selection.matched(service)}
    ids = await selection.ids(service)
    listed: dict[str, Cluster] = {}
    if len(ids) > 1:
        # A page of the list costs as much as a look at one of them.
        listed = {one.id: one async for one in service.clusters()}
    return {cluster_id: listed.get(cluster_id) for cluster_id in ids}


async def _look(
    service: SnapshotService, cluster: Cluster, rules: CoverageRules, days: int
) -> Covered:
    now = datetime.now(UTC)
    without = rules.assess(cluster, (), now)
    if without.state == "off":
        return Covered(without, {})
    snapshots = await service.list(cluster.id)
    counted = (one for one in snapshots if one.name.startswith(rules.prefix or ""))
    return Covered(
        rules.assess(cluster, snapshots, now), calendar(counted, now=now, days=days)
    )
