"""The file of a journal: SQLite, durable at each commit, one run's at a time."""

import hashlib
import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias
from uuid import uuid4

import attrs

from css_snapshot.errors import ConfigurationError, JournalBusyError, JournalError
from css_snapshot.fanout.journal.entry import Entry, State

_APPLICATION: Final = 0x43535346
_VERSION: Final = 2
_READABLE: Final = frozenset({1, 2})
_LOCK_SECONDS: Final = 0.25
_COMMIT_SECONDS: Final = 5.0

_SCHEMA: Final = (
    """
    CREATE TABLE header (
      plan TEXT NOT NULL, digest BLOB NOT NULL, created TEXT NOT NULL,
      run TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE targets (
      cluster_id TEXT NOT NULL, name TEXT NOT NULL, digest BLOB NOT NULL,
      state TEXT NOT NULL, since TEXT, attempts INTEGER NOT NULL, how TEXT,
      backup_id TEXT, error TEXT, updated TEXT NOT NULL, backup_name TEXT,
      PRIMARY KEY (cluster_id, name)
    ) WITHOUT ROWID
    """,
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)
_UPGRADE: Final = (
    "ALTER TABLE targets ADD COLUMN backup_name TEXT",
    "UPDATE targets SET state = 'accepted' WHERE state = 'done'",
    f"PRAGMA user_version = {_VERSION}",
)
"""From version 1, whose *done* meant that the service had accepted the creation."""

_LOOK: Final = "SELECT * FROM targets WHERE cluster_id = ? AND name = ?"
ALL_ENTRIES: Final = (
    "SELECT * FROM targets WHERE :state IS NULL OR state = :state"
    " OR (:state = 'accepted' AND state = 'done') ORDER BY cluster_id, name"
)
"""Reads entries in the order of their keys; `:state` chooses, `NULL` takes all."""

_PUT: Final = "REPLACE INTO targets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FORGET: Final = "DELETE FROM targets WHERE cluster_id = ? AND name = ?"


_HINTS: Final = {
    sqlite3.SQLITE_FULL: "; what was committed before is safe: free some space and"
    " run again",
    sqlite3.SQLITE_IOERR: "; what was committed before is safe, if the disk is",
    sqlite3.SQLITE_NOTADB: "; it is damaged, or was never a journal",
    sqlite3.SQLITE_CORRUPT: "; it is damaged: move it away, and a new one is begun;"
    " `ensure` then adopts what was created",
    sqlite3.SQLITE_CANTOPEN: "; is its directory there, and writable?",
    sqlite3.SQLITE_READONLY: "; it, or its directory, is not writable",
}


Row: TypeAlias = tuple[
    str,
    str,
    bytes,
    str,
    str | None,
    int,
    str | None,
    str | None,
    str | None,
    str,
    str | None,
]
"""The columns of a target."""


@attrs.frozen
class Plan:
    """What a journal belongs to.

    The targets come one by one and may be endless, so that they are no part of the
    plan; each is compared with its own entry.

    Attributes:
        text: What is done, where, and with which options; for people to read, so no
            secrets.
        accepted: Whether a target has what it wants once its creation is accepted.
        former: How release 1 put the same plan, with and without the project, which
            it did not always know.
    """

    text: str
    accepted: bool = True
    former: frozenset[str] = frozenset()

    @property
    def digest(self) -> bytes:
        """Stands for the text."""
        return hashlib.sha256(self.text.encode()).digest()


class Store:
    """An open journal, all of whose methods belong to one thread.

    Args:
        path: Its file, made if it is missing.
        plan: What the run does; a journal of another plan is refused.
        now: The wall-clock time, aware.

    Raises:
        ConfigurationError: If the file is another plan's journal, or no journal.
        JournalError: If another run holds it, or it can't be read or written.
    """

    def __init__(self, path: Path, plan: Plan, now: datetime) -> None:
        self._path = path
        self._plan = plan
        self._run = uuid4().hex
        _make_private(path)
        with _reporting(path), ExitStack() as opened:
            self._database = sqlite3.connect(
                path, isolation_level=None, timeout=_COMMIT_SECONDS
            )
            opened.callback(self._database.close)
            # To make one for each entry takes a fifth of the time of writing it.
            self._writing = self._database.cursor()
            check_kind(path, self._database)
            self._lock = _lock(path)
            opened.callback(self._lock.close)
            self._begin(now)
            self._file = _identity(path)
            opened.pop_all()

    def close(self) -> None:
        """Give the file back, in a state that needs no recovery."""
        with _reporting(self._path), closing(self._lock):
            self._database.close()

    def look(self, cluster_id: str, name: str) -> Entry | None:
        """Return what is known of a target."""
        row = self._database.execute(_LOOK, (cluster_id, name)).fetchone()
        return None if row is None else entry_from(row)

    def put(self, row: Row) -> None:
        """Write an entry, in the place of the one that was there."""
        self._writing.execute(_PUT, row)

    def forget(self, cluster_id: str, name: str) -> None:
        """Take an entry out, so that the next run treats the target as a new one."""
        self._database.execute(_FORGET, (cluster_id, name))

    def count_open(self, names: Collection[str]) -> int:
        """Count the targets of these names that don't have what they wanted."""
        marks = ", ".join("?" * len(names))
        good = [State.COMPLETED.value]
        if self._plan.accepted:
            good.append(State.ACCEPTED.value)
        (count,) = self._database.execute(
            f"SELECT count(*) FROM targets WHERE name IN ({marks})"  # noqa: S608 - marks
            f" AND state NOT IN ({', '.join('?' * len(good))})",
            (*names, *good),
        ).fetchone()
        return int(count)

    @contextmanager
    def session(self, *, writes: bool) -> Iterator[None]:
        """Make all that is written inside durable together, or none of it.

        Args:
            writes: Whether anything will be written.

        Raises:
            JournalError: If another run has taken the journal over, the file is not
                where it was, or SQLite failed.
        """
        with _reporting(self._path):
            if not writes:
                yield
                return
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._check_run()
                self._check_file()
                yield
                self._database.execute("COMMIT")
            except BaseException:
                # A full disk makes SQLite roll back by itself.
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def _begin(self, now: datetime) -> None:
        database = self._database
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        database.execute("BEGIN IMMEDIATE")
        if not check_kind(self._path, database):
            for statement in _SCHEMA:
                database.execute(statement)
            database.execute(
                "INSERT INTO header VALUES (?, ?, ?, ?)",
                (self._plan.text, self._plan.digest, now.isoformat(), self._run),
            )
        self._check_plan()
        self._upgrade()
        database.execute("UPDATE header SET run = ?", (self._run,))
        database.execute("COMMIT")

    def _check_plan(self) -> None:
        (text,) = self._database.execute("SELECT plan FROM header").fetchone()
        former = self._plan.former if _version(self._database) == 1 else frozenset()
        if text != self._plan.text and text not in former:
            raise ConfigurationError(
                f"journal {self._path}: belongs to another plan ({text}), not to this"
                f" one ({self._plan.text}); use another file"
            )

    def _upgrade(self) -> None:
        if _version(self._database) == _VERSION:
            return
        for statement in _UPGRADE:
            self._database.execute(statement)
        self._database.execute(
            "UPDATE header SET plan = ?, digest = ?",
            (self._plan.text, self._plan.digest),
        )

    def _check_run(self) -> None:
        # The lock's own file is small and looks like litter: if somebody takes it
        # away, a second run could start, and this one must stop.
        (run,) = self._database.execute("SELECT run FROM header").fetchone()
        if run != self._run:
            raise JournalError(self._path, "another run has taken it over")

    def _check_file(self) -> None:
        # What is written to a file that has no name any more, or two, is not what the
        # next run will read.
        if _identity(self._path) != self._file:
            raise JournalError(
                self._path, "was deleted, moved or linked while a run was writing it"
            )


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Return what tells whether a path still leads to the same file, and only it."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_nlink


def journal_error(path: Path, error: sqlite3.Error) -> JournalError:
    """Return the error for what SQLite reports of a journal, with what to do."""
    hint = _HINTS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "")
    return JournalError(path, f"{error}{hint}")


def lock_path(path: Path) -> Path:
    """Return the file whose lock stands for a run that holds a journal."""
    return path.with_name(path.name + "-lock")


def check_kind(path: Path, database: sqlite3.Connection) -> bool:
    """Check that a database is empty, or a journal that this release can read.

    Returns:
        Whether it is a journal.

    Raises:
        ConfigurationError: If the database is something else.
    """
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        return False
    (application,) = database.execute("PRAGMA application_id").fetchone()
    if application != _APPLICATION:
        raise ConfigurationError(f"{path}: is a database, but not a fan-out journal")
    version = _version(database)
    if version not in _READABLE:
        raise ConfigurationError(
            f"journal {path}: has version {version}, this release reads {_VERSION}"
        )
    return True


def _version(database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return int(version)


def state_of(word: str) -> State:
    """Return the state that a word in the file stands for.

    Raises:
        ValueError: If the word is none.
    """
    # Of version 1, in which whoever only reads leaves it.
    return State.ACCEPTED if word == "done" else State(word)


def entry_from(row: tuple[Any, ...]) -> Entry:
    """Return the entry in a row of the table of targets.

    Raises:
        ValueError: If the row is damaged.
    """
    cluster_id, name, digest, state, since, attempts, how, backup, error, updated = row[
        :10
    ]
    # The other columns came with version 2.
    (backup_name,) = row[10:] or (None,)
    return Entry(
        cluster_id=cluster_id,
        name=name,
        digest=digest,
        state=state_of(state),
        since=None if since is None else datetime.fromisoformat(since),
        attempts=attempts,
        how=how,
        backup_id=backup,
        backup_name=backup_name,
        error=error,
        updated=datetime.fromisoformat(updated),
    )


def _make_private(path: Path) -> None:
    """Make a file that only its owner can read, unless there is one already.

    An existing file is not touched: opening and closing it here would, on POSIX,
    drop the locks that this process holds on it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if path.is_symlink():
            raise JournalError(path, "is a symbolic link") from None
    except OSError as exc:
        raise JournalError(path, f"can't be made: {exc.strerror}") from exc


def _lock(path: Path) -> sqlite3.Connection:
    """Take the lock that dies with this process, whichever way it ends."""
    beside = lock_path(path)
    _make_private(beside)
    lock = sqlite3.connect(beside, isolation_level=None, timeout=_LOCK_SECONDS)
    try:
        lock.execute("PRAGMA journal_mode = MEMORY")
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as exc:
        lock.close()
        if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise journal_error(beside, exc) from exc
        raise JournalBusyError(path, "another run is using it") from exc
    return lock


@contextmanager
def _reporting(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise journal_error(path, exc) from exc
