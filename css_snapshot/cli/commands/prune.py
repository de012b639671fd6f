"""The command that deletes snapshots no longer wanted."""

import re
from typing import Annotated, Final

import attrs
import typer

from css_snapshot.api.rules import check_id
from css_snapshot.cli.arguments import ClusterId, Yes
from css_snapshot.cli.commands.snapshots import SNAPSHOT_COLUMNS
from css_snapshot.cli.confirmation import check_can_ask, confirm
from css_snapshot.cli.output.records import snapshot_record
from css_snapshot.cli.session import Session, command
from css_snapshot.errors import PruneError
from css_snapshot.models import Snapshot
from css_snapshot.service import SnapshotService
from css_snapshot.workflows.retention import RetentionPlan

_AGE: Final = re.compile(r"(\d+)([smhdw]?)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def age(text: str) -> float:
    """Read an age such as `30d` or `12h`, and answer it in seconds.

    Raises:
        typer.BadParameter: It is not one.
    """
    match = _AGE.fullmatch(text)
    if match is None:
        raise typer.BadParameter("must be a number with s, m, h, d or w, such as 30d")
    return float(match[1]) * _SECONDS[match[2]]


@attrs.frozen(kw_only=True)
class Unwanted:
    """Which snapshots may go.

    Attributes:
        keep: How many usable ones to keep, newest first.
        prefix: Only names that begin so.
        older_than: Only those older than so many seconds.
    """

    keep: Annotated[
        int, typer.Option(min=0, help="How many usable ones to keep, newest first.")
    ]
    prefix: Annotated[
        str | None,
        typer.Option(help="Only names that begin so.", show_default=False),
    ] = None
    older_than: Annotated[
        float | None,
        typer.Option(
            metavar="AGE",
            parser=age,
            help="Only those older than this, such as 30d.",
            show_default=False,
        ),
    ] = None

    async def plan(self, service: SnapshotService, cluster_id: str) -> RetentionPlan:
        """Return what would be deleted.

        Args:
            service: Reads the cluster's list.
            cluster_id: The cluster.

        Raises:
            CSSError: As `SnapshotService.prune` raises it.
        """
        return await service.prune(
            cluster_id,
            keep=self.keep,
            prefix=self.prefix,
            older_than=self.older_than,
            dry_run=True,
        )


@command
async def prune(
    session: Session,
    cluster_id: ClusterId,
    *,
    unwanted: Unwanted,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be deleted.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Delete manual snapshots that are no longer wanted, oldest first.

    Automatic snapshots, and those being built or restored, are never touched.
    Shows what would go and asks; where nobody can be asked, it demands --yes or
    --dry-run.

    Examples:
      css-snapshot prune ea244205-... --keep 7 --prefix nightly- --dry-run
      css-snapshot prune ea244205-... --keep 7 --older-than 30d --yes

    JSON: each snapshot, as 'list' shows it, with deleted (true, or false for a
    dry run).
    """
    check_id("cluster_id", cluster_id)
    if not (yes or dry_run):
        check_can_ask(session.output)
    async with session.service() as service:
        plan = await unwanted.plan(service, cluster_id)
        if dry_run or not yes:
            _show(session, cluster_id, plan.delete, deleted=False)
            if dry_run or not plan.delete:
                return
            confirm(session.output, f"Delete these {len(plan.delete)}?")
        try:
            done = await service.prune(cluster_id, plan=plan)
        except PruneError as exc:
            _show(session, cluster_id, exc.deleted, deleted=True)
            raise
    _show(session, cluster_id, done.delete, deleted=True)


def _show(
    session: Session,
    cluster_id: str,
    snapshots: tuple[Snapshot, ...],
    *,
    deleted: bool,
) -> None:
    session.output.rows(
        (
            snapshot_record(cluster_id, snapshot) | {"deleted": deleted}
            for snapshot in snapshots
        ),
        SNAPSHOT_COLUMNS,
        empty="nothing to delete",
    )
    if snapshots:
        done = "deleted" if deleted else "would be deleted"
        session.output.note(f"{len(snapshots)} {done}")
