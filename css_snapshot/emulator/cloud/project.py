"""One emulated project: its clusters, and what makes snapshots in them."""

from collections.abc import Iterable

import attrs

from css_snapshot.emulator.cloud.clusters import AVAILABLE, EmulatedCluster
from css_snapshot.emulator.cloud.fleet import Fleet
from css_snapshot.emulator.cloud.identifiers import Identifiers
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.outcome_rules import OutcomeRules
from css_snapshot.emulator.cloud.snapshot_maker import SnapshotMaker
from css_snapshot.emulator.cloud.timeline import Timeline
from css_snapshot.emulator.cloud.vendor_errors import VendorError, css_error

PROJECT_ID = "0e000000000000000000000000000001"


@attrs.define(kw_only=True, eq=False, repr=False)
class Project(Options):
    """What the vendor's calls work on.

    Attributes:
        project_id: Its id.
        seed: Where ids and chance start; equal seeds give equal runs.
        ids: Makes ids from that seed.
        outcomes: How snapshots end; see `OutcomeRules.add`.
        fleet: Its clusters.
        maker: Makes its snapshots.
        creations: How many snapshots were really made by callers.

    Args:
        clusters: The clusters, or how many plain ones to make.
    """

    _given: int | Iterable[EmulatedCluster] = attrs.field(default=3, alias="clusters")
    project_id: str = PROJECT_ID
    seed: int = 0
    ids: Identifiers = attrs.field(init=False)
    outcomes: OutcomeRules = attrs.field(init=False)
    fleet: Fleet = attrs.field(init=False)
    maker: SnapshotMaker = attrs.field(init=False)
    creations: int = attrs.field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self.ids = Identifiers(self.seed)
        self.outcomes = OutcomeRules(self.seed)
        self.maker = SnapshotMaker(self.ids, self.outcomes, self)
        self.fleet = Fleet(self.ids, Timeline(self.maker, self), self)
        self.fleet.add_all(self._given)

    def refuse_without_snapshots(self, cluster: EmulatedCluster) -> None:
        """Refuse a cluster that can't have snapshots, or has them switched off.

        No document says which codes these are: Logstash is 415 CSS.5108 here, and a
        cluster without the snapshot function 415 CSS.0004, as when disabling twice.
        """
        if cluster.engine == "logstash":
            raise css_error(415, "CSS.5108")
        if not cluster.backup_available:
            raise css_error(415, "CSS.0004", "Illegal operation")

    def refuse_unready(self, cluster: EmulatedCluster) -> None:
        """Refuse a cluster that is unavailable (400 CSS.5090, a guess) or busy."""
        if cluster.status != AVAILABLE:
            raise css_error(400, "CSS.5090", f"cluster status is {cluster.status}")
        if self.busy_lock and cluster.actions:
            raise self.busy()

    def busy(self) -> VendorError:
        """Return the refusal CSS.0011, under the status that the options name."""
        return css_error(self.busy_status, "CSS.0011")
