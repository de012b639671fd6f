"""The records of a run: its outcomes and its summary."""

from css_snapshot.cli.output.records import JsonRecord
from css_snapshot.fanout import Outcome, Summary
from css_snapshot.serialize import to_dict


def outcome_record(outcome: Outcome[object]) -> JsonRecord:
    """Return the record of what became of a target: kind, and as of `to_dict`."""
    return {"kind": "outcome", **to_dict(outcome)}


def summary_record(summary: Summary, *, interrupted: bool) -> JsonRecord:
    """Return the record of how a run ended: kind, interrupted, and as of `to_dict`."""
    return {"kind": "summary", **to_dict(summary), "interrupted": interrupted}
