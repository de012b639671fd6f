"""The choice of the clusters that a task is about."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from css_snapshot.api.clusters import Cluster
from css_snapshot.integrations.airflow.coroutine_operator import CoroutineOperator
from css_snapshot.integrations.airflow.engine import AirflowException
from css_snapshot.integrations.airflow.hook import SnapshotHook
from css_snapshot.service import SnapshotService


class FleetOperator(CoroutineOperator):
    """An operator that is about the clusters of a project, or some of them.

    Clusters of engines without snapshots are left out, and logged.

    Args:
        css_conn_id: Id of the connection.
        engine: Only `elasticsearch` or `opensearch`.
        name_prefix: Only clusters whose names start with this.
        allow_empty: Succeed where there is no cluster, instead of failing.
        **kwargs: As for any operator.
    """

    template_fields: ClassVar[Sequence[str]] = ("css_conn_id", "engine", "name_prefix")

    def __init__(
        self,
        *,
        css_conn_id: str = SnapshotHook.default_conn_name,
        engine: str | None = None,
        name_prefix: str = "",
        allow_empty: bool = False,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.css_conn_id = css_conn_id
        self.engine = engine
        self.name_prefix = name_prefix
        self.allow_empty = allow_empty

    async def chosen(self, service: SnapshotService) -> list[Cluster]:
        """Return the clusters, sorted by their ids.

        Raises:
            AirflowException: If there is none, and that is not allowed.
        """
        chosen = []
        async for cluster in service.clusters(engine=self.engine):
            if not (cluster.name or "").startswith(self.name_prefix):
                continue
            readiness = cluster.snapshot_readiness
            if any(reason.obstacle == "engine" for reason in readiness.reasons):
                self.log.info("cluster %s left out: %s", cluster.id, readiness)
                continue
            chosen.append(cluster)
        if not chosen and not self.allow_empty:
            raise AirflowException("there is no cluster of this engine and name")
        return sorted(chosen, key=lambda cluster: cluster.id)

    def fail_for(self, problems: Sequence[str], what: str) -> None:
        """Log each problem, and fail the task if there is any.

        Raises:
            AirflowException: If there is one.
        """
        for problem in problems:
            self.log.error("%s", problem)
        if problems:
            raise AirflowException(f"{len(problems)} {what}: {'; '.join(problems)}")


class ListClustersOperator(FleetOperator):
    """Returns the ids of the clusters, sorted, for the next task to be mapped over.

    Clusters that are busy or not ready are among them: leaving one out would be a
    missed backup that nothing tells of. Their own tasks fail instead, and are retried.
    Clusters of engines without snapshots are left out, and logged.

    Args:
        css_conn_id: Id of the connection.
        engine: Only `elasticsearch` or `opensearch`.
        name_prefix: Only clusters whose names start with this.
        allow_empty: Return an empty list, for which Airflow skips the mapped task and
            calls the run a success, instead of failing.
        **kwargs: As for any operator.
    """

    def execute(self, context: Mapping[str, object]) -> list[str]:  # noqa: ARG002  # Airflow's signature
        """Return the ids of the clusters.

        Raises:
            AirflowException: If there is no cluster, or the service fails.
            AirflowFailException: If retrying would not help.
        """
        return self.carry_out(self._ids)

    async def _ids(self, service: SnapshotService) -> list[str]:
        async with service:
            return [cluster.id for cluster in await self.chosen(service)]
