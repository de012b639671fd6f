"""How snapshots ended, as JSON values that Airflow can store."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, TypedDict

from css_snapshot.errors import CSSError, FanOutStoppedError
from css_snapshot.fanout import Adopted, Completed, Created, Outcome, Target
from css_snapshot.models import Backup, Ensured
from css_snapshot.service import SnapshotService

Ending = dict[str, str | float | None]

_LAST_LOOK_SECONDS: Final = 10.0


class SnapshotRecord(TypedDict):
    """What became of one cluster's snapshot.

    Attributes:
        cluster_id: The cluster's id.
        cluster_name: Its name.
        name: The snapshot's name.
        snapshot_id: Its id, if there is one.
        outcome: The outcome in one word, such as `completed`.
        problem: Why it is missing; `None` if it is not.
    """

    cluster_id: str
    cluster_name: str | None
    name: str
    snapshot_id: str | None
    outcome: str
    problem: str | None


def record_of(outcome: Outcome[Ensured]) -> SnapshotRecord:
    """Return the record of what became of a target."""
    backup = getattr(outcome, "backup", None)
    is_good = isinstance(outcome, Created | Adopted | Completed)
    return {
        "cluster_id": outcome.cluster_id,
        "cluster_name": outcome.cluster_name,
        "name": outcome.target.name if backup is None else backup.name,
        "snapshot_id": outcome.id,
        "outcome": outcome.outcome,
        "problem": None if is_good else str(outcome),
    }


def text_of(error: CSSError) -> str:
    """Return all that an error says, with what stopped a run."""
    if isinstance(error, FanOutStoppedError):
        return f"{error.message}: {'; '.join(map(str, error.exceptions))}"
    return str(error)


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


async def endings_of(
    service: SnapshotService,
    records: Sequence[SnapshotRecord],
    until: float,
    *,
    limit: int,
) -> list[SnapshotRecord]:
    """Wait for snapshots, one per cluster, and return how each ended.

    Args:
        service: The service to ask; nothing is created.
        records: The snapshots; one that is missing already stays so.
        until: When to give up, in seconds since the epoch.
        limit: Clusters looked at at once.
    """
    # Even if it is late, one look: they may have finished while nobody was looking.
    end = max(until, time.time() + _LAST_LOOK_SECONDS)
    ended: dict[str, SnapshotRecord] = {}
    problem = "it was not seen to end"
    try:
        async with service.fan_out(
            [_target_of(record) for record in records if record["problem"] is None],
            until="completed",
            finish_by=datetime.fromtimestamp(end, UTC),
            limit=limit,
        ) as run:
            async for outcome in run:
                ended[outcome.cluster_id] = record_of(outcome)
    except CSSError as exc:
        problem = f"{problem}: {text_of(exc)}"
    return [
        ended.get(record["cluster_id"]) or _unseen(record, problem)
        for record in records
    ]


def _target_of(record: SnapshotRecord) -> Target:
    return Target(
        record["cluster_id"],
        record["name"],
        cluster_name=record["cluster_name"],
        accepted=Backup(str(record["snapshot_id"]), record["name"]),
    )


def _unseen(record: SnapshotRecord, problem: str) -> SnapshotRecord:
    if record["problem"] is not None:
        return record
    told = f"late {record['cluster_id']}/{record['name']}: {problem}"
    return {**record, "outcome": "late", "problem": told}
