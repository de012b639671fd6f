"""Commands about a cluster's automatic snapshots: policy get, set, disable."""

from typing import Annotated, Final

import attrs
import typer

from css_snapshot.api.policies import SnapshotFrequency, SnapshotPolicy
from css_snapshot.api.rules import check_id
from css_snapshot.cli.arguments import ClusterId, Indices, Yes
from css_snapshot.cli.confirmation import confirm
from css_snapshot.cli.output.output import Column
from css_snapshot.cli.output.records import policy_record
from css_snapshot.cli.session import Session, command

POLICY_COLUMNS: Final = (
    Column("ENABLED", "enabled"),
    Column("PREFIX", "prefix"),
    Column("FREQUENCY", "frequency"),
    Column("PERIOD", "period"),
    Column("KEEP", "keep"),
    Column("INDICES", "indices"),
    Column("BUCKET", "bucket"),
    Column("BASE PATH", "base_path"),
)


@command
async def get(session: Session, cluster_id: ClusterId) -> None:
    """Show when a cluster takes snapshots by itself.

    Examples:
      css-snapshot policy get ea244205-d641-45d9-9dcb-ab2236bcd07e

    JSON: kind (policy), cluster_id, enabled, prefix, period, frequency, keep,
    indices, bucket, base_path, agency.
    """
    check_id("cluster_id", cluster_id)
    async with session.service() as service:
        policy = await service.get_policy(cluster_id)
    session.output.rows(
        [policy_record(cluster_id, policy)], POLICY_COLUMNS, empty="no policy"
    )


@attrs.frozen(kw_only=True)
class Schedule:
    """When snapshots are taken, and how many are kept.

    Attributes:
        prefix: What their names begin with.
        keep: How many are kept.
        period: Whole hour and zone.
        frequency: How often.
        indices: Names or patterns joined by commas; `None` for all.
    """

    prefix: Annotated[str, typer.Option(help="What the snapshots' names begin with.")]
    keep: Annotated[int, typer.Option(help="How many are kept, 1 to 90.")]
    period: Annotated[
        str | None,
        typer.Option(
            help="Whole hour and zone, such as '16:00 GMT+08:00'; not with HOUR.",
            show_default=False,
        ),
    ] = None
    frequency: Annotated[
        SnapshotFrequency, typer.Option(case_sensitive=False, help="How often.")
    ] = SnapshotFrequency.DAY
    indices: Indices = None

    def policy(self) -> SnapshotPolicy:
        """Make a policy of it, and check it.

        Raises:
            RequestValidationError: A value breaks its rule.
        """
        policy = SnapshotPolicy(
            enabled=True,
            prefix=self.prefix,
            keep=self.keep,
            period=self.period,
            frequency=self.frequency,
            indices=self.indices,
        )
        policy.check()
        return policy


@command
async def set_(session: Session, cluster_id: ClusterId, *, schedule: Schedule) -> None:
    """Let a cluster take snapshots by itself.

    Examples:
      css-snapshot policy set ea24... --prefix auto --keep 7
        --period '16:00 GMT+08:00'
      css-snapshot policy set ea24... --prefix hourly --keep 24 --frequency HOUR

    JSON: the policy that was sent, as 'policy get' shows it.
    """
    check_id("cluster_id", cluster_id)
    policy = schedule.policy()
    async with session.service() as service:
        await service.set_policy(cluster_id, policy)
    session.output.done(
        f"{cluster_id} takes snapshots by itself now",
        policy_record(cluster_id, policy),
    )


@command
async def disable(
    session: Session,
    cluster_id: ClusterId,
    *,
    delete_automatic: Annotated[
        bool,
        typer.Option(
            "--delete-automatic", help="Delete the automatic snapshots, for good."
        ),
    ] = False,
    yes: Yes = False,
) -> None:
    """Stop a cluster from taking snapshots by itself.

    The automatic snapshots are kept, unless --delete-automatic is given; then
    it asks first, and where nobody can be asked, it demands --yes.

    Examples:
      css-snapshot policy disable ea244205-d641-45d9-9dcb-ab2236bcd07e

    JSON: kind (policy), cluster_id, enabled, deleted_automatic.
    """
    check_id("cluster_id", cluster_id)
    if delete_automatic and not yes:
        confirm(session.output, f"Delete all automatic snapshots of {cluster_id}?")
    async with session.service() as service:
        await service.disable_policy(cluster_id, delete_automatic=delete_automatic)
    session.output.done(
        f"{cluster_id} takes no snapshots by itself any more",
        {
            "kind": "policy",
            "cluster_id": cluster_id,
            "enabled": False,
            "deleted_automatic": delete_automatic,
        },
    )
