"""How far the run of a journal is, or was, read from outside."""

import itertools
import operator
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import attrs

from css_snapshot.errors import JournalEntryError, JournalError
from css_snapshot.fanout.journal.entry import Entry, State
from css_snapshot.fanout.journal.store import (
    ALL_ENTRIES,
    Row,
    check_kind,
    entry_from,
    journal_error,
    lock_path,
    state_of,
)
from css_snapshot.typing import StrPath


@attrs.frozen(kw_only=True)
class JournalStatus:
    """What a journal says.

    Attributes:
        path: Its file.
        plan: What it belongs to.
        created: When it was begun, aware.
        held: Whether a run is using it now.
        counts: How many targets are in each state.
    """

    path: Path
    plan: str
    created: datetime
    held: bool
    counts: Mapping[State, int]

    @property
    def total(self) -> int:
        """How many targets it knows."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        counts = ", ".join(f"{self.counts[state]} {state.in_words}" for state in State)
        held = "in use by a run" if self.held else "not in use"
        return f"{self.path} ({held}): {self.total} targets: {counts}"

    def by_name(self) -> Iterator[tuple[str, Mapping[State, int]]]:
        """Iterate over the snapshot names, with how many targets are in each state.

        Raises:
            JournalError: If the file can't be read.
        """
        with _reading(self.path) as database:
            rows = database.execute(
                "SELECT name, state, count(*) FROM targets GROUP BY name, state"
                " ORDER BY name"
            )
            for name, group in itertools.groupby(rows, key=operator.itemgetter(0)):
                counts = dict.fromkeys(State, 0)
                for _, word, count in group:
                    counts[_state(self.path, word)] += count
                yield name, counts

    def entries(self, state: State | None = None) -> Iterator[Entry]:
        """Read the entries one by one, by cluster and name, as they are now.

        Args:
            state: Only those in this state.

        Raises:
            JournalError: If the file can't be read.
        """
        with _reading(self.path) as database:
            chosen = None if state is None else state.value
            for row in database.execute(ALL_ENTRIES, {"state": chosen}):
                yield _entry(self.path, row)


def read_status(path: StrPath) -> JournalStatus:
    """Read how far the run of a journal is, whether or not it is still going on.

    Args:
        path: The journal's file.

    Raises:
        ConfigurationError: If the file is a database, but no journal.
        JournalError: If the file is missing, empty, damaged or unreadable.
    """
    file = Path(path).absolute()
    with _reading(file) as database:
        header = database.execute("SELECT plan, created FROM header").fetchone()
        counted = database.execute(
            "SELECT state, count(*) FROM targets GROUP BY state"
        ).fetchall()
    counts = dict.fromkeys(State, 0)
    for state, count in counted:
        counts[_state(file, state)] += count
    return JournalStatus(
        path=file,
        plan=header[0],
        created=datetime.fromisoformat(header[1]),
        held=_is_held(file),
        counts=MappingProxyType(counts),
    )


def _entry(path: Path, row: Row) -> Entry:
    try:
        return entry_from(row)
    except ValueError as exc:
        raise JournalEntryError(path, f"has a damaged entry: {exc}") from None


def _state(path: Path, word: str) -> State:
    try:
        return state_of(word)
    except ValueError:
        raise JournalEntryError(path, "has an entry in no known state") from None


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.exists():
        raise JournalError(path, "there is no such file")
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            if not check_kind(path, database):
                raise JournalError(path, "is empty")
            yield database
    except sqlite3.Error as exc:
        raise journal_error(path, exc) from exc


def _is_held(path: Path) -> bool:
    """Check whether a run holds the journal's lock, without taking it."""
    beside = lock_path(path)
    if not beside.exists():
        return False
    uri = f"{beside.as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=0)) as lock:
        try:
            lock.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as exc:
            return exc.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return False
