"""The command that deletes snapshots no longer wanted."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Final

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
from css_snapshot.cli.output.table import Column
from css_snapshot.cli.output.text import plain
from css_snapshot.cli.spans import span
from css_snapshot.errors import ConfigurationError
from css_snapshot.models import Snapshot
from css_snapshot.service import SnapshotService
from css_snapshot.workflows.retention import Retention, RetentionPlan, check_prefix

_PANEL: Final = "Retention"
_FATE_COLUMNS: Final = (
    Column("NAME", "name", narrow="fold"),
    Column("ID", "id", narrow="keep"),
    Column("FATE", "fate", narrow="fold"),
    Column("STATUS", "status"),
    Column("CREATED", "created"),
)


def _newest_of_each(period: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        min=0,
        rich_help_panel=_PANEL,
        help=f"Keep the newest of each of the last so many {period} that have any.",
        show_default=False,
    )
    return option


@attrs.frozen(kw_only=True)
class RetentionOptions:
    """Which snapshots stay, with the names of `Retention`."""

    last: Annotated[
        int,
        typer.Option(
            "--last",
            "--keep",
            min=0,
            rich_help_panel=_PANEL,
            help="Keep so many of the newest. Ad-hoc ones count as well, unless"
            " --prefix leaves them out.",
            show_default=False,
        ),
    ] = 0
    hourly: Annotated[int, _newest_of_each("hours")] = 0
    daily: Annotated[int, _newest_of_each("days")] = 0
    weekly: Annotated[int, _newest_of_each("weeks")] = 0
    monthly: Annotated[int, _newest_of_each("months")] = 0
    yearly: Annotated[int, _newest_of_each("years")] = 0
    within: Annotated[
        float | None,
        typer.Option(
            metavar="SPAN",
            parser=span,
            rich_help_panel=_PANEL,
            help="Keep all that began within this time before the newest, such as 3d.",
            show_default=False,
        ),
    ] = None
    at_least: Annotated[
        int,
        typer.Option(
            min=0,
            rich_help_panel=_PANEL,
            help="Keep so many of the newest, whatever the rules say; with 0 and no"
            " rule, all go.",
        ),
    ] = 1
    timezone: Annotated[
        str,
        typer.Option(
            metavar="ZONE",
            rich_help_panel=_PANEL,
            help="Where hours, days and weeks begin, such as Europe/Berlin.",
        ),
    ] = "UTC"

    def retention(self, *, by_age: bool) -> Retention:
        """Return the rules.

        Args:
            by_age: Whether an age says what may go, so that no rule is needed.

        Raises:
            ConfigurationError: If there is no rule.
            RequestValidationError: If the time zone is unknown.
        """
        counts = {
            rule: getattr(self, rule)
            for rule in ("last", "hourly", "daily", "weekly", "monthly", "yearly")
        }
        has_rule = bool(self.within) or any(counts.values())
        if by_age and not has_rule:
            counts["last"] = max(1, self.at_least)
        elif self.at_least and not has_rule:
            raise ConfigurationError(
                "--keep: give a rule, such as --keep 7 or --daily 7; without one every"
                " snapshot would go, which --at-least 0 confirms"
            )
        return Retention(
            **counts,
            within=None if self.within is None else timedelta(seconds=self.within),
            at_least=self.at_least,
            timezone=self.timezone,
        )


@command
async def prune(
    session: Session,
    selection: Selection,
    *,
    rules: RetentionOptions,
    prefix: Annotated[
        str | None,
        typer.Option(
            help="Only snapshots whose names start with this.", show_default=False
        ),
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(
            metavar="SPAN",
            parser=span,
            help="Only those older than this may go, such as 30d.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> ExitCode:
    """Delete manual snapshots that no rule keeps, oldest first.

    Automatic snapshots, and those being built or restored, are never touched;
    failed ones go once there is a newer usable one. Shows what would go and
    asks; what is deleted is what was shown. Where nobody can be asked, --yes or
    --dry-run is needed.

    Examples:
      css-snapshot prune prod-search --keep 7 --prefix nightly- --dry-run
      css-snapshot prune --all-clusters --daily 7 --weekly 4 --monthly 12
        --timezone Europe/Berlin --prefix nightly- --yes

    JSON: each snapshot that goes, as 'list' shows it, with deleted (true). With
    --dry-run each snapshot, with deleted (false), fate (delete, keep, leave) and
    why (the rules that keep it, or why it is left). Exit code 3: one may have
    been deleted.
    """
    retention = rules.retention(by_age=older_than is not None)
    check_prefix(prefix)
    selection.check()
    output = session.output
    if not (yes or dry_run):
        check_can_ask(output)
    async with session.service() as service:
        pruning = _Pruning(
            service, retention=retention, prefix=prefix, older_than=older_than
        )
        cluster_ids = await selection.ids(service)
        walked = await for_each(output, service, cluster_ids, pruning.plan)
        code, pruning.plans = walked.code, walked.results
        several = len(cluster_ids) > 1
        if dry_run:
            _show_plans(output, pruning.plans, several=several)
            return code
        if not yes or not pruning.planned:
            _show(output, pruning.planned, done=False, several=several)
        if not pruning.planned:
            return code
        if not yes:
            count = len(pruning.planned)
            confirm(output, f"Delete {count} snapshot{'' if count == 1 else 's'}?")
        doomed = [key for key, plan in pruning.plans.items() if plan.delete]
        try:
            ended = await for_each(output, service, doomed, pruning.carry_out)
            code = worst({code, ended.code})
        finally:
            _show(output, pruning.deleted, done=True, several=several)
    return code


@attrs.define
class _Pruning:
    """The plans of what to delete, by cluster, and what has been deleted."""

    service: SnapshotService
    retention: Retention = attrs.field(kw_only=True)
    prefix: str | None = attrs.field(kw_only=True)
    older_than: float | None = attrs.field(kw_only=True)
    plans: dict[str, RetentionPlan] = attrs.field(factory=dict)
    deleted: list[tuple[str, Snapshot]] = attrs.field(factory=list)

    @property
    def planned(self) -> list[tuple[str, Snapshot]]:
        """What would be deleted, with the cluster of each."""
        return [(key, one) for key, plan in self.plans.items() for one in plan.delete]

    async def plan(self, cluster_id: str) -> RetentionPlan:
        """Find out what is no longer wanted of a cluster."""
        return await self.service.prune(
            cluster_id,
            retention=self.retention,
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
    done: bool,
    several: bool,
) -> None:
    records: list[JsonRecord] = [
        snapshot_record(cluster_id, snapshot) | {"deleted": done}
        for cluster_id, snapshot in snapshots
    ]
    show_snapshots(output, records, several=several, empty="nothing to delete")
    if records:
        output.note(f"{len(records)} {'deleted' if done else 'would be deleted'}")


def _show_plans(
    output: Output, plans: dict[str, RetentionPlan], *, several: bool
) -> None:
    for cluster_id, plan in plans.items():
        records = [
            snapshot_record(cluster_id, snapshot)
            | {"deleted": False, "fate": fate, "why": list(why)}
            for snapshot, fate, why in _fates(plan)
        ]
        if output.form != "table":
            show_snapshots(output, records, several=several, empty="")
            continue
        if several:
            # A heading, as two ids in a row are too wide for most terminals.
            name = records[0]["cluster_name"] if records else None
            output.line(f"{name} ({cluster_id}):" if name else f"{cluster_id}:")
        rows = [one | {"fate": _in_words(one)} for one in records]
        output.rows(rows, _FATE_COLUMNS, empty="no snapshots")
        if rows:
            output.note(f"{len(plan.delete)} of {len(rows)} would be deleted")


def _fates(plan: RetentionPlan) -> Iterator[tuple[Snapshot, str, tuple[str, ...]]]:
    """Iterate over all snapshots of a plan with their fates and why, those kept first."""
    for kept in plan.keep:
        yield kept.snapshot, "keep", kept.reasons
    for snapshot, why in plan.untouched:
        yield snapshot, "leave", (why,)
    for snapshot in plan.delete:
        yield snapshot, "delete", ()


def _in_words(record: JsonRecord) -> str:
    why = plain(record["why"]) if record["why"] else ""
    return f"{record['fate']}: {why}" if why else str(record["fate"])
