"""What became of a target: one frozen class per way it can end.

| outcome         | the target | the next run with the journal |
|-----------------|------------|-------------------------------|
| `Completed`     | has a snapshot with every shard | skips it |
| `Created`, `Adopted` | was accepted, the end unless `until="completed"` | skips it |
| `Late`          | was still being built at `finish_by` | looks, creates nothing |
| `Spoiled`       | ended FAILED or partial, or vanished | tries again if `retry_failed` |
| `Busy`, `NotReady` | has a cluster at work, or without snapshots | tries again |
| `Failed`        | was refused, or never sent | tries again if `retry_failed`, or what |
|                 |            | was never sent in any case |
| `Indeterminate` | is unknown, even after looking | looks before it sends |
| `Skipped`       | ended in an earlier run, as `reason` says | |
"""

import re
from typing import Generic, TypeAlias, TypeVar

import attrs

from css_snapshot.api.clusters import Cluster, SnapshotReadiness
from css_snapshot.errors import CSSError, SnapshotFailedError
from css_snapshot.fanout.targets import Target
from css_snapshot.models import Backup, Ensured, Snapshot
from css_snapshot.typing import How

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


_NEXT_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


@attrs.frozen(kw_only=True)
class _Ended:
    """What all outcomes tell.

    Attributes:
        target: What was wanted.
        attempts: How many times the creation was sent, as far as this run knows; or a
            function of the caller's was called.
        elapsed: Seconds from the target's start to its end, waits included.
    """

    target: Target
    attempts: int = 0
    elapsed: float = 0.0

    @property
    def cluster_id(self) -> str:
        """The cluster's id."""
        return self.target.cluster_id

    @property
    def cluster_name(self) -> str | None:
        """The cluster's name, where it is known."""
        return self.target.cluster_name

    @property
    def outcome(self) -> str:
        """The class in one word, as `to_dict` shows it, such as `created`."""
        return _NEXT_WORD.sub("_", type(self).__name__).lower()

    @property
    def id(self) -> str | None:
        """The snapshot's id, `None` where it is not known."""
        backup = getattr(self, "backup", None)
        return None if backup is None else backup.id

    def _line(self, word: str, what: object) -> str:
        text = " ".join(str(what).split())
        count = f"{self.attempts} attempt{'' if self.attempts == 1 else 's'}"
        return f"{word} {self.target}: {text} ({count}, {self.elapsed:.2f} s)"


@attrs.frozen(kw_only=True)
class _Succeeded(_Ended, Generic[T_co]):
    result: T_co

    @property
    def backup(self) -> Backup:
        """The snapshot's id and name.

        Raises:
            AttributeError: If the operation returned something else: see `.result`.
        """
        backup = backup_of(self.result)
        if backup is None:
            raise AttributeError("this operation returns no backup; see .result")
        return backup

    def _what(self) -> object:
        backup = backup_of(self.result)
        return self.result if backup is None else backup.id


@attrs.frozen(kw_only=True)
class Created(_Succeeded[T_co]):
    """The operation succeeded; for a snapshot, the service accepted its creation.

    Attributes:
        result: What the operation returned.
    """

    def __str__(self) -> str:
        return self._line("created", self._what())


@attrs.frozen(kw_only=True)
class Adopted(_Succeeded[T_co]):
    """The snapshot was found in the cluster's list and stands for the one wanted.

    Attributes:
        result: What the operation returned; see its `doubt` and `snapshot`.
    """

    def __str__(self) -> str:
        doubt = self.result.doubt if isinstance(self.result, Ensured) else None
        return self._line("adopted", f"{self._what()}{f'; {doubt}' if doubt else ''}")


@attrs.frozen(kw_only=True)
class Completed(_Ended):
    """The snapshot was seen to be complete, with all its shards.

    Attributes:
        backup: Its id and name.
        how: Whether it was created or adopted.
        snapshot: The row of the list that says so.
    """

    backup: Backup
    how: How = "created"
    snapshot: Snapshot

    def __str__(self) -> str:
        return self._line("completed", f"{self.backup.id}, {self.how}")


@attrs.frozen(kw_only=True)
class Spoiled(_Ended):
    """The snapshot ended without all its shards, or vanished.

    Attributes:
        backup: Its id and name.
        snapshot: Its last known row, if it was ever seen.
        error: What is wrong with it.
    """

    backup: Backup
    snapshot: Snapshot | None = None
    error: CSSError

    def __str__(self) -> str:
        return self._line("spoiled", self.error)


@attrs.frozen(kw_only=True)
class Late(_Ended):
    """The creation was accepted, and the snapshot was not seen to end in time.

    With a journal, the next run looks at it again, and creates nothing.

    Attributes:
        backup: Its id and name.
        snapshot: Its last known row, if it was ever seen.
        progress: How far it is, such as `40%`, where the site says so.
        error: What kept its list from being read, if that is the reason.
    """

    backup: Backup
    snapshot: Snapshot | None = None
    progress: str | None = None
    error: Exception | None = None

    def __str__(self) -> str:
        state = "not seen yet" if self.snapshot is None else self.snapshot.status.value
        what = f"{self.backup.id} is {state}"
        if self.progress:
            what += f", {self.progress}"
        if self.error is not None:
            what += f"; {self.error}"
        return self._line("late", what)


@attrs.frozen(kw_only=True)
class Done(_Ended, Generic[T_co]):
    """What was to be done for a cluster was done.

    Attributes:
        cluster: The cluster; `None` where only its id was given.
        result: What the function returned.
    """

    cluster: Cluster | None = attrs.field(default=None, repr=False)
    result: T_co

    def __str__(self) -> str:
        return self._line("done", self.result)


@attrs.frozen(kw_only=True)
class Skipped(_Ended):
    """Nothing was sent, as the journal knows this target from an earlier run.

    Attributes:
        reason: The state the journal has: `"accepted"` or `"completed"`; or `"failed"`
            or `"spoiled"`, which is a failure of this run too, as `retry_failed` is
            off.
        backup: The snapshot that was created or adopted then, if it is known.
        error: The text of the error it failed with then.
    """

    reason: str
    backup: Backup | None = None
    error: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether the target has what it wanted."""
        return self.reason in {"accepted", "completed"}

    def __str__(self) -> str:
        known = self.error or (self.backup.id if self.backup else "")
        return self._line("skipped", f"{self.reason} in an earlier run {known}")


@attrs.frozen(kw_only=True)
class Busy(_Ended):
    """The cluster is occupied by another operation; nothing was created.

    Attributes:
        error: What the service said; `None` if nothing was sent, as the list of
            clusters showed it.
        readiness: What the list of clusters showed, if that is the reason.
    """

    error: Exception | None = None
    readiness: SnapshotReadiness | None = None

    def __str__(self) -> str:
        return self._line("busy", self.error or self.readiness)


@attrs.frozen(kw_only=True)
class NotReady(_Ended):
    """The cluster can't be snapshotted, and waiting does not help; nothing was sent.

    Attributes:
        readiness: Why not.
    """

    readiness: SnapshotReadiness

    def __str__(self) -> str:
        return self._line("not ready", self.readiness)


@attrs.frozen(kw_only=True)
class Failed(_Ended):
    """Nothing was created, or what was to be done was not, and why.

    Attributes:
        error: What the operation ended with, or what is wrong with the target.
    """

    error: Exception

    def __str__(self) -> str:
        return self._line("failed", self.error)


@attrs.frozen(kw_only=True)
class Indeterminate(_Ended):
    """Whether it was created is unknown, even after looking.

    With a journal, the next run looks again before it sends anything.

    Attributes:
        error: What stood in the way of knowing.
    """

    error: Exception

    def __str__(self) -> str:
        return self._line("indeterminate", self.error)


Outcome: TypeAlias = (
    Created[T]
    | Adopted[T]
    | Completed
    | Done[T]
    | Spoiled
    | Late
    | Skipped
    | Busy
    | NotReady
    | Failed
    | Indeterminate
)
"""What became of one target."""


def succeeded(
    target: Target, result: T, *, attempts: int, elapsed: float
) -> Created[T] | Adopted[T]:
    """Return the outcome of an operation that returned.

    Args:
        target: What was wanted.
        result: What the operation returned; an `Ensured` says itself how.
        attempts: How many times the creation was sent.
        elapsed: Seconds from start to end.
    """
    if how_of(result) == "adopted":
        return Adopted(target=target, result=result, attempts=attempts, elapsed=elapsed)
    return Created(target=target, result=result, attempts=attempts, elapsed=elapsed)


def spoiled(
    target: Target, error: SnapshotFailedError, *, attempts: int, elapsed: float
) -> Spoiled:
    """Return the outcome of a creation of the run's own that has ended badly."""
    name = target.name if error.snapshot is None else error.snapshot.name
    return Spoiled(
        target=target,
        backup=Backup(error.snapshot_id, name),
        snapshot=error.snapshot,
        error=error,
        attempts=attempts,
        elapsed=elapsed,
    )


def how_of(result: object) -> How:
    """Return how what an operation returned came about."""
    return result.how if isinstance(result, Ensured) else "created"


def backup_of(result: object) -> Backup | None:
    """Return the backup in what an operation returned, if there is one."""
    match result:
        case Ensured(backup=backup) | (Backup() as backup):
            return backup
        case _:
            return None
