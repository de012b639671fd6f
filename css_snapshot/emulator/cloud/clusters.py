"""One emulated cluster: what it is, what it holds and whether it is busy."""

import time
from collections import deque
from collections.abc import Callable, Mapping

import attrs

from css_snapshot.emulator.cloud.policies import AutomaticPolicy, Repository
from css_snapshot.emulator.cloud.snapshots import (
    EmulatedSnapshot,
    Outcome,
    RestoreOutcome,
    vendor_time,
)

AVAILABLE = "200"
_REPOSITORY = Repository(bucket="css-backup")
_POLICY = AutomaticPolicy()
ENGINES = ("elasticsearch", "opensearch", "logstash")


@attrs.define(kw_only=True, eq=False)
class EmulatedCluster:
    """A cluster that an `EmulatorState` holds.

    What is left empty, the state fills in when it takes the cluster.

    Attributes:
        id: Its id.
        name: Its name.
        engine: `elasticsearch`, `opensearch` or `logstash`.
        version: The engine's version.
        status: `"200"` available, `"100"` busy being made, `"303"` unavailable.
        backup_available: Whether the snapshot function is on.
        tags: Its tags.
        created: Seconds since the epoch.
        repository: Where its snapshots go.
        policy: When automatic ones are taken.
        snapshots: What it holds, oldest first.
        outcomes: How the next snapshots end, in that order.
        restore_outcomes: How the next restores of its snapshots end, in that order.
        restored: When the last restore into it ends, in seconds since the epoch.
        clock: Answers seconds since the epoch.
    """

    id: str = ""
    name: str = ""
    engine: str = attrs.field(
        default="elasticsearch", validator=attrs.validators.in_(ENGINES)
    )
    version: str = "7.10.2"
    status: str = AVAILABLE
    backup_available: bool = True
    tags: Mapping[str, str] = attrs.field(factory=dict)
    created: float | None = None
    repository: Repository = _REPOSITORY
    policy: AutomaticPolicy = _POLICY
    snapshots: list[EmulatedSnapshot] = attrs.field(factory=list, repr=False)
    outcomes: deque[Outcome] = attrs.field(factory=deque, repr=False)
    restore_outcomes: deque[RestoreOutcome] = attrs.field(factory=deque, repr=False)
    restored: float = 0.0
    clock: Callable[[], float] = attrs.field(default=time.time, repr=False)

    @property
    def actions(self) -> list[str]:
        """What is being done with it right now, in the vendor's words."""
        running = ["RESTORING"] if self.clock() < self.restored else []
        if any(snapshot.building for snapshot in self.snapshots):
            running.append("SNAPSHOTTING")
        return running

    def find(self, snapshot_id: str) -> EmulatedSnapshot | None:
        """Find one of its snapshots by id."""
        for snapshot in self.snapshots:
            if snapshot.id == snapshot_id:
                return snapshot
        return None

    def row(self) -> dict[str, object]:
        """Answer it as the list of clusters and the call for one show it."""
        created = vendor_time(self.created or 0.0)
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "datastore": {
                "type": self.engine,
                "version": self.version,
                "subVersion": f"{self.version}_24.3.0_0827",
                "isEosCluster": False,
                "supportSecuritymode": False,
            },
            "actions": self.actions,
            "actionProgress": {},
            "backupAvailable": self.backup_available,
            "snapshotPolicy": self._policy_row(),
            "instances": [self._instance_row()],
            "enterpriseProjectId": "0",
            "tags": [{"key": key, "value": value} for key, value in self.tags.items()],
            "created": created,
            "updated": created,
            "endpoint": "192.168.0.122:9200",
            "httpsEnable": True,
            "authorityEnable": True,
            "diskEncrypted": False,
            "period": False,
        }

    def _policy_row(self) -> dict[str, object]:
        return {
            "backupEnable": self.policy.enabled,
            "bakPeriod": self.policy.period,
            "bakFrequency": self.policy.frequency,
            "bakKeepDay": self.policy.keep_day,
        }

    def _instance_row(self) -> dict[str, object]:
        return {
            "status": self.status,
            "type": "lgs" if self.engine == "logstash" else "ess",
            "id": self.id,
            "name": f"{self.name}-ess-esn-1-1",
            "specCode": "ess.spec-4u8g",
            "azCode": "az-1",
            "ip": "192.168.0.122",
        }
