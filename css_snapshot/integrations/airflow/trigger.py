"""The trigger that waits for a snapshot, and does nothing else."""

import time
from collections.abc import AsyncIterator

from css_snapshot.errors import CSSError
from css_snapshot.integrations.airflow.engine import BaseTrigger, TriggerEvent
from css_snapshot.integrations.airflow.hook import SnapshotHook
from css_snapshot.service import SnapshotService

Ending = dict[str, str | float | None]


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
        kind = type(self)
        return f"{kind.__module__}.{kind.__qualname__}", {
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


async def ending_of(
    service: SnapshotService,
    cluster_id: str,
    snapshot_id: str,
    until: float,
    *,
    poll: float,
) -> Ending:
    """Wait for a snapshot, and return how it ended as JSON values.

    Args:
        service: The service to ask.
        cluster_id: The cluster's id.
        snapshot_id: The snapshot's id.
        until: When to give up, in seconds since the epoch.
        poll: Initial polling interval in seconds; it grows over time.

    Returns:
        `cluster_id` and `snapshot_id`; for a completed one `name` and `seconds`,
        and for any other `problem`.
    """
    ending: Ending = {"cluster_id": cluster_id, "snapshot_id": snapshot_id}
    # Even if it is late, one look: it may have finished while nobody was looking.
    left = max(until - time.time(), poll)
    try:
        snapshot = await service.wait(cluster_id, snapshot_id, timeout=left, poll=poll)
    except CSSError as exc:
        return {**ending, "problem": str(exc)}
    return {**ending, "name": snapshot.name, "seconds": snapshot.duration}
