"""What a journal remembers of one target."""

from datetime import datetime
from enum import StrEnum
from typing import Final

import attrs

from css_snapshot.models import Backup


class State(StrEnum):
    """How far a target was when its entry was last written.

    Attributes:
        INTENT: A creation was about to be sent, or had just been.
        ACCEPTED: The service accepted it, or it was adopted.
        COMPLETED: It was seen to be complete.
        SPOILED: It ended without all its shards, or vanished.
        LATE: It was still building when the run had to end.
        BUSY: Nothing was created, as the cluster was occupied.
        NOT_READY: Nothing was sent, as the cluster can't be snapshotted.
        FAILED: Nothing was created.
        INDETERMINATE: Whether it was created is unknown.
    """

    INTENT = "intent"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    SPOILED = "spoiled"
    LATE = "late"
    BUSY = "busy"
    NOT_READY = "not_ready"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"

    @property
    def in_words(self) -> str:
        """The state as people read it."""
        return self.value.replace("_", " ")


UNRESOLVED: Final = frozenset({State.INTENT, State.INDETERMINATE})
"""What was created, if anything, has to be looked for."""

TURNED_AWAY: Final = frozenset({State.BUSY, State.NOT_READY})
"""It is told why nothing was created; the next run begins from the beginning."""

ACCEPTED: Final = frozenset({State.ACCEPTED, State.LATE})
"""There is a snapshot, of which it is not known how it ended."""


@attrs.frozen(kw_only=True)
class Entry:
    """What the journal knows of one target.

    Attributes:
        cluster_id: The cluster.
        name: The name of the snapshot wanted.
        digest: Stands for the target with all its values.
        state: How far it was.
        since: When the creation was last about to be sent, aware; `None` if it
            never was.
        attempts: How many times the creation was sent in the run that ended it.
        how: `"created"` or `"adopted"`, for what was accepted.
        backup_id: The snapshot's id, if it is known.
        backup_name: Its name, where that is not the name wanted.
        error: The text of the error that ended it, or why the cluster was not ready,
            at most 500 characters.
        updated: When the entry was written, aware.
    """

    cluster_id: str
    name: str
    digest: bytes
    state: State
    since: datetime | None = None
    attempts: int = 0
    how: str | None = None
    backup_id: str | None = None
    backup_name: str | None = None
    error: str | None = None
    updated: datetime

    @property
    def backup(self) -> Backup | None:
        """The snapshot's id and name, if they are known."""
        if self.backup_id is None:
            return None
        return Backup(self.backup_id, self.backup_name or self.name)
