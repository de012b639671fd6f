"""One emulated snapshot: how it grows and how it ends."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, get_args

import attrs

from css_snapshot.emulator.cloud.policies import AutomaticPolicy

Outcome = Literal["COMPLETED", "FAILED", "PART_FAILED", "STUCK", "VANISHED"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
RestoreOutcome = Literal["success", "failed"]
_SHARDS_PER_INDEX = 3


def vendor_time(moment: float) -> str:
    """Return a moment as the vendor writes it, in UTC but without saying so.

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
        policy: The policy that took it, `None` if a caller did.
        created: When it was begun, in seconds since the epoch.
        build_seconds: How long it is BUILDING, in seconds.
        outcome: How it ends; `STUCK` never does, `VANISHED` is gone at its end.
        total_shards: How many shards it has, three for each index if left out.
        spoiled_shards: How many of them fail if it ends FAILED or PART_FAILED; all or
            one if left out.
        restore_began: When its last restoration began, in seconds since the epoch.
        restored: When that restoration ends, in seconds since the epoch.
        restore_outcome: How that restoration ends.
        clock: Returns seconds since the epoch.
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
    policy: AutomaticPolicy | None = None
    created: float
    build_seconds: float
    outcome: Outcome = "COMPLETED"
    total_shards: int | None = None
    spoiled_shards: int | None = None
    restore_began: float | None = None
    restored: float | None = None
    restore_outcome: RestoreOutcome = "success"
    clock: Callable[[], float] = attrs.field(default=time.time, repr=False)

    @property
    def automatic(self) -> bool:
        """Whether a policy took it, not a caller."""
        return self.policy is not None

    @property
    def ends(self) -> float:
        """When it has been built, in seconds since the epoch."""
        return self.created + self.build_seconds

    @property
    def building(self) -> bool:
        """Whether it is still being built."""
        return self.is_building_at(self.clock())

    @property
    def gone(self) -> bool:
        """Whether it has vanished."""
        return self.outcome == "VANISHED" and not self.building

    @property
    def status(self) -> str:
        """Its status as the list words it."""
        return "BUILDING" if self.building else self.outcome

    @property
    def progress(self) -> int:
        """How much of it is built, in per cent; below 100 until it is finished."""
        if not self.building:
            return 100
        passed = self.clock() - self.created
        share = passed / self.build_seconds if self.build_seconds else 1.0
        return max(0, min(99, int(100 * share)))

    @property
    def restore_status(self) -> str:
        """How its last restoration goes, `none` if there was none."""
        if self.restored is None:
            return "none"
        return "restoring" if self.clock() < self.restored else self.restore_outcome

    @property
    def shards(self) -> int:
        """How many shards it has."""
        if self.total_shards is not None:
            return self.total_shards
        indices = [name for name in self.indices.split(",") if name]
        return _SHARDS_PER_INDEX * len(indices)

    @property
    def failed_shards(self) -> int:
        """How many of them have failed so far."""
        spoiled = {"FAILED": self.shards, "PART_FAILED": 1}
        if self.status not in spoiled:
            return 0
        given = self.spoiled_shards
        return spoiled[self.status] if given is None else given

    def is_building_at(self, moment: float) -> bool:
        """Return whether it is being built at a moment.

        Args:
            moment: Seconds since the epoch.
        """
        return self.outcome == "STUCK" or moment < self.ends

    def occupies_at(self, moment: float) -> bool:
        """Return whether it is being built or restored at a moment.

        Args:
            moment: Seconds since the epoch.
        """
        restoring = (
            self.restored is not None
            and self.restore_began is not None
            and self.restore_began <= moment < self.restored
        )
        return restoring or (self.created <= moment and self.is_building_at(moment))
