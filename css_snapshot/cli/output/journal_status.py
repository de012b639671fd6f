"""Showing what the journal of a run says."""

from pathlib import Path
from typing import Final

from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.output.output import Column, Output
from css_snapshot.cli.output.records import Json, instant
from css_snapshot.fanout import Entry, JournalStatus, State, read_status

_COLUMNS: Final = (
    Column("CLUSTER", "cluster_id", fold=True),
    Column("NAME", "name", fold=True),
    Column("STATE", "state"),
    Column("ATTEMPTS", "attempts"),
    Column("UPDATED", "updated"),
    Column("MESSAGE", "message", fold=True),
)
_OPEN: Final = (State.INTENT, State.INDETERMINATE)


def show_status(output: Output, path: Path) -> ExitCode:
    """Show how far a run is: the counts, and for people what did not go well.

    Args:
        output: Where to; as JSON, all entries are written.
        path: The journal.

    Returns:
        Done if all that the journal knows is done, failed if some failed, and
        indeterminate if some are open.
    """
    status = read_status(path)
    if output.json:
        for entry in status.entries():
            output.record(_record(entry))
        output.record(_header(status))
    else:
        output.done(str(status), {})
        troubles = [
            _record(entry)
            for state in (*_OPEN, State.FAILED)
            for entry in status.entries(state)
        ]
        output.rows(troubles, _COLUMNS, empty="nothing is open, nothing failed")
    if status.counts[State.FAILED]:
        return ExitCode.FAILED
    if any(status.counts[state] for state in _OPEN):
        return ExitCode.INDETERMINATE
    return ExitCode.DONE


def _header(status: JournalStatus) -> Json:
    return {
        "kind": "journal",
        "path": str(status.path),
        "plan": status.plan,
        "created": instant(status.created),
        "in_use": status.held,
        "total": status.total,
        **{str(state): count for state, count in status.counts.items()},
    }


def _record(entry: Entry) -> Json:
    return {
        "kind": "entry",
        "cluster_id": entry.cluster_id,
        "name": entry.name,
        "state": str(entry.state),
        "id": entry.backup_id,
        "how": entry.how,
        "attempts": entry.attempts,
        "since": instant(entry.since),
        "updated": instant(entry.updated),
        "message": entry.error,
    }
