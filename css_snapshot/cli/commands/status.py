"""The command that shows what the journal of a run says."""

from collections.abc import Mapping
from typing import Final

import attrs

from css_snapshot.cli.command import command
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.options import JournalArgument
from css_snapshot.cli.fleet.target_list import cluster_names
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.records import JsonRecord, instant
from css_snapshot.cli.output.text import plain
from css_snapshot.fanout import Entry, JournalStatus, State, read_status

_BAD: Final = (State.FAILED, State.SPOILED)
_OPEN: Final = (State.INDETERMINATE, State.INTENT, State.LATE)


@command
async def status(output: Output, journal: JournalArgument) -> ExitCode:
    """Show how far the run of a journal is, whether or not it is still going on.

    People see the counts for each name of a snapshot, and each target that is
    failed, spoiled, open or late. What a run that waits has only seen accepted
    is open as well.

    Examples:
      css-snapshot status nightly.db
      css-snapshot status nightly.db --json | jq -r 'select(.state == "failed")'

    JSON: a line of kind entry for each target, with cluster_id, cluster_name,
    name, state, id, how, attempts, since, updated, message; at the end one of
    kind journal with the counts. Exit codes: 1 some failed or were spoiled, 3
    some are open or late.
    """
    told = read_status(journal)
    shown = _Shown(told, cluster_names(journal))
    if output.form == "table":
        shown.write(output)
        if shown.code is ExitCode.DONE:
            output.note("nothing is open, nothing failed")
    else:
        for entry in told.entries():
            output.record(shown.entry_record(entry))
        output.record(_journal_record(told))
    return shown.code


@attrs.frozen
class _Shown:
    """What a journal says, as people and programs see it.

    Attributes:
        told: What it says.
        names: The clusters' names, as far as they are known, by id.
    """

    told: JournalStatus
    names: Mapping[str, str]

    @property
    def open_states(self) -> tuple[State, ...]:
        """The states in which it is not known yet whether a target is well."""
        waits = "until=completed" in self.told.plan.split()
        return (*_OPEN, State.ACCEPTED) if waits else _OPEN

    @property
    def code(self) -> ExitCode:
        """The exit code."""
        counts = self.told.counts
        if any(counts[state] for state in _BAD):
            return ExitCode.FAILED
        if any(counts[state] for state in self.open_states):
            return ExitCode.INDETERMINATE
        return ExitCode.DONE

    def write(self, output: Output) -> None:
        """Write it for people."""
        held = "in use by a run" if self.told.held else "not in use"
        output.line(f"{self.told.path} ({held}): {self.told.total} targets")
        troubles: dict[str, list[Entry]] = {}
        for state in (*_BAD, *self.open_states):
            for entry in self.told.entries(state):
                troubles.setdefault(entry.name, []).append(entry)
        for name, counts in self.told.by_name():
            words = (f"{counts[state]} {state}" for state in State if counts[state])
            output.line(f"{name}: {', '.join(words)}")
            for entry in troubles.get(name, ()):
                output.line(f"{entry.state} {self._cluster(entry)}", indent=2)
                output.line(_details(entry), indent=4)

    def entry_record(self, entry: Entry) -> JsonRecord:
        """Return the record of a target."""
        return {
            "kind": "entry",
            "cluster_id": entry.cluster_id,
            "cluster_name": self.names.get(entry.cluster_id),
            "name": entry.name,
            "state": str(entry.state),
            "id": entry.backup_id,
            "how": entry.how,
            "attempts": entry.attempts,
            "since": instant(entry.since),
            "updated": instant(entry.updated),
            "message": entry.error,
        }

    def _cluster(self, entry: Entry) -> str:
        name = self.names.get(entry.cluster_id)
        return f"{name} ({entry.cluster_id})" if name else entry.cluster_id


def _details(entry: Entry) -> str:
    backup = entry.backup
    what = "no snapshot known" if backup is None else f"{backup.name} ({backup.id})"
    attempts = f"{entry.attempts} attempt{'' if entry.attempts == 1 else 's'}"
    when = plain(instant(entry.updated))
    why = f": {entry.error}" if entry.error else ""
    return f"{what}, {attempts}, {when}{why}"


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
