"""Snapshots as the service shows them: frozen values, times in aware UTC."""

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, Self

import attrs


class OpenStrEnum(StrEnum):
    """An enumeration of strings that keeps values it does not know."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member


class SnapshotStatus(OpenStrEnum):
    """How far a snapshot is; values unknown to this release are kept."""

    BUILDING = "BUILDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    PART_FAILED = "PART_FAILED"


class RestoreStatus(OpenStrEnum):
    """How far the last restoration of a snapshot is."""

    NONE = "none"
    RESTORING = "restoring"
    SUCCESS = "success"
    FAILED = "failed"


class BackupType(OpenStrEnum):
    """Whether the schedule or a person created a snapshot."""

    AUTOMATIC = "0"
    MANUAL = "1"


def _lower(value: str | None) -> str | None:
    return None if value is None else value.lower()


_FINISHED: Final = frozenset(
    {SnapshotStatus.COMPLETED, SnapshotStatus.FAILED, SnapshotStatus.PART_FAILED}
)


@attrs.frozen
class Backup:
    """A snapshot that the service has accepted, not yet made.

    Attributes:
        id: The snapshot's id.
        name: The snapshot's name.
        request_id: The vendor's id of the request that created it, to quote in a
            ticket; `None` where it was found, or the answer carried none.
    """

    id: str
    name: str
    request_id: str | None = attrs.field(default=None, eq=False, kw_only=True)


@attrs.frozen
class Ensured:
    """The result of `ensure`: the snapshot is there, and how it got there.

    Attributes:
        backup: The snapshot's id and name.
        how: `"created"` if the service said so to this call, `"adopted"` if it was
            found in the cluster's list.
        attempts: How many times the creation was sent; 0 if it was there before.
        snapshot: The row of the list that was adopted; `None` if it was created.
        doubt: What could not be compared before it was adopted, in words: an alias or
            a data stream that was asked for shows as the indices behind it.
    """

    backup: Backup
    how: Literal["created", "adopted"]
    attempts: int = attrs.field(default=1, kw_only=True)
    snapshot: "Snapshot | None" = attrs.field(default=None, kw_only=True)
    doubt: str | None = attrs.field(default=None, kw_only=True)


@attrs.frozen
class Restored:
    """The result of `ensure_restored`: the restoration began, and how that is known.

    Attributes:
        how: `"started"` if the service said so to this call, `"found"` if it was seen
            under way, or ended, after an answer that left it open.
        attempts: How many times it was asked for.
    """

    how: Literal["started", "found"]
    attempts: int = attrs.field(default=1, kw_only=True)


@attrs.frozen(kw_only=True)
class Datastore:
    """The engine of a snapshot or a cluster.

    Attributes:
        type: `elasticsearch`, `opensearch` or `logstash`, lower case.
        version: For example `7.10.2`.
    """

    type: str | None = attrs.field(default=None, converter=_lower)
    version: str | None = None


@attrs.frozen(kw_only=True)
class Snapshot:
    """One snapshot, as the cluster's list shows it.

    What the service does not say, or says in a form unknown to this release, is `None`
    or empty. All text is on one line: control characters in it are blanks.

    Attributes:
        id: The snapshot's id; empty in the rare row that shows none. Such a snapshot
            can't be addressed, and is never usable or adopted.
        name: Its name, unique in its cluster.
        status: How far it is.
        cluster_id: The cluster it was taken of.
        cluster_name: That cluster's name.
        description: As given at its creation.
        created: When it was asked for.
        updated: When the service last changed it; newer sites leave it out.
        start_time: When the work began.
        end_time: When the work ended, `None` while it goes on.
        backup_type: Automatic or manual.
        backup_method: The same in words, as the service puts it.
        indices: The indices in it.
        total_shards: How many shards it has, or should have.
        failed_shards: How many of them are missing.
        restore_status: How far its last restoration is.
        bucket: The OBS bucket that it is stored in.
        version: The engine's version.
        datastore: The engine's type and version.
        frequency: For automatic ones, how often they are taken.
        period: For automatic ones, when they are taken.
        keep_days: For automatic ones, how long they are kept, in days.
        expected_start_time: For automatic ones, when this one was due.
    """

    id: str
    name: str
    status: SnapshotStatus
    cluster_id: str | None = None
    cluster_name: str | None = None
    description: str | None = None
    created: datetime | None = None
    updated: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    backup_type: BackupType | None = None
    backup_method: str | None = None
    indices: tuple[str, ...] = ()
    total_shards: int | None = None
    failed_shards: int | None = None
    restore_status: RestoreStatus | None = None
    bucket: str | None = None
    version: str | None = None
    datastore: Datastore | None = None
    frequency: str | None = None
    period: str | None = None
    keep_days: int | None = None
    expected_start_time: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether the service has stopped working on it."""
        return self.status in _FINISHED

    @property
    def is_usable(self) -> bool:
        """Whether it can be restored whole: completed, and no shard failed."""
        is_completed = self.status == SnapshotStatus.COMPLETED
        return is_completed and not self.failed_shards and bool(self.id)

    @property
    def is_automatic(self) -> bool:
        """Whether the cluster's schedule created it."""
        if self.backup_type is not None:
            return self.backup_type == BackupType.AUTOMATIC
        return (self.backup_method or "").lower().startswith("auto")

    @property
    def is_manual(self) -> bool:
        """Whether all that is known says that a person created it."""
        method = (self.backup_method or "").lower()
        if method.startswith("auto"):
            return False
        if self.backup_type is not None:
            return self.backup_type == BackupType.MANUAL
        return method == "manual"

    @property
    def duration(self) -> float | None:
        """Seconds from start to end, `None` while it goes on."""
        if self.start_time is None or self.end_time is None:
            return None
        return (self.end_time - self.start_time).total_seconds()


@attrs.frozen(kw_only=True)
class DrillReport:
    """A drill: a restoration to prove that one works, and what came of it.

    Attributes:
        cluster_id: The cluster that the snapshot is of.
        target_cluster_id: The cluster it was restored into.
        snapshot: The snapshot: the newest usable one.
        expected_indices: What the restored indices are called.
        age: Seconds since the snapshot began, as the drill did, by this machine's
            clock; `None` where the service does not show when.
        restore_seconds: Seconds until the restoration was seen to be over; `None` as long
            as it was not.
        verdict: `"verified"`, `"failed"` if the restoration or the check did, or
            `"unknown"` if it can't be known whether the snapshot is being restored, or
            it was not in time; `None` while the drill goes on.
        error: What the verdict is due to; `None` if it is verified, or the check
            returned false.
        cleanup_error: What the clean-up failed with.
    """

    cluster_id: str
    target_cluster_id: str
    snapshot: Snapshot
    expected_indices: tuple[str, ...]
    age: float | None = None
    restore_seconds: float | None = None
    verdict: Literal["verified", "failed", "unknown"] | None = None
    error: Exception | None = None
    cleanup_error: Exception | None = None
