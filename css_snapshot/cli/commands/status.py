"""The command that shows what the journal of a run says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Self

import attrs

from css_snapshot.cli.command import command
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.options import JournalArgument
from css_snapshot.cli.fleet.target_list import kept_targets
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.records import JsonRecord, instant
from css_snapshot.cli.output.text import plain
from css_snapshot.fanout import Entry, JournalStatus, State, Target, read_status
from css_snapshot.fanout.journal.entry import TURNED_AWAY

_BAD: Final = (State.FAILED, State.SPOILED, State.NOT_READY, State.BUSY)
_NOT_BEGUN: Final = "not_begun"
_OPEN: Final = (State.INDETERMINATE, State.INTENT, State.LATE)


@command
async def status(output: Output, journal: JournalArgument) -> ExitCode:
    """Show how far the run of a journal is, whether or not it is still going on.

    People see the counts for each name of a snapshot, and each target that is
    failed, spoiled, not ready, busy, open or late, with the reason. What a run that
    waits has only seen accepted is open as well, and so is what the last run did
    not begin.

    Examples:
      css-snapshot status nightly.db
      css-snapshot status nightly.db --json | jq -r 'select(.state == "failed")'

    JSON: a line of kind entry for each target, with cluster_id, cluster_name,
    name, state (not_begun for what the journal has nothing of), id, how,
    attempts, since, updated, message; at the end one of kind journal with the
    counts. Exit codes: 1 some failed, were spoiled, busy or not ready; 3 some
    are open or late.
    """
    told = read_status(journal)
    shown = _Shown.of(told, kept_targets(journal))
    if output.form == "table":
        shown.write(output)
        if shown.code is ExitCode.DONE:
            output.note("nothing is open, nothing failed")
    else:
        for record in shown.records():
            output.record(record)
    return shown.code


@attrs.frozen
class _Shown:
    """What a journal says, as people and programs see it.

    Attributes:
        told: What it says.
        names: The clusters' names, as far as they are known, by id.
        not_begun: The targets of the last run that the journal has nothing of.
    """

    told: JournalStatus
    names: Mapping[str, str]
    not_begun: Sequence[Target]

    @classmethod
    def of(cls, told: JournalStatus, targets: Iterable[Target]) -> Self:
        """Return what a journal says.

        Args:
            told: What it says.
            targets: Those of its last run, as far as they are known.
        """
        begun = {(entry.cluster_id, entry.name) for entry in told.entries()}
        names: dict[str, str] = {}
        not_begun: list[Target] = []
        for target in targets:
            if target.cluster_name:
                names[target.cluster_id] = target.cluster_name
            if (target.cluster_id, target.name) not in begun:
                not_begun.append(target)
        return cls(told, names, not_begun)

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
        if self.not_begun or any(counts[state] for state in self.open_states):
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
            words = (f"{counts[one]} {one.in_words}" for one in State if counts[one])
            output.line(f"{name}: {', '.join(words)}")
            for entry in troubles.get(name, ()):
                cluster = self._cluster(entry.cluster_id)
                output.line(f"{entry.state.in_words} {cluster}", indent=2)
                output.line(_details(entry), indent=4)
        if self.not_begun:
            output.line(f"not in the journal: {len(self.not_begun)}")
        for target in self.not_begun:
            cluster = self._cluster(target.cluster_id)
            output.line(f"not begun {cluster}: {target.name}", indent=2)

    def records(self) -> Iterator[JsonRecord]:
        """Iterate over the records for programs."""
        for entry in self.told.entries():
            yield self._entry_record(entry)
        for target in self.not_begun:
            yield {
                "kind": "entry",
                "cluster_id": target.cluster_id,
                "cluster_name": self.names.get(target.cluster_id),
                "name": target.name,
                "state": _NOT_BEGUN,
            }
        yield {**_journal_record(self.told), _NOT_BEGUN: len(self.not_begun)}

    def _entry_record(self, entry: Entry) -> JsonRecord:
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

    def _cluster(self, cluster_id: str) -> str:
        name = self.names.get(cluster_id)
        return f"{name} ({cluster_id})" if name else cluster_id


def _details(entry: Entry) -> str:
    when = plain(instant(entry.updated))
    why = f": {entry.error}" if entry.error else ""
    if entry.state in TURNED_AWAY:
        return f"{when}{why}"
    backup = entry.backup
    what = "no snapshot known" if backup is None else f"{backup.name} ({backup.id})"
    attempts = f"{entry.attempts} attempt{'' if entry.attempts == 1 else 's'}"
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
