"""Many clusters in one run: bounded, lazy, and resumable after a crash."""

from css_snapshot.errors import JournalError
from css_snapshot.fanout.fan_out import SnapshotOperation, fan_out, fan_out_snapshots
from css_snapshot.fanout.journal.entry import Entry, State
from css_snapshot.fanout.journal.status import JournalStatus, read_status
from css_snapshot.fanout.options import OnBusy, OnError
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
