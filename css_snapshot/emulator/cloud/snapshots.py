"""One emulated snapshot: how it grows, ends and shows in the list."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, get_args

import attrs

Outcome = Literal["COMPLETED", "FAILED", "PART_FAILED", "STUCK"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
RestoreOutcome = Literal["success", "failed"]
_SHARDS_PER_INDEX = 3


def vendor_time(moment: float) -> str:
    """Write a moment as the vendor does, in UTC but without saying so.

    Args:
        moment: Seconds since the epoch.
    """
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@attrs.define(kw_only=True, eq=False)
class EmulatedSnapshot:
    """A snapshot as it really is, whatever the list already shows of it.

    Attributes:
        id: Its id.
        name: Its name.
        cluster_id: The cluster it was taken of.
        cluster_name: That cluster's name.
        engine: That cluster's engine, such as `elasticsearch`.
        version: That engine's version.
        description: The text given with it.
        indices: Names or patterns joined by commas, `*` for all.
        bucket: The OBS bucket it lies in.
        automatic: Whether the policy took it, not a caller.
        keep_day: How many automatic ones are kept, `None` for a manual one.
        period: When automatic ones are taken, `None` for a manual one.
        created: Seconds since the epoch.
        build_seconds: How long it is BUILDING, in seconds.
        outcome: How it ends; `STUCK` never does.
        restored: When its last restore ends, in seconds since the epoch.
        restore_outcome: How that restore ends.
        clock: Answers seconds since the epoch.
    """

    id: str
    name: str
    cluster_id: str
    cluster_name: str = ""
    engine: str = "elasticsearch"
    version: str = "7.10.2"
    description: str = ""
    indices: str = "*"
    bucket: str = ""
    automatic: bool = False
    keep_day: int | None = None
    period: str | None = None
    created: float
    build_seconds: float
    outcome: Outcome = "COMPLETED"
    restored: float | None = None
    restore_outcome: RestoreOutcome = "success"
    clock: Callable[[], float] = attrs.field(default=time.time, repr=False)

    @property
    def building(self) -> bool:
        """Whether it is still being made."""
        unfinished = self.clock() < self.created + self.build_seconds
        return self.outcome == "STUCK" or unfinished

    @property
    def status(self) -> str:
        """Its status as the list words it."""
        return "BUILDING" if self.building else self.outcome

    @property
    def restore_status(self) -> str:
        """How its last restore goes, `none` if there was none."""
        if self.restored is None:
            return "none"
        return "restoring" if self.clock() < self.restored else self.restore_outcome

    def row(self) -> dict[str, object]:
        """Answer its row of the list, with the fields of the vendor's sample."""
        building = self.building
        ended = self.created + self.build_seconds
        shards = _SHARDS_PER_INDEX * len(self.indices.split(","))
        return {
            "created": vendor_time(self.created),
            "updated": vendor_time(self.created if building else ended),
            "datastore": {"type": self.engine, "version": self.version},
            "version": self.version,
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "clusterId": self.cluster_id,
            "clusterName": self.cluster_name,
            "status": self.status,
            "backupType": "0" if self.automatic else "1",
            "backupMethod": "auto" if self.automatic else "manual",
            "backupExpectedStartTime": None,
            "backupKeepDay": self.keep_day,
            "backupPeriod": self.period,
            "indices": self.indices,
            "totalShards": shards,
            "failedShards": self._failed_shards(shards),
            "restoreStatus": self.restore_status,
            "startTime": round(self.created * 1000),
            "endTime": None if building else round(ended * 1000),
            "bucketName": self.bucket,
        }

    def _failed_shards(self, total: int) -> int:
        if self.status == "FAILED":
            return total
        return 1 if self.status == "PART_FAILED" else 0
