"""The command that shows what the journal of a run says."""

from typing import Final

from css_snapshot.cli.command import command
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.options import JournalArgument
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.records import JsonRecord, instant
from css_snapshot.cli.output.text import plain
from css_snapshot.fanout import Entry, JournalStatus, State, read_status

_OPEN: Final = (State.INTENT, State.INDETERMINATE, State.LATE)
_BAD: Final = (State.SPOILED, State.FAILED)


@command
async def status(output: Output, journal: JournalArgument) -> ExitCode:
    """Show how far the run of a journal is, whether or not it is still going on.

    People see the counts, and a line for each target that is open, late,
    spoiled or failed.

    Examples:
      css-snapshot status nightly.db
      css-snapshot status nightly.db --json | jq -r 'select(.state == "failed")'

    JSON: a line of kind entry for each target, with cluster_id, name, state, id,
    how, attempts, since, updated, message; at the end one of kind journal with
    the counts. Exit codes: 1 some failed or were spoiled, 3 some are open or
    late.
    """
    told = read_status(journal)
    if output.form == "table":
        _show(output, told)
    else:
        for entry in told.entries():
            output.record(_entry_record(entry))
        output.record(_journal_record(told))
    if any(told.counts[state] for state in _BAD):
        return ExitCode.FAILED
    if any(told.counts[state] for state in _OPEN):
        return ExitCode.INDETERMINATE
    return ExitCode.DONE


def _show(output: Output, told: JournalStatus) -> None:
    output.done(str(told), {})
    troubles = 0
    for state in (*_OPEN, *_BAD):
        for entry in told.entries(state):
            troubles += 1
            output.done(_line(entry), {})
    if not troubles:
        output.note("nothing is open, nothing failed")


def _line(entry: Entry) -> str:
    message = f": {entry.error}" if entry.error else ""
    attempts = f"{entry.attempts} attempt{'' if entry.attempts == 1 else 's'}"
    when = plain(instant(entry.updated))
    return (
        f"{entry.state} {entry.cluster_id}/{entry.name}{message} ({attempts}, {when})"
    )


def _journal_record(told: JournalStatus) -> JsonRecord:
    return {
        "kind": "journal",
        "path": str(told.path),
        "plan": told.plan,
        "created": instant(told.created),
        "in_use": told.held,
        "total": told.total,
        **{str(state): count for state, count in told.counts.items()},
    }


def _entry_record(entry: Entry) -> JsonRecord:
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
