"""One emulated cluster: what it is, what it holds and whether it is busy."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import attrs

from css_snapshot.emulator.cloud.policies import AutomaticPolicy, Repository
from css_snapshot.emulator.cloud.snapshots import (
    EmulatedSnapshot,
    Outcome,
    RestoreOutcome,
)

AVAILABLE = "200"
ENGINES = ("elasticsearch", "opensearch", "logstash")
_REPOSITORY = Repository(bucket="css-backup")
_POLICY = AutomaticPolicy()


@attrs.frozen(kw_only=True)
class Restoration:
    """A restoration into a cluster.

    Attributes:
        began: Seconds since the epoch.
        ends: Seconds since the epoch.
        outcome: How it ends.
        indices: The names that it brings.
    """

    began: float
    ends: float
    outcome: RestoreOutcome
    indices: Sequence[str]


@attrs.define(kw_only=True, eq=False)
class EmulatedCluster:
    """A cluster that an `EmulatorState` holds.

    What is left empty, the state fills in when it takes the cluster.

    Attributes:
        id: Its id.
        name: Its name.
        engine: `elasticsearch`, `opensearch` or `logstash`.
        version: The engine's version.
        status: `"200"` available, `"100"` being created, `"303"` unavailable.
        nodes: The status of each of its nodes; `None` for one node with the cluster's.
        backup_available: Whether the snapshot function is on.
        tags: Its tags.
        created: Seconds since the epoch.
        indices: Names of its indices; `None` if nothing is known of them, so that the
            list shows what a creation asked for.
        aliases: Names of aliases and data streams, with the indices behind each.
        repository: Where its snapshots go.
        policy: When automatic ones are taken.
        snapshots: What it holds, oldest first.
        build_seconds: How long its snapshots are BUILDING, `None` for the state's.
        outcomes: How the next snapshots end, in that order; then the state's rules.
        restore_outcomes: How the next restorations of its snapshots end, in that order.
        restorations: The restorations into it that are going on.
        restored: Names of the indices that restorations have brought.
        deletes_until: Until when it refuses deletions, in seconds since the epoch.
        caught_up: Until when time has passed for it, in seconds since the epoch.
        clock: Returns seconds since the epoch.
    """

    id: str = ""
    name: str = ""
    engine: str = attrs.field(
        default="elasticsearch", validator=attrs.validators.in_(ENGINES)
    )
    version: str = "7.10.2"
    status: str = AVAILABLE
    nodes: Sequence[str] | None = None
    backup_available: bool = True
    tags: Mapping[str, str] = attrs.field(factory=dict)
    created: float | None = None
    indices: Sequence[str] | None = None
    aliases: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    repository: Repository = _REPOSITORY
    policy: AutomaticPolicy = _POLICY
    snapshots: list[EmulatedSnapshot] = attrs.field(factory=list, repr=False)
    build_seconds: float | None = None
    outcomes: deque[Outcome] = attrs.field(factory=deque, repr=False)
    restore_outcomes: deque[RestoreOutcome] = attrs.field(factory=deque, repr=False)
    restorations: list[Restoration] = attrs.field(factory=list, repr=False)
    restored: Sequence[str] = ()
    deletes_until: float = 0.0
    caught_up: float | None = None
    clock: Callable[[], float] = attrs.field(default=time.time, repr=False)

    @property
    def actions(self) -> list[str]:
        """What is being done with it right now, in the vendor's words."""
        now = self.clock()
        running = ["RESTORING"] if any(r.ends > now for r in self.restorations) else []
        if self.building is not None:
            running.append("SNAPSHOTTING")
        return running

    @property
    def building(self) -> EmulatedSnapshot | None:
        """The snapshot that is being built of it, if any."""
        return next((row for row in reversed(self.snapshots) if row.building), None)

    @property
    def index_names(self) -> Sequence[str] | None:
        """Names of all its indices, `None` if nothing is known of them."""
        if self.indices is None:
            return None
        return tuple(dict.fromkeys((*self.indices, *self.restored)))

    def is_busy_at(self, moment: float) -> bool:
        """Return whether a snapshot or a restoration went on at a moment.

        Args:
            moment: Seconds since the epoch.
        """
        return any(row.occupies_at(moment) for row in self.snapshots) or any(
            restoration.began <= moment < restoration.ends
            for restoration in self.restorations
        )

    def find(self, snapshot_id: str) -> EmulatedSnapshot | None:
        """Return one of its snapshots by id, `None` if it has none of that id."""
        for snapshot in self.snapshots:
            if snapshot.id == snapshot_id:
                return snapshot
        return None
