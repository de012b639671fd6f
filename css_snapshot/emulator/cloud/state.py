"""The emulated cloud without its network: one state machine, no I/O."""

import secrets
from collections import Counter, deque
from collections.abc import Mapping

import attrs

from css_snapshot.emulator.cloud.access import Access
from css_snapshot.emulator.cloud.account import Account
from css_snapshot.emulator.cloud.clusters import EmulatedCluster
from css_snapshot.emulator.cloud.credentials import Credentials
from css_snapshot.emulator.cloud.directory import Directory
from css_snapshot.emulator.cloud.fault_rules import Faults
from css_snapshot.emulator.cloud.iam import Iam
from css_snapshot.emulator.cloud.ledger import Ledger, RecordedRequest
from css_snapshot.emulator.cloud.metadata import Metadata
from css_snapshot.emulator.cloud.outcome_rules import OutcomeRule
from css_snapshot.emulator.cloud.policy_calls import PolicyCalls
from css_snapshot.emulator.cloud.rows import cluster_row
from css_snapshot.emulator.cloud.snapshot_calls import SnapshotCalls
from css_snapshot.emulator.cloud.snapshots import (
    EmulatedSnapshot,
    Outcome,
    RestoreOutcome,
)
from css_snapshot.emulator.cloud.users import Users

ACCESS_KEY = "EMULATORAK000000001A"
SECRET_KEY = "emulatorSecretKeyForTestsOnly00000000001"  # noqa: S105 - well-known fake
TOKEN = "emulator-token-for-tests-only"  # noqa: S105 - well-known fake
USER_NAME = "emulator-user"
PASSWORD = "emulator-password-for-tests-only"  # noqa: S105 - well-known fake


@attrs.define(kw_only=True, eq=False, repr=False)
class EmulatorState(SnapshotCalls, PolicyCalls):
    """Clusters, snapshots, credentials and faults of one emulated project.

    Its methods are the vendor's calls: they take the request's JSON as Python values,
    return that of the response, and raise `VendorError` to refuse. All `Options` are
    keyword arguments as well. The secrets are well-known fakes, but for the admin
    token, which is a new one each time.

    Attributes:
        access_key: Access key of the permanent pair.
        secret_key: Secret key of that pair.
        token: A token for the project that never expires, unless it is revoked.
        admin_token: What the calls under `/_emulator/` require.
        faults: What goes wrong; see `Faults.add`.
        credentials: The keys and tokens given out; for revoking them.
        access: The gateway's check of credentials.
        users: Who may ask IAM for a token.
        iam: The calls of IAM that give tokens, and the account with its names.
        directory: The calls of IAM that look something up.
        metadata: The calls of the metadata service.
        ledger: What was requested, and how the emulator responded.
    """

    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    token: str = TOKEN
    admin_token: str = attrs.field(factory=lambda: secrets.token_urlsafe(24))
    faults: Faults = attrs.field(init=False)
    credentials: Credentials = attrs.field(init=False)
    access: Access = attrs.field(init=False)
    users: Users = attrs.field(init=False)
    iam: Iam = attrs.field(init=False)
    directory: Directory = attrs.field(init=False)
    metadata: Metadata = attrs.field(init=False)
    ledger: Ledger = attrs.field(init=False, factory=Ledger)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.faults = Faults(self.seed)
        self.credentials = Credentials(self.ids, self.clock)
        self.credentials.add_pair(self.access_key, self.secret_key)
        self.credentials.issue_token(self.project_id, text=self.token)
        self.access = Access(self.credentials, self.project_id, self)
        account = Account(project_id=self.project_id)
        self.users = Users(self.clock, account.domain_id)
        self.users.add(account.domain, USER_NAME, PASSWORD)
        self.iam = Iam(
            account,
            users=self.users,
            credentials=self.credentials,
            access=self.access,
            options=self,
        )
        self.directory = Directory(account, self.users, self.access, self)
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
    def clusters(self) -> tuple[EmulatedCluster, ...]:
        """All clusters, in the order in which they came."""
        return self.fleet.clusters

    @property
    def cluster_ids(self) -> tuple[str, ...]:
        """Their ids, in that order."""
        return self.fleet.ids

    def cluster(self, cluster_id: str) -> EmulatedCluster:
        """Return a cluster, to look at it or to change it."""
        return self.fleet.get(cluster_id)

    def add_cluster(self, cluster: EmulatedCluster | None = None) -> EmulatedCluster:
        """Take one more cluster, a plain one if none is given, and return it."""
        return self.fleet.add(cluster or EmulatedCluster())

    def snapshots(self, cluster_id: str) -> tuple[EmulatedSnapshot, ...]:
        """Return what a cluster really holds, oldest first, whatever the list shows."""
        return tuple(self.cluster(cluster_id).snapshots)

    def add_snapshot(
        self,
        cluster_id: str,
        name: str,
        *,
        indices: str = "*",
        description: str = "",
        automatic: bool = False,
        age: float = 0.0,
        outcome: Outcome | OutcomeRule | None = None,
    ) -> EmulatedSnapshot:
        """Put a snapshot into a cluster without a caller having asked for it.

        What is returned may be changed: it is the snapshot itself.

        Args:
            cluster_id: Whose snapshot it is.
            name: Its name.
            indices: Names or patterns joined by commas.
            description: The text given with it.
            automatic: Whether the policy took it.
            age: How long ago it began, in seconds.
            outcome: How it ends, `None` for what is in store; a rule says of its shards
                and of its building as well.
        """
        if isinstance(outcome, str):
            outcome = OutcomeRule(outcome=outcome)
        return self.maker.make(
            self.cluster(cluster_id),
            name,
            created=self.clock() - age,
            indices=indices,
            description=description,
            automatic=automatic,
            rule=outcome,
        )

    def next_outcome(self, cluster_id: str, *outcomes: Outcome) -> None:
        """Decide how the next snapshots of a cluster end; `STUCK` ones never do."""
        self.cluster(cluster_id).outcomes.extend(outcomes)

    def next_restore(self, cluster_id: str, *outcomes: RestoreOutcome) -> None:
        """Decide how the next restorations of a cluster's snapshots end."""
        self.cluster(cluster_id).restore_outcomes.extend(outcomes)

    def vanish(self, cluster_id: str, snapshot_id: str) -> None:
        """Let a snapshot disappear, as if someone else had deleted it."""
        cluster = self.cluster(cluster_id)
        cluster.snapshots = [row for row in cluster.snapshots if row.id != snapshot_id]

    def list_clusters(
        self, query: Mapping[str, str] | None = None
    ) -> dict[str, object]:
        """ListClustersDetails: `{"totalSize", "clusters": [...]}`, newest first.

        Args:
            query: The request's query parameters.
        """
        return self.fleet.page(query or {})

    def get_cluster(self, cluster_id: str) -> dict[str, object]:
        """ShowClusterDetail."""
        return cluster_row(self.fleet.get(cluster_id), self)
