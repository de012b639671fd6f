"""Many clusters in one run: bounded, lazy, and resumable after a crash."""

from css_snapshot.fanout.entries import Entry, JournalError, State
from css_snapshot.fanout.outcomes import (
    Adopted,
    Busy,
    Created,
    Failed,
    Indeterminate,
    Outcome,
    Skipped,
)
from css_snapshot.fanout.run import FanOut
from css_snapshot.fanout.runs import SnapshotOperation, fan_out, fan_out_snapshots
from css_snapshot.fanout.settings import OnBusy, OnError
from css_snapshot.fanout.status import JournalStatus, read_status
from css_snapshot.fanout.summary import RunProgress, Summary
from css_snapshot.fanout.targets import Target

__all__ = [
    "Adopted",
    "Busy",
    "Created",
    "Entry",
    "Failed",
    "FanOut",
    "Indeterminate",
    "JournalError",
    "JournalStatus",
    "OnBusy",
    "OnError",
    "Outcome",
    "RunProgress",
    "Skipped",
    "SnapshotOperation",
    "State",
    "Summary",
    "Target",
    "fan_out",
    "fan_out_snapshots",
    "read_status",
]
