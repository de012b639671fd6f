"""Whether each of several clusters has a fresh usable snapshot, and its last days."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import attrs

from css_snapshot.api.clusters import Cluster
from css_snapshot.cli.fleet.each import for_each
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.output.calendar import DayState, calendar
from css_snapshot.cli.output.output import Output
from css_snapshot.service import SnapshotService
from css_snapshot.workflows.coverage import (
    Coverage,
    CoverageRules,
    rows_of,
    unreadable,
)


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

    walked = await for_each(output, service, list(known), look, quiet=True)
    missed = {
        cluster_id: Covered(unreadable(cluster_id, known[cluster_id], error), {})
        for cluster_id, error in walked.errors.items()
    }
    found = walked.results | missed
    return [found[cluster_id] for cluster_id in known]


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
    snapshots = await rows_of(cluster, service.list)
    now = datetime.now(UTC)
    coverage = rules.assess(cluster, snapshots, now)
    if coverage.state == "off":
        return Covered(coverage, {})
    counted = (one for one in snapshots if one.name.startswith(rules.prefix or ""))
    return Covered(coverage, calendar(counted, now=now, days=days))
