"""The command that deletes snapshots no longer wanted."""

from typing import Annotated

import attrs
import typer

from css_snapshot.cli.command import Session, command
from css_snapshot.cli.commands.snapshots import show_snapshots
from css_snapshot.cli.confirmation import check_can_ask, confirm
from css_snapshot.cli.exit_codes import ExitCode, worst
from css_snapshot.cli.fleet.each import for_each
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.options import DryRunOption, YesOption
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.records import JsonRecord, snapshot_record
from css_snapshot.cli.spans import span
from css_snapshot.models import Snapshot
from css_snapshot.service import SnapshotService
from css_snapshot.workflows.retention import RetentionPlan


@command
async def prune(
    session: Session,
    selection: Selection,
    *,
    keep: Annotated[
        int,
        typer.Option(
            min=1,
            help="How many usable ones to keep of each cluster, newest first. Ad-hoc"
            " ones count as well, unless --prefix leaves them out.",
        ),
    ],
    prefix: Annotated[
        str | None,
        typer.Option(
            help="Only snapshots whose names start with this.", show_default=False
        ),
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(
            metavar="AGE",
            parser=span,
            help="Only those older than this, such as 30d.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> ExitCode:
    """Delete manual snapshots that are no longer wanted, oldest first.

    Automatic snapshots, and those being built or restored, are never touched.
    Shows what would go and asks; what is deleted is what was shown. Where
    nobody can be asked, --yes or --dry-run is needed.

    Examples:
      css-snapshot prune prod-search --keep 7 --prefix nightly- --dry-run
      css-snapshot prune --all-clusters --keep 7 --older-than 30d --yes

    JSON: each snapshot, as 'list' shows it, with deleted (true, or false for a
    dry run).
    """
    selection.check()
    output = session.output
    if not (yes or dry_run):
        check_can_ask(output)
    async with session.service() as service:
        pruning = _Pruning(service, keep=keep, prefix=prefix, older_than=older_than)
        cluster_ids = await selection.ids(service)
        code = await for_each(output, cluster_ids, pruning.plan)
        several = len(cluster_ids) > 1
        if not yes or dry_run or not pruning.planned:
            _show(output, pruning.planned, deleted=False, several=several)
        if dry_run or not pruning.planned:
            return code
        if not yes:
            confirm(output, f"Delete these {len(pruning.planned)}?")
        doomed = [key for key, plan in pruning.plans.items() if plan.delete]
        try:
            code = worst({code, await for_each(output, doomed, pruning.carry_out)})
        finally:
            _show(output, pruning.deleted, deleted=True, several=several)
    return code


@attrs.define
class _Pruning:
    """The plans of what to delete, by cluster, and what has been deleted."""

    service: SnapshotService
    keep: int = attrs.field(kw_only=True)
    prefix: str | None = attrs.field(kw_only=True)
    older_than: float | None = attrs.field(kw_only=True)
    plans: dict[str, RetentionPlan] = attrs.field(factory=dict)
    deleted: list[tuple[str, Snapshot]] = attrs.field(factory=list)

    @property
    def planned(self) -> list[tuple[str, Snapshot]]:
        """What would be deleted, with the cluster of each."""
        return [(key, one) for key, plan in self.plans.items() for one in plan.delete]

    async def plan(self, cluster_id: str) -> None:
        """Find out what is no longer wanted of a cluster."""
        self.plans[cluster_id] = await self.service.prune(
            cluster_id,
            keep=self.keep,
            prefix=self.prefix,
            older_than=self.older_than,
            dry_run=True,
        )

    async def carry_out(self, cluster_id: str) -> None:
        """Delete what was planned of a cluster, and nothing else."""
        await self.service.prune(
            cluster_id,
            plan=self.plans[cluster_id],
            on_deleted=lambda snapshot: self.deleted.append((cluster_id, snapshot)),
        )


def _show(
    output: Output,
    snapshots: list[tuple[str, Snapshot]],
    *,
    deleted: bool,
    several: bool,
) -> None:
    records: list[JsonRecord] = [
        snapshot_record(cluster_id, snapshot) | {"deleted": deleted}
        for cluster_id, snapshot in snapshots
    ]
    show_snapshots(output, records, several=several, empty="nothing to delete")
    if records:
        done = "deleted" if deleted else "would be deleted"
        output.note(f"{len(records)} {done}")
