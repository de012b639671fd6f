"""The operator that takes a snapshot of one cluster."""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar, Final

from css_snapshot.integrations.airflow.coroutine_operator import CoroutineOperator
from css_snapshot.integrations.airflow.endings import Ending, ending_of
from css_snapshot.integrations.airflow.engine import AirflowException
from css_snapshot.integrations.airflow.hook import SnapshotHook
from css_snapshot.integrations.airflow.names import name_for
from css_snapshot.integrations.airflow.trigger import SnapshotTrigger
from css_snapshot.service import SnapshotService
from css_snapshot.typing import Indices, OnSpoiled
from css_snapshot.workflows.defaults import SETTLE_SECONDS

_SPARE: Final = timedelta(minutes=10)


class CreateSnapshotOperator(CoroutineOperator):
    r"""Takes a snapshot of one cluster exactly once, and waits for it in a trigger.

    The snapshot's name follows from the DAG, the run, the task, the cluster and the
    indices. A retry, after whatever failure, finds the snapshot that the previous try
    created and continues with it, unless that one has failed: see `on_spoiled`.

    Args:
        cluster_id: The cluster's id.
        css_conn_id: Id of the connection.
        name: A name of your own; a snapshot that already has it is adopted.
        indices: Names or patterns, as a list or joined by commas; all if left out.
        description: At most 256 characters, none of `!<>=&"'\`.
        on_spoiled: What a snapshot of the name means that ended without all its
            shards: `"number"` takes `name-2`, `name-3`, … instead, `"replace"` deletes
            it if it is a FAILED manual one, `"fail"` refuses.
        deferrable: Wait in the triggerer, so that no worker is occupied.
        wait: Whether to wait for the snapshot to complete at all.
        timeout: Seconds to wait for the snapshot to complete.
        poll: Initial polling interval in seconds; it grows over time.
        settle: Seconds that a new snapshot may take to show in the list.
        **kwargs: As for any operator; `retries` above all.
    """

    template_fields: ClassVar[Sequence[str]] = (
        "cluster_id",
        "name",
        "indices",
        "description",
        "css_conn_id",
    )

    def __init__(
        self,
        *,
        cluster_id: str,
        css_conn_id: str = SnapshotHook.default_conn_name,
        name: str | None = None,
        indices: Indices = None,
        description: str | None = None,
        on_spoiled: OnSpoiled = "number",
        deferrable: bool = True,
        wait: bool = True,
        timeout: float = 3600.0,
        poll: float = 10.0,
        settle: float = SETTLE_SECONDS,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.css_conn_id = css_conn_id
        self.cluster_id = cluster_id
        self.name = name
        self.indices = indices
        self.description = description
        self.on_spoiled: OnSpoiled = on_spoiled
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
        until = time.time() + self.timeout
        name = self.name or name_for(
            context, self.task_id, self.cluster_id, self.indices
        )
        ending = self.carry_out(lambda service: self._work(service, name, until))
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

    async def _work(self, service: SnapshotService, name: str, until: float) -> Ending:
        async with service:
            ensured = await service.ensure(
                self.cluster_id,
                name,
                indices=self.indices,
                description=self.description,
                on_spoiled=self.on_spoiled,
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
