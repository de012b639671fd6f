"""The operators for the day after: which snapshots go, and is each cluster covered."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypedDict

from css_snapshot.api.clusters import Cluster
from css_snapshot.api.rules import check_seconds
from css_snapshot.fanout import Done, Failed
from css_snapshot.integrations.airflow.fleet_operator import FleetOperator
from css_snapshot.models import Snapshot
from css_snapshot.service import SnapshotService
from css_snapshot.typing import CoverageState
from css_snapshot.workflows.coverage import Coverage
from css_snapshot.workflows.defaults import STUCK_SECONDS
from css_snapshot.workflows.retention import Retention, RetentionPlan


class PruneRecord(TypedDict):
    """What became of one cluster's snapshots.

    Attributes:
        cluster_id: The cluster's id.
        cluster_name: Its name.
        keep: The names of the usable ones that stay, newest first.
        delete: The names of those that went, or would go, oldest first.
    """

    cluster_id: str
    cluster_name: str | None
    keep: list[str]
    delete: list[str]


class CoverageRecord(TypedDict):
    """Whether one cluster is covered.

    Attributes:
        cluster_id: The cluster's id.
        cluster_name: Its name.
        state: As of `Coverage`.
        age: Seconds since the last good snapshot began.
        why: The state in words.
    """

    cluster_id: str
    cluster_name: str | None
    state: CoverageState
    age: float | None
    why: str


class PruneSnapshotsOperator(FleetOperator):
    """Deletes the manual snapshots that no rule keeps, in each cluster.

    A cluster where that fails stops no other, and fails the task at the end. What a
    retry finds is less, and nothing goes twice.

    Args:
        retention: Which snapshots stay.
        prefix: Only snapshots whose names start with this count, and may go.
        dry_run: Delete nothing, and return what would go.
        limit: Clusters in flight at most.
        **kwargs: As for `ListClustersOperator`.
    """

    template_fields: ClassVar[Sequence[str]] = (
        *FleetOperator.template_fields,
        "prefix",
    )

    def __init__(
        self,
        *,
        retention: Retention,
        prefix: str | None = None,
        dry_run: bool = False,
        limit: int = 16,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.retention = retention
        self.prefix = prefix
        self.dry_run = dry_run
        self.limit = limit

    def execute(self, context: Mapping[str, object]) -> list[PruneRecord]:  # noqa: ARG002  # Airflow's signature
        """Delete them.

        Returns:
            A `PruneRecord` of each cluster, sorted.

        Raises:
            AirflowException: If one could not be deleted, or a list not be read.
            AirflowFailException: If retrying would not help.
        """
        outcomes = self.carry_out(self._prune)
        failed = [str(outcome) for outcome in outcomes if isinstance(outcome, Failed)]
        self.fail_for(failed, f"of {len(outcomes)} clusters could not be pruned")
        return [outcome.result for outcome in outcomes if isinstance(outcome, Done)]

    async def _prune(
        self, service: SnapshotService
    ) -> list[Done[PruneRecord] | Failed]:
        # Of all calls for a cluster: one that is throttled on its way is made again,
        # and its plan does not know what went before.
        deleted: defaultdict[str, list[Snapshot]] = defaultdict(list)

        async def prune(cluster: Cluster) -> PruneRecord:
            plan = await service.prune(
                cluster.id,
                retention=self.retention,
                prefix=self.prefix,
                dry_run=self.dry_run,
                on_deleted=deleted[cluster.id].append,
            )
            gone = plan.delete if self.dry_run else deleted[cluster.id]
            return _pruned(cluster, plan, gone)

        async with service:
            clusters = await self.chosen(service)
            async with service.each(prune, clusters=clusters, limit=self.limit) as run:
                outcomes = [outcome async for outcome in run]
        return sorted(outcomes, key=lambda outcome: outcome.cluster_id)


class CheckCoverageOperator(FleetOperator):
    """Fails unless each cluster has a usable snapshot that is young enough.

    A cluster that can't be read is not covered. Neither is one whose snapshots are
    switched off, unless `ignore_off` says so.

    Args:
        max_age: Seconds since the last good snapshot began, at most.
        prefix: Only snapshots whose names start with this count.
        stuck_after: Seconds that a snapshot may be building.
        ignore_off: Let clusters pass whose snapshots are switched off.
        limit: Clusters looked at at once.
        **kwargs: As for `ListClustersOperator`.

    Raises:
        RequestValidationError: If a number of seconds is below 0.
    """

    template_fields: ClassVar[Sequence[str]] = (
        *FleetOperator.template_fields,
        "prefix",
    )

    def __init__(
        self,
        *,
        max_age: float,
        prefix: str | None = None,
        stuck_after: float = STUCK_SECONDS,
        ignore_off: bool = False,
        limit: int = 16,
        **kwargs: Any,
    ) -> None:
        check_seconds("max_age", max_age)
        check_seconds("stuck_after", stuck_after)
        super().__init__(**kwargs)
        self.max_age = max_age
        self.prefix = prefix
        self.stuck_after = stuck_after
        self.ignore_off = ignore_off
        self.limit = limit

    def execute(self, context: Mapping[str, object]) -> list[CoverageRecord]:  # noqa: ARG002  # Airflow's signature
        """Check each cluster.

        Returns:
            A `CoverageRecord` of each, sorted.

        Raises:
            AirflowException: If a cluster is not covered.
            AirflowFailException: If retrying would not help.
        """
        records = self.carry_out(self._assess)
        passing = {"fresh", "off"} if self.ignore_off else {"fresh"}
        problems = [
            f"{record['cluster_name']} ({record['cluster_id']}) is"
            f" {record['state']}: {record['why']}"
            for record in records
            if record["state"] not in passing
        ]
        self.fail_for(problems, f"of {len(records)} clusters are not covered")
        return records

    async def _assess(self, service: SnapshotService) -> list[CoverageRecord]:
        async with service:
            assessed = service.coverage(
                max_age=self.max_age,
                prefix=self.prefix,
                stuck_after=self.stuck_after,
                clusters=await self.chosen(service),
                limit=self.limit,
            )
            records = [_covered(coverage) async for coverage in assessed]
        return sorted(records, key=lambda record: record["cluster_id"])


def _pruned(
    cluster: Cluster, plan: RetentionPlan, gone: Iterable[Snapshot]
) -> PruneRecord:
    return {
        "cluster_id": cluster.id,
        "cluster_name": cluster.name,
        "keep": [kept.snapshot.name for kept in plan.keep],
        "delete": [snapshot.name for snapshot in gone],
    }


def _covered(coverage: Coverage) -> CoverageRecord:
    return {
        "cluster_id": coverage.cluster_id,
        "cluster_name": coverage.cluster_name,
        "state": coverage.state,
        "age": coverage.age,
        "why": coverage.why,
    }
