"""What JSON lines hold about a run: its outcomes and its summary."""

from css_snapshot.api.clusters import Cluster
from css_snapshot.cli.output.records import Json
from css_snapshot.errors import APIError
from css_snapshot.fanout import (
    Adopted,
    Completed,
    Created,
    Late,
    Outcome,
    Skipped,
    Spoiled,
    Summary,
)


def outcome_record(outcome: Outcome[object]) -> Json:
    """Show what became of a target.

    Keys: kind (outcome), outcome (created, adopted, skipped, busy, failed,
    indeterminate), cluster_id, name, id (of the snapshot), attempts, elapsed, reason,
    error (its type), message, and for answers of the service code and request_id.
    """
    record: Json = {
        "kind": "outcome",
        "outcome": type(outcome).__name__.lower(),
        "cluster_id": outcome.target.cluster_id,
        "name": outcome.target.name,
        "id": None,
        "attempts": outcome.attempts,
        "elapsed": round(outcome.elapsed, 3),
        "reason": None,
        "error": None,
        "message": None,
    }
    match outcome:
        case Created() | Adopted():
            record["id"] = outcome.backup.id
        case Skipped():
            record["id"] = None if outcome.backup is None else outcome.backup.id
            record["reason"] = outcome.reason
            record["message"] = outcome.error
        case Completed() | Spoiled() | Late():
            record["id"] = outcome.backup.id
    error = getattr(outcome, "error", None)
    if isinstance(error, Exception):
        record |= _error(error)
    return record


def not_ready_record(cluster: Cluster) -> Json:
    """Show that a cluster was left out; keys as of an outcome, and `not_ready`."""
    return {
        "kind": "outcome",
        "outcome": "not_ready",
        "cluster_id": cluster.id,
        "name": None,
        "id": None,
        "attempts": 0,
        "elapsed": 0.0,
        "reason": str(cluster.snapshot_readiness),
        "error": None,
        "message": None,
    }


def summary_record(summary: Summary, *, not_ready: int, interrupted: bool) -> Json:
    """Show how a run ended.

    Keys: kind (summary), total, created, adopted, skipped, busy, failed,
    indeterminate, not_ready, elapsed, stopped (why, if it was early), interrupted.
    """
    return {
        "kind": "summary",
        "total": summary.total,
        "created": summary.created,
        "adopted": summary.adopted,
        "skipped": summary.skipped,
        "busy": summary.busy,
        "failed": summary.failed,
        "indeterminate": summary.indeterminate,
        "not_ready": not_ready,
        "elapsed": round(summary.elapsed, 3),
        "stopped": summary.stopped or None,
        "interrupted": interrupted,
    }


def _error(error: Exception) -> Json:
    record: Json = {"error": type(error).__name__, "message": str(error)}
    if isinstance(error, APIError):
        record |= {"code": error.code, "request_id": error.request_id}
    return record
