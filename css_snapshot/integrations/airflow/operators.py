"""The operators: list the clusters, and take a snapshot of one."""

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final, Protocol, TypeVar, runtime_checkable

from css_snapshot.errors import (
    AuthenticationError,
    ConfigurationError,
    CSSError,
    DuplicateSnapshotError,
    RequestValidationError,
)
from css_snapshot.integrations.airflow.engine import (
    AirflowException,
    AirflowFailException,
    BaseOperator,
)
from css_snapshot.integrations.airflow.hook import SnapshotHook
from css_snapshot.integrations.airflow.names import repeatable_name, unspoiled_name
from css_snapshot.integrations.airflow.trigger import (
    Ending,
    SnapshotTrigger,
    ending_of,
)
from css_snapshot.service import SnapshotService
from css_snapshot.typing import Indices

T = TypeVar("T")

_NEVER_AGAIN: Final = (
    AuthenticationError,
    ConfigurationError,
    DuplicateSnapshotError,
    RequestValidationError,
)
_KILLED: Final = "killed; the next try finds out what became of the snapshot"
_SPARE: Final = timedelta(minutes=10)


@runtime_checkable
class _Run(Protocol):
    """The attributes of a run that a snapshot's name is made of."""

    dag_id: str
    run_id: str
    run_after: datetime
    logical_date: datetime | None


class _CssOperator(BaseOperator):
    """An operator that carries out one coroutine, which a kill cancels."""

    _running: tuple[asyncio.AbstractEventLoop, asyncio.Task[object]] | None = None

    def on_kill(self) -> None:
        """Cancel the coroutine; the next try finds out what was carried out."""
        if self._running is not None:
            loop, task = self._running
            loop.call_soon_threadsafe(task.cancel)

    def carry_out(self, work: Coroutine[object, object, T]) -> T:
        """Run a coroutine to its end, and translate its errors for Airflow.

        Raises:
            AirflowFailException: If retrying would not help.
            AirflowException: If retrying may help.
        """
        try:
            return asyncio.run(self._watched(work))
        except _NEVER_AGAIN as exc:
            raise AirflowFailException(str(exc)) from exc
        except CSSError as exc:
            raise AirflowException(str(exc)) from exc
        except asyncio.CancelledError:
            raise AirflowException(_KILLED) from None

    async def _watched(self, work: Coroutine[object, object, T]) -> T:
        task = asyncio.ensure_future(work)
        self._running = asyncio.get_running_loop(), task
        try:
            return await task
        finally:
            self._running = None


class ListClustersOperator(_CssOperator):
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

    def execute(self, context: Mapping[str, object]) -> list[str]:  # noqa: ARG002  # Airflow's signature
        """Return the ids of the clusters.

        Raises:
            AirflowException: If there is no cluster, or the service fails.
            AirflowFailException: If retrying would not help.
        """
        service = SnapshotHook(self.css_conn_id).get_conn()
        ids = self.carry_out(self._ids(service))
        if not ids and not self.allow_empty:
            raise AirflowException("there is no cluster to take a snapshot of")
        return ids

    async def _ids(self, service: SnapshotService) -> list[str]:
        ids = []
        async with service:
            async for cluster in service.clusters(engine=self.engine):
                if not (cluster.name or "").startswith(self.name_prefix):
                    continue
                readiness = cluster.snapshot_readiness
                if any(reason.obstacle == "engine" for reason in readiness.reasons):
                    self.log.info("cluster %s left out: %s", cluster.id, readiness)
                    continue
                ids.append(cluster.id)
        return sorted(ids)


class CreateSnapshotOperator(_CssOperator):
    r"""Takes a snapshot of one cluster exactly once, and waits for it in a trigger.

    The snapshot's name follows from the DAG, the run, the task, the cluster and the
    indices. A retry, after whatever failure, finds the snapshot that the previous try
    created and continues with it; a failed snapshot is kept, and the next is numbered.

    Args:
        cluster_id: The cluster's id.
        css_conn_id: Id of the connection.
        name: A name of your own; a snapshot that already has it is adopted.
        indices: Names or patterns, as a list or joined by commas; all if left out.
        description: At most 256 characters, none of `!<>=&"'\`.
        deferrable: Wait in the triggerer, so that no worker is occupied.
        wait: Whether to wait for the snapshot to complete at all.
        timeout: Seconds to wait for the snapshot to complete.
        poll: Initial polling interval in seconds; it grows over time.
        settle: Seconds that a new snapshot may take to show in the list.
        **kwargs: As for any operator; `retries` above all.
    """

    template_fields: ClassVar[Sequence[str]] = (
        *("cluster_id", "name", "indices", "description", "css_conn_id"),
    )

    def __init__(
        self,
        *,
        cluster_id: str,
        css_conn_id: str = SnapshotHook.default_conn_name,
        name: str | None = None,
        indices: Indices = None,
        description: str | None = None,
        deferrable: bool = True,
        wait: bool = True,
        timeout: float = 3600.0,
        poll: float = 10.0,
        settle: float = 15.0,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.css_conn_id = css_conn_id
        self.cluster_id = cluster_id
        self.name = name
        self.indices = indices
        self.description = description
        self.deferrable = deferrable
        self.wait = wait
        self.timeout = timeout
        self.poll = poll
        self.settle = settle

    def execute(self, context: Mapping[str, object]) -> Ending:
        """Create the snapshot unless it exists, and wait for it.

        Returns:
            `cluster_id`, `snapshot_id`, `name` and, if it was waited for, `seconds`
            that it took.

        Raises:
            AirflowFailException: If retrying would not help.
            AirflowException: If retrying may help: the cluster is busy, for example.
        """
        service = SnapshotHook(self.css_conn_id).get_conn()
        until = time.time() + self.timeout
        name = self.name or self._name_in(context)
        ending = self.carry_out(self._work(service, name, until))
        if self.wait and self.deferrable:
            self.defer(
                trigger=SnapshotTrigger(
                    css_conn_id=self.css_conn_id,
                    cluster_id=self.cluster_id,
                    snapshot_id=str(ending["snapshot_id"]),
                    until=until,
                    poll=self.poll,
                ),
                method_name=self.execute_complete.__name__,
                timeout=timedelta(seconds=self.timeout) + _SPARE,
            )
        return self.execute_complete(context, ending)

    def execute_complete(self, context: Mapping[str, object], event: Ending) -> Ending:  # noqa: ARG002  # Airflow's signature
        """Return what the trigger found out.

        Raises:
            AirflowException: If the snapshot did not complete.
        """
        if "problem" in event:
            raise AirflowException(str(event["problem"]))
        return event

    def _name_in(self, context: Mapping[str, object]) -> str:
        run = context["dag_run"]
        if not isinstance(run, _Run):
            raise TypeError("the context has no run")
        # Not the map index: a list of clusters made anew may be in another order.
        return repeatable_name(
            run.dag_id,
            run.logical_date or run.run_after,
            *(run.dag_id, run.run_id, self.task_id, self.cluster_id),
            *_patterns(self.indices),
        )

    async def _work(self, service: SnapshotService, name: str, until: float) -> Ending:
        async with service:
            if self.name is None:
                name = unspoiled_name(name, await service.list(self.cluster_id))
            ensured = await service.ensure(
                self.cluster_id,
                name,
                indices=self.indices,
                description=self.description,
                settle=self.settle,
            )
            backup = ensured.backup
            self.log.info(
                "cluster %s: snapshot %s (%s) %s",
                self.cluster_id,
                backup.name,
                backup.id,
                ensured.how,
            )
            if self.wait and not self.deferrable:
                return await ending_of(
                    service, self.cluster_id, backup.id, until, poll=self.poll
                )
        return {
            "cluster_id": self.cluster_id,
            "snapshot_id": backup.id,
            "name": backup.name,
        }


def _patterns(indices: Indices) -> Sequence[str]:
    if indices is None:
        return ()
    return sorted(indices.split(",") if isinstance(indices, str) else indices)
