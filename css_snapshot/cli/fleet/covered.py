"""Whether each of several clusters has a fresh usable snapshot, and its last days."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

import attrs

from css_snapshot.api.clusters import Cluster
from css_snapshot.api.rules import check_seconds
from css_snapshot.cli.fleet.each import for_each
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.output.calendar import DayState, calendar
from css_snapshot.cli.output.output import Output
from css_snapshot.errors import AuthenticationError, CredentialsNotFoundError, CSSError
from css_snapshot.models import Snapshot
from css_snapshot.service import SnapshotService
from css_snapshot.workflows.coverage import Coverage, assess
from css_snapshot.workflows.retention import check_prefix


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


@attrs.frozen(kw_only=True)
class CoverageRules:
    """What a cluster is measured by.

    Attributes:
        max_age: Seconds since the last good snapshot began, at most.
        stuck_after: Seconds that a snapshot may be building.
        prefix: Only snapshots whose names start with this count.
        days: How many days to look back at.

    Raises:
        RequestValidationError: If a value is out of its range.
    """

    max_age: float
    stuck_after: float
    prefix: str | None
    days: int

    def __attrs_post_init__(self) -> None:
        check_seconds("max_age", self.max_age)
        check_seconds("stuck_after", self.stuck_after)
        check_prefix(self.prefix)

    def assess(
        self, cluster: Cluster, snapshots: Iterable[Snapshot], now: datetime
    ) -> Coverage:
        """Decide whether a cluster has a fresh usable snapshot.

        Args:
            cluster: The cluster.
            snapshots: The rows of its list.
            now: The time, aware.
        """
        return assess(
            cluster,
            snapshots,
            now=now,
            max_age=self.max_age,
            prefix=self.prefix,
            stuck_after=self.stuck_after,
        )


async def check_coverage(
    service: SnapshotService,
    selection: Selection,
    rules: CoverageRules,
    output: Output,
) -> list[Covered]:
    """Look at each cluster of a selection; one that can't be read stops no other.

    Args:
        service: Is asked.
        selection: Which clusters are meant.
        rules: What they are measured by.
        output: Where failures are written to.

    Raises:
        AuthenticationError: If the credentials are refused.
        CSSError: If the clusters can't be found, as `Selection.ids` raises it.
    """
    known = await _known(service, selection)
    found: dict[str, Covered] = {}

    async def look(cluster_id: str) -> None:
        try:
            cluster = known[cluster_id] or await service.cluster(cluster_id)
            found[cluster_id] = await _look(service, cluster, rules)
        except (AuthenticationError, CredentialsNotFoundError):
            raise
        except CSSError as exc:
            found[cluster_id] = _unreadable(cluster_id, known[cluster_id], exc)

    await for_each(output, list(known), look)
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
    service: SnapshotService, cluster: Cluster, rules: CoverageRules
) -> Covered:
    now = datetime.now(UTC)
    without = rules.assess(cluster, (), now)
    if without.state == "off":
        return Covered(without, {})
    snapshots = await service.list(cluster.id)
    counted = (one for one in snapshots if one.name.startswith(rules.prefix or ""))
    return Covered(
        rules.assess(cluster, snapshots, now),
        calendar(counted, now=now, days=rules.days),
    )


def _unreadable(cluster_id: str, cluster: Cluster | None, error: CSSError) -> Covered:
    coverage = Coverage(
        cluster_id=cluster_id,
        cluster_name="" if cluster is None else cluster.name,
        state="unreadable",
        policy=None if cluster is None else cluster.snapshot_policy,
        why=str(error),
    )
    return Covered(coverage, {})
