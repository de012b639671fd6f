"""Runs over many clusters: bounded, lazy, and resumable after a crash."""

from css_snapshot.errors import JournalBusyError, JournalError
from css_snapshot.fanout.each import Each
from css_snapshot.fanout.fan_out import fan_out
from css_snapshot.fanout.journal.entry import Entry, State
from css_snapshot.fanout.journal.status import JournalStatus, read_status
from css_snapshot.fanout.outcomes import (
    Adopted,
    Busy,
    Completed,
    Created,
    Done,
    Failed,
    Indeterminate,
    Late,
    NotReady,
    Outcome,
    Skipped,
    Spoiled,
)
from css_snapshot.fanout.run import FanOut
from css_snapshot.fanout.summary import RunProgress, Summary
from css_snapshot.fanout.targets import Target
from css_snapshot.typing import OnBusy, OnError, SnapshotOperation, Until

__all__ = [
    "Adopted",
    "Busy",
    "Completed",
    "Created",
    "Done",
    "Each",
    "Entry",
    "Failed",
    "FanOut",
    "Indeterminate",
    "JournalBusyError",
    "JournalError",
    "JournalStatus",
    "Late",
    "NotReady",
    "OnBusy",
    "OnError",
    "Outcome",
    "RunProgress",
    "Skipped",
    "SnapshotOperation",
    "Spoiled",
    "State",
    "Summary",
    "Target",
    "Until",
    "fan_out",
    "read_status",
]
