"""The emulated cloud without its network: one state machine, no I/O."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping

import attrs

from css_snapshot.emulator.cloud.access import Access
from css_snapshot.emulator.cloud.clusters import EmulatedCluster
from css_snapshot.emulator.cloud.credentials import Credentials
from css_snapshot.emulator.cloud.fault_rules import Faults
from css_snapshot.emulator.cloud.fleet import Fleet
from css_snapshot.emulator.cloud.iam import Account, Iam
from css_snapshot.emulator.cloud.identifiers import Identifiers
from css_snapshot.emulator.cloud.ledger import Ledger, RecordedRequest
from css_snapshot.emulator.cloud.metadata import Metadata
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.policy_calls import PolicyCalls
from css_snapshot.emulator.cloud.snapshot_calls import SnapshotCalls
from css_snapshot.emulator.cloud.snapshots import (
    EmulatedSnapshot,
    Outcome,
    RestoreOutcome,
)
from css_snapshot.emulator.cloud.throttling import Throttle
from css_snapshot.emulator.cloud.users import Users
from css_snapshot.emulator.cloud.vendor_errors import throttled

PROJECT_ID = "0e000000000000000000000000000001"
ACCESS_KEY = "EMULATORAK000000001A"
SECRET_KEY = "emulatorSecretKeyForTestsOnly00000000001"  # noqa: S105 - well-known fake
TOKEN = "emulator-token-for-tests-only"  # noqa: S105 - well-known fake
USER_NAME = "emulator-user"
PASSWORD = "emulator-password-for-tests-only"  # noqa: S105 - well-known fake


@attrs.define(kw_only=True, eq=False, repr=False)
class EmulatorState(Options):
    """Clusters, snapshots, credentials and faults of one emulated project.

    Its methods are the vendor's calls: they take the request's JSON as Python values,
    answer that of the answer, and raise `VendorError` to refuse. All `Options` are
    keyword arguments as well; the secrets are well-known fakes.

    Attributes:
        project_id: The one project there is.
        access_key: Access key of the permanent pair.
        secret_key: Secret key of that pair.
        token: A token for the project that never expires, unless it is revoked.
        seed: Where ids and chance start; equal seeds give equal runs.
        ids: Makes ids from that seed.
        faults: What goes wrong; see `Faults.add`.
        credentials: The keys and tokens given out; for revoking them.
        access: The gateway's check of credentials.
        users: Who may ask IAM for a token.
        iam: The calls of IAM, and the account with its names.
        metadata: The calls of the metadata service.
        ledger: What was asked, and how it was answered.

    Args:
        clusters: The clusters, or how many plain ones to make.
    """

    _given: int | Iterable[EmulatedCluster] = attrs.field(default=3, alias="clusters")
    project_id: str = PROJECT_ID
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    token: str = TOKEN
    seed: int = 0
    ids: Identifiers = attrs.field(init=False)
    faults: Faults = attrs.field(init=False)
    credentials: Credentials = attrs.field(init=False)
    access: Access = attrs.field(init=False)
    users: Users = attrs.field(init=False)
    iam: Iam = attrs.field(init=False)
    metadata: Metadata = attrs.field(init=False)
    ledger: Ledger = attrs.field(init=False, factory=Ledger)
    _throttle: Throttle = attrs.field(init=False, factory=Throttle)
    _fleet: Fleet = attrs.field(init=False)
    _snapshots: SnapshotCalls = attrs.field(init=False)
    _policies: PolicyCalls = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ids = Identifiers(self.seed)
        self.faults = Faults(self.seed)
        self._fleet = Fleet(self.ids, self.clock)
        self._fleet.add_all(self._given)
        self._snapshots = SnapshotCalls(self._fleet, self.ids, self)
        self._policies = PolicyCalls(self._fleet, self)
        self.credentials = Credentials(self.ids, self.clock)
        self.credentials.add_pair(self.access_key, self.secret_key)
        self.credentials.issue_token(self.project_id, text=self.token)
        self.access = Access(self.credentials, self.project_id, self)
        account = Account(project_id=self.project_id)
        self.users = Users(self.clock)
        self.users.add(account.domain, USER_NAME, PASSWORD)
        self.iam = Iam(
            account,
            users=self.users,
            credentials=self.credentials,
            access=self.access,
            options=self,
        )
        self.metadata = Metadata(self.credentials, self.ids, self)

    @property
    def requests(self) -> deque[RecordedRequest]:
        """The latest requests over HTTP, oldest first."""
        return self.ledger.requests

    @property
    def counts(self) -> Counter[str]:
        """How many requests came over HTTP, by operation."""
        return self.ledger.counts

    @property
    def creations(self) -> int:
        """How many snapshots were really made by callers."""
        return self._snapshots.creations

    @property
    def clusters(self) -> tuple[EmulatedCluster, ...]:
        """All clusters, in the order in which they came."""
        return self._fleet.clusters

    @property
    def cluster_ids(self) -> tuple[str, ...]:
        """Their ids, in that order."""
        return tuple(cluster.id for cluster in self.clusters)

    def cluster(self, cluster_id: str) -> EmulatedCluster:
        """Find a cluster, to look at it or to change it."""
        return self._fleet.get(cluster_id)

    def add_cluster(self, cluster: EmulatedCluster | None = None) -> EmulatedCluster:
        """Take one more cluster, a plain one if none is given."""
        return self._fleet.add(cluster or EmulatedCluster())

    def snapshots(self, cluster_id: str) -> tuple[EmulatedSnapshot, ...]:
        """Answer what a cluster really holds, oldest first, whatever the list shows."""
        return tuple(self.cluster(cluster_id).snapshots)

    def add_snapshot(
        self,
        cluster_id: str,
        name: str,
        *,
        indices: str = "*",
        automatic: bool = False,
        age: float = 0.0,
    ) -> EmulatedSnapshot:
        """Put a snapshot into a cluster without a caller having asked for it.

        Args:
            cluster_id: Whose snapshot it is.
            name: Its name.
            indices: Names or patterns joined by commas.
            automatic: Whether the policy took it.
            age: How long ago it began, in seconds.
        """
        return self._snapshots.add(
            self.cluster(cluster_id),
            name,
            indices=indices,
            automatic=automatic,
            age=age,
        )

    def next_outcome(self, cluster_id: str, *outcomes: Outcome) -> None:
        """Decide how the next snapshots of a cluster end; `STUCK` ones never do."""
        self.cluster(cluster_id).outcomes.extend(outcomes)

    def next_restore(self, cluster_id: str, *outcomes: RestoreOutcome) -> None:
        """Decide how the next restores of a cluster's snapshots end."""
        self.cluster(cluster_id).restore_outcomes.extend(outcomes)

    def vanish(self, cluster_id: str, snapshot_id: str) -> None:
        """Let a snapshot disappear, as if someone else had deleted it."""
        cluster = self.cluster(cluster_id)
        cluster.snapshots = [row for row in cluster.snapshots if row.id != snapshot_id]

    def refuse_haste(self) -> None:
        """Count one request, and refuse it with 429 if it is one too many."""
        limit = self.throttle
        if limit is not None and not self._throttle.allows(limit, self.clock()):
            raise throttled(*limit)

    def create_snapshot(self, cluster_id: str, body: object) -> dict[str, object]:
        """CreateSnapshot: `{"backup": {"id", "name"}}`."""
        return self._snapshots.create(cluster_id, body)

    def list_snapshots(self, cluster_id: str) -> dict[str, object]:
        """ListSnapshots: `{"backups": [...]}`, newest first."""
        return self._snapshots.list(cluster_id)

    def delete_snapshot(self, cluster_id: str, snapshot_id: str) -> None:
        """DeleteSnapshot."""
        self._snapshots.delete(cluster_id, snapshot_id)

    def restore_snapshot(self, cluster_id: str, snapshot_id: str, body: object) -> None:
        """RestoreSnapshot."""
        self._snapshots.restore(cluster_id, snapshot_id, body)

    def set_policy(self, cluster_id: str, body: object) -> None:
        """CreateAutoCreatePolicy."""
        self._policies.set(cluster_id, body)

    def get_policy(self, cluster_id: str) -> dict[str, object]:
        """ShowAutoCreatePolicy."""
        return self._policies.show(cluster_id)

    def open_policy(self, cluster_id: str, body: object) -> None:
        """StartAutoCreateSnapshots of version 2."""
        self._policies.open(cluster_id, body)

    def close_policy(self, cluster_id: str) -> None:
        """StopAutoCreateSnapshots of version 2."""
        self._policies.close(cluster_id)

    def configure(self, cluster_id: str, body: object) -> None:
        """UpdateSnapshotSetting."""
        self._policies.configure(cluster_id, body)

    def configure_automatically(self, cluster_id: str) -> None:
        """StartAutoSetting."""
        self._policies.configure_automatically(cluster_id)

    def disable_snapshots(self, cluster_id: str) -> None:
        """StopSnapshot."""
        self._policies.disable(cluster_id)

    def list_clusters(
        self, query: Mapping[str, str] | None = None
    ) -> dict[str, object]:
        """ListClustersDetails: `{"totalSize", "clusters": [...]}`, newest first.

        Args:
            query: The request's query parameters.
        """
        return self._fleet.page(query or {}, self.paging)

    def get_cluster(self, cluster_id: str) -> dict[str, object]:
        """ShowClusterDetail."""
        return self._fleet.get(cluster_id).row()
