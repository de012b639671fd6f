"""Coverage: whether each cluster has a fresh usable snapshot."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Final

import attrs

from css_snapshot.api.clusters import Cluster, PolicySummary
from css_snapshot.api.operations import LIST_SNAPSHOTS
from css_snapshot.api.rules import check_seconds
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import CSSError
from css_snapshot.models import Snapshot, SnapshotStatus
from css_snapshot.typing import CoverageState
from css_snapshot.workflows.defaults import STUCK_SECONDS
from css_snapshot.workflows.retention import check_prefix

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_WITHOUT_SNAPSHOTS: Final = frozenset({"logstash"})


@attrs.frozen(kw_only=True)
class Coverage:
    """Whether one cluster has a fresh usable snapshot.

    Attributes:
        cluster_id: The cluster's id.
        cluster_name: Its name.
        state: `"fresh"`: its last good snapshot is young enough. `"stale"`: it is not.
            `"never"`: it has none. `"stuck"`: a snapshot has been building for too
            long, whatever else there is. `"off"`: its snapshot function is switched
            off, or its engine has none. `"unreadable"`: it could not be looked at.
        last_good: The newest usable snapshot.
        age: Seconds since that one began.
        failures_since: How many snapshots began after it and failed, or lack shards.
        current: The snapshot that is being built now.
        policy: Its policy, as far as the list of clusters shows it.
        why: The state in words.
    """

    cluster_id: str
    cluster_name: str
    state: CoverageState
    last_good: Snapshot | None = None
    age: float | None = None
    failures_since: int = 0
    current: Snapshot | None = None
    policy: PolicySummary | None = None
    why: str = ""


@attrs.frozen(kw_only=True)
class CoverageRules:
    """What clusters are measured by.

    Attributes:
        max_age: Seconds since the last good snapshot began, at most.
        prefix: Only snapshots whose names start with this count, but for the one
            that is being built.
        stuck_after: Seconds that a snapshot may be building.

    Raises:
        RequestValidationError: If a value is out of its range.
    """

    max_age: float
    prefix: str | None = None
    stuck_after: float = STUCK_SECONDS

    def __attrs_post_init__(self) -> None:
        check_seconds("max_age", self.max_age)
        check_seconds("stuck_after", self.stuck_after)
        check_prefix(self.prefix)

    def assess(
        self, cluster: Cluster, snapshots: Iterable[Snapshot], now: datetime
    ) -> Coverage:
        """Decide whether a cluster has a fresh usable snapshot; see `assess`."""
        return assess(
            cluster,
            snapshots,
            now=now,
            max_age=self.max_age,
            prefix=self.prefix,
            stuck_after=self.stuck_after,
        )


async def look(client: ApiClient, rules: CoverageRules, cluster: Cluster) -> Coverage:
    """Look at a cluster, and return whether it is covered.

    Args:
        client: Carries the call; none is made where snapshots are switched off.
        rules: What it is measured by.
        cluster: The cluster.

    Raises:
        CSSError: If its list can't be read.
    """

    async def read(cluster_id: str) -> tuple[Snapshot, ...]:
        return await client.look(LIST_SNAPSHOTS(cluster_id=cluster_id))

    snapshots = await rows_of(cluster, read)
    return rules.assess(cluster, snapshots, client.clock.now())


async def rows_of(
    cluster: Cluster, read: Callable[[str], Awaitable[tuple[Snapshot, ...]]]
) -> tuple[Snapshot, ...]:
    """Return the rows of a cluster's list.

    Args:
        cluster: The cluster.
        read: Reads the list; not called where snapshots are switched off.
    """
    if _why_off(cluster) is not None:
        return ()
    return await read(cluster.id)


def unreadable(cluster_id: str, cluster: Cluster | None, error: CSSError) -> Coverage:
    """Return the coverage of a cluster that could not be looked at.

    Args:
        cluster_id: Its id.
        cluster: What else is known of it.
        error: Why not.
    """
    return Coverage(
        cluster_id=cluster_id,
        cluster_name="" if cluster is None else cluster.name,
        state="unreadable",
        policy=None if cluster is None else cluster.snapshot_policy,
        why=str(error),
    )


def assess(
    cluster: Cluster,
    snapshots: Iterable[Snapshot],
    *,
    now: datetime,
    max_age: float,
    prefix: str | None = None,
    stuck_after: float = STUCK_SECONDS,
) -> Coverage:
    """Decide whether a cluster has a fresh usable snapshot.

    Args:
        cluster: The cluster.
        snapshots: The rows of its list, in any order.
        now: The time, aware.
        max_age: Seconds since the last good snapshot began, at most.
        prefix: Only snapshots whose names start with this count, but for the one
            that is being built.
        stuck_after: Seconds that a snapshot may be building.
    """
    off = _why_off(cluster)
    if off is not None:
        return _coverage(cluster, "off", off)
    rows = sorted({row.id: row for row in snapshots}.values(), key=_order)
    current = next((row for row in rows if row.status == SnapshotStatus.BUILDING), None)
    counted = [row for row in rows if row.name.startswith(prefix or "")]
    good = [row for row in counted if row.is_usable]
    last_good = good[-1] if good else None
    failed = [row for row in counted if row.is_finished and not row.is_usable]
    if last_good is not None:
        failed = [row for row in failed if begun(row) > begun(last_good)]
    state, why = _state(last_good, current, now, max_age, stuck_after)
    if failed:
        why += f"; {len(failed)} failed" + (" since" if last_good else "")
    return attrs.evolve(
        _coverage(cluster, state, why),
        last_good=last_good,
        age=age_of(last_good, now),
        failures_since=len(failed),
        current=current,
    )


def _state(
    last_good: Snapshot | None,
    current: Snapshot | None,
    now: datetime,
    max_age: float,
    stuck_after: float,
) -> tuple[CoverageState, str]:
    building = age_of(current, now)
    if current is not None and building is not None and building > stuck_after:
        return "stuck", f"{current.name} has been building for {_span(building)}"
    if last_good is None:
        return "never", "no usable snapshot"
    age = age_of(last_good, now)
    if age is None:
        return "stale", f"{last_good.name} does not show when it began"
    if age > max_age:
        return "stale", f"{last_good.name} is {_span(age)} old"
    return "fresh", f"{last_good.name} is {_span(age)} old"


def _why_off(cluster: Cluster) -> str | None:
    if cluster.engine in _WITHOUT_SNAPSHOTS:
        return f"{cluster.engine} clusters have no snapshots"
    # Older sites don't say.
    if cluster.backup_available is False:
        return "its snapshot function is switched off"
    return None


def _coverage(cluster: Cluster, state: CoverageState, why: str) -> Coverage:
    return Coverage(
        cluster_id=cluster.id,
        cluster_name=cluster.name,
        state=state,
        policy=cluster.snapshot_policy,
        why=why,
    )


def begun(snapshot: Snapshot) -> datetime:
    """Return when a snapshot began; long ago where the list does not show it."""
    return snapshot.start_time or snapshot.created or _LONG_AGO


def _order(snapshot: Snapshot) -> tuple[datetime, str]:
    return begun(snapshot), snapshot.id


def age_of(snapshot: Snapshot | None, now: datetime) -> float | None:
    """Return the seconds since a snapshot began; `None` if that is not known."""
    if snapshot is None or begun(snapshot) == _LONG_AGO:
        return None
    return max(0.0, (now - begun(snapshot)).total_seconds())


def _span(seconds: float) -> str:
    """Return a span of time in the unit that people would say it in."""
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
