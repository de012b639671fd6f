"""The records of a run: its outcomes and its summary."""

from css_snapshot.api.clusters import Cluster
from css_snapshot.cli.output.records import Json
from css_snapshot.errors import APIError
from css_snapshot.fanout import Adopted, Created, Outcome, Skipped, Summary


def outcome_record(outcome: Outcome[object]) -> Json:
    """Return the record of what became of a target.

    Keys: kind (outcome), outcome (created, adopted, skipped, busy, failed,
    indeterminate), cluster_id, name, id (of the snapshot), attempts, elapsed, reason,
    error (its type), message, and for refusals of the service code and request_id.
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
        case _:
            record |= _error(outcome.error)
    return record


def left_out_record(cluster: Cluster, name: str | None, outcome: str) -> Json:
    """Return the record of a cluster that was left out, with the keys of an outcome.

    Args:
        cluster: Not ready.
        name: The name of the snapshot that was wanted.
        outcome: `busy` or `not_ready`.
    """
    return {
        "kind": "outcome",
        "outcome": outcome,
        "cluster_id": cluster.id,
        "name": name,
        "id": None,
        "attempts": 0,
        "elapsed": 0.0,
        "reason": str(cluster.snapshot_readiness),
        "error": None,
        "message": None,
    }


def summary_record(summary: Summary, *, not_ready: int, interrupted: bool) -> Json:
    """Return the record of how a run ended.

    Keys: kind (summary), total, created, adopted, skipped, busy, failed,
    indeterminate, not_ready, elapsed, stopped (why, if it was early), interrupted.
    """
    return {
        "kind": "summary",
        "total": summary.total + not_ready,
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
