"""The operator that takes a snapshot of each of many clusters, in one task."""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from css_snapshot.api.clusters import Cluster
from css_snapshot.fanout import Target
from css_snapshot.integrations.airflow.endings import (
    SnapshotRecord,
    endings_of,
    record_of,
)
from css_snapshot.integrations.airflow.fleet_operator import FleetOperator
from css_snapshot.integrations.airflow.names import name_for
from css_snapshot.integrations.airflow.trigger import SnapshotsTrigger
from css_snapshot.service import SnapshotService
from css_snapshot.typing import Indices, OnSpoiled
from css_snapshot.workflows.defaults import SETTLE_SECONDS

_SPARE: Final = timedelta(minutes=10)


class CreateSnapshotsOperator(FleetOperator):
    r"""Takes a snapshot of each cluster exactly once, and waits for all in one trigger.

    It succeeds when every snapshot is seen to be complete. One that is missing, as its
    cluster is busy or not ready, or it was refused, failed, lacks shards, or is late,
    fails the task after all others have ended, with each of them in the log. A retry
    goes on with the snapshots that there are, and creates those that are missing.

    Args:
        name: A name of your own, the same in each cluster; a snapshot that already has
            it is adopted. If left out, it follows from the DAG, the run, the task, the
            cluster and the indices.
        indices: Names or patterns, as a list or joined by commas; all if left out.
        description: At most 256 characters, none of `!<>=&"'\`.
        on_spoiled: What a snapshot of the name means that ended without all its
            shards: `"number"` takes `name-2`, `name-3`, … instead, `"replace"` deletes
            it if it is a FAILED manual one, `"fail"` refuses.
        timeout: Seconds until a snapshot that still builds is late.
        deferrable: Wait in the triggerer, so that no worker is occupied.
        limit: Clusters in flight at most.
        rate: Snapshots started per second at most; `None` for no limit.
        settle: Seconds that a new snapshot may take to show in the list.
        **kwargs: As for `ListClustersOperator`, and `retries` above all.
    """

    template_fields: ClassVar[Sequence[str]] = (
        *FleetOperator.template_fields,
        *("name", "indices", "description"),
    )

    def __init__(
        self,
        *,
        name: str | None = None,
        indices: Indices = None,
        description: str | None = None,
        on_spoiled: OnSpoiled = "number",
        timeout: float = 14400.0,
        deferrable: bool = True,
        limit: int = 16,
        rate: float | None = None,
        settle: float = SETTLE_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.indices = indices
        self.description = description
        self.on_spoiled: OnSpoiled = on_spoiled
        self.timeout = timeout
        self.deferrable = deferrable
        self.limit = limit
        self.rate = rate
        self.settle = settle

    def execute(self, context: Mapping[str, object]) -> list[SnapshotRecord]:
        """Create the snapshots that do not exist, and wait for all of them.

        Returns:
            A `SnapshotRecord` of each, sorted by cluster.

        Raises:
            AirflowFailException: If retrying would not help.
            AirflowException: If a snapshot is missing.
        """
        until = time.time() + self.timeout
        records = self.carry_out(lambda service: self._work(service, context, until))
        if self.deferrable and any(record["problem"] is None for record in records):
            self.defer(
                trigger=SnapshotsTrigger(
                    css_conn_id=self.css_conn_id,
                    records=records,
                    until=until,
                    limit=self.limit,
                ),
                method_name=self.execute_complete.__name__,
                timeout=timedelta(seconds=self.timeout) + _SPARE,
            )
        return self.execute_complete(context, {"endings": records})

    def execute_complete(
        self,
        context: Mapping[str, object],  # noqa: ARG002  # Airflow's signature
        event: Mapping[str, Sequence[SnapshotRecord]],
    ) -> list[SnapshotRecord]:
        """Return what the trigger found out.

        Args:
            context: The task's.
            event: The records of all, as `endings`.

        Raises:
            AirflowException: If a snapshot is missing.
        """
        records = sorted(event["endings"], key=lambda record: record["cluster_id"])
        problems = [record["problem"] for record in records if record["problem"]]
        self.fail_for(problems, f"of {len(records)} snapshots are missing")
        return records

    async def _work(
        self, service: SnapshotService, context: Mapping[str, object], until: float
    ) -> list[SnapshotRecord]:
        async with service:
            targets = [
                self._target(cluster, context) for cluster in await self.chosen(service)
            ]
            records = await self._accept(service, targets)
            if self.deferrable:
                return records
            return await endings_of(service, records, until, limit=self.limit)

    def _target(self, cluster: Cluster, context: Mapping[str, object]) -> Target:
        """Return a cluster's target, checked: what breaks a rule does so for all."""
        name = self.name or name_for(context, self.task_id, cluster.id, self.indices)
        target = Target.of(
            cluster, name, indices=self.indices, description=self.description
        )
        target.request()
        return target

    async def _accept(
        self, service: SnapshotService, targets: Sequence[Target]
    ) -> list[SnapshotRecord]:
        async with service.fan_out(
            targets,
            on_spoiled=self.on_spoiled,
            limit=self.limit,
            rate=self.rate,
            settle=self.settle,
        ) as run:
            records = []
            async for outcome in run:
                self.log.info("%s", outcome)
                records.append(record_of(outcome))
        return records
