"""The triggers that wait for snapshots, and do nothing else."""

from collections.abc import AsyncIterator, Sequence

from css_snapshot.integrations.airflow.endings import (
    SnapshotRecord,
    ending_of,
    endings_of,
)
from css_snapshot.integrations.airflow.engine import BaseTrigger, TriggerEvent
from css_snapshot.integrations.airflow.hook import SnapshotHook


class SnapshotTrigger(BaseTrigger):
    """Polls one snapshot until it is finished or the time is up.

    It changes nothing, so it may be stopped, moved and run again at any point. Airflow
    stores only ids and numbers of it.

    Args:
        css_conn_id: Id of the connection.
        cluster_id: The cluster's id.
        snapshot_id: The snapshot's id.
        until: When to give up, in seconds since the epoch.
        poll: Initial polling interval in seconds; it grows over time.
    """

    def __init__(
        self,
        *,
        css_conn_id: str,
        cluster_id: str,
        snapshot_id: str,
        until: float,
        poll: float = 10.0,
    ) -> None:
        super().__init__()
        self.css_conn_id = css_conn_id
        self.cluster_id = cluster_id
        self.snapshot_id = snapshot_id
        self.until = until
        self.poll = poll

    def serialize(self) -> tuple[str, dict[str, str | float]]:
        """Return what Airflow stores to create the trigger anew elsewhere."""
        return _path_of(type(self)), {
            "css_conn_id": self.css_conn_id,
            "cluster_id": self.cluster_id,
            "snapshot_id": self.snapshot_id,
            "until": self.until,
            "poll": self.poll,
        }

    async def run(self) -> AsyncIterator[object]:
        """Wait, and yield one `TriggerEvent` that says how the snapshot ended."""
        async with await SnapshotHook(self.css_conn_id).aget_conn() as service:
            ending = await ending_of(
                service, self.cluster_id, self.snapshot_id, self.until, poll=self.poll
            )
        yield TriggerEvent(ending)


class SnapshotsTrigger(BaseTrigger):
    """Watches the snapshots of many clusters until all are finished or the time is up.

    Where the list of clusters shows which of them work, watching costs a page of it per
    tick, however many there are. It changes nothing, so it may be stopped, moved and run
    again at any point. Airflow stores only ids, names and numbers of it, and why those
    are missing that were not accepted.

    Args:
        css_conn_id: Id of the connection.
        records: What became of the creation of each cluster's snapshot.
        until: When to give up, in seconds since the epoch.
        limit: Clusters looked at at once.
    """

    def __init__(
        self,
        *,
        css_conn_id: str,
        records: Sequence[SnapshotRecord],
        until: float,
        limit: int = 16,
    ) -> None:
        super().__init__()
        self.css_conn_id = css_conn_id
        self.records = records
        self.until = until
        self.limit = limit

    def serialize(self) -> tuple[str, dict[str, object]]:
        """Return what Airflow stores to create the trigger anew elsewhere."""
        return _path_of(type(self)), {
            "css_conn_id": self.css_conn_id,
            "records": list(self.records),
            "until": self.until,
            "limit": self.limit,
        }

    async def run(self) -> AsyncIterator[object]:
        """Wait, and yield one `TriggerEvent` with the records of all, as `endings`."""
        async with await SnapshotHook(self.css_conn_id).aget_conn() as service:
            endings = await endings_of(
                service, self.records, self.until, limit=self.limit
            )
        yield TriggerEvent({"endings": endings})


def _path_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
