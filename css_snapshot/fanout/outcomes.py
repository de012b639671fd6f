"""What became of a target: one frozen class per way it can end."""

import re
from typing import Generic, TypeAlias, TypeVar

import attrs

from css_snapshot.fanout.targets import Target
from css_snapshot.models import Backup, Ensured

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_NEXT_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


@attrs.frozen(kw_only=True)
class _Ended:
    """What all outcomes tell.

    Attributes:
        target: What was wanted.
        attempts: How many times the creation was sent, as far as this run knows.
        elapsed: Seconds from the target's start to its end, waits included.
    """

    target: Target
    attempts: int = 0
    elapsed: float = 0.0

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
            AttributeError: The operation answered something else: see `.result`.
        """
        backup = backup_of(self.result)
        if backup is None:
            raise AttributeError("this operation answers no backup; see .result")
        return backup

    def _what(self) -> object:
        backup = backup_of(self.result)
        return self.result if backup is None else backup.id


@attrs.frozen(kw_only=True)
class Created(_Succeeded[T_co]):
    """The operation succeeded; for a snapshot, the service said that it made it.

    Attributes:
        result: What the operation answered.
    """

    def __str__(self) -> str:
        return self._line("created", self._what())


@attrs.frozen(kw_only=True)
class Adopted(_Succeeded[T_co]):
    """The snapshot was found in the cluster's list and stands for the one wanted.

    Attributes:
        result: What the operation answered.
    """

    def __str__(self) -> str:
        return self._line("adopted", self._what())


@attrs.frozen(kw_only=True)
class Skipped(_Ended):
    """Nothing was sent, as the journal knows this target from an earlier run.

    Attributes:
        reason: `"done"`, or `"failed"` when it failed and `retry_failed` is off.
        backup: The snapshot that was made or adopted then, if it is known.
        error: The text of the error it failed with then.
    """

    reason: str
    backup: Backup | None = None
    error: str | None = None

    def __str__(self) -> str:
        known = self.error or (self.backup.id if self.backup else "")
        return self._line("skipped", f"{self.reason} in an earlier run {known}")


@attrs.frozen(kw_only=True)
class Busy(_Ended):
    """The cluster is occupied by another operation; nothing was created.

    Attributes:
        error: What the service said.
    """

    error: Exception

    def __str__(self) -> str:
        return self._line("busy", self.error)


@attrs.frozen(kw_only=True)
class Failed(_Ended):
    """Nothing was created, and why.

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


Outcome: TypeAlias = Created[T] | Adopted[T] | Skipped | Busy | Failed | Indeterminate
"""What became of one target."""


def succeeded(
    target: Target, result: T, *, attempts: int, elapsed: float
) -> Created[T] | Adopted[T]:
    """Make the outcome of an operation that answered.

    Args:
        target: What was wanted.
        result: What the operation answered; an `Ensured` says itself how.
        attempts: How many times the creation was sent.
        elapsed: Seconds from start to end.
    """
    adopted = isinstance(result, Ensured) and result.how == "adopted"
    kind = Adopted[T] if adopted else Created[T]
    return kind(target=target, result=result, attempts=attempts, elapsed=elapsed)


def backup_of(result: object) -> Backup | None:
    """Answer the backup in what an operation answered, if there is one."""
    match result:
        case Ensured(backup=backup) | (Backup() as backup):
            return backup
        case _:
            return None
