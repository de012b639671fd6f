"""The command that deletes snapshots no longer wanted."""

import re
from contextlib import suppress
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
from css_snapshot.cli.output.records import Json, snapshot_record
from css_snapshot.errors import CSSError, NotFoundError, PruneError
from css_snapshot.models import Snapshot
from css_snapshot.service import SnapshotService

_AGE: Final = re.compile(r"(\d+)([smhdw]?)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def age(text: str) -> float:
    """Return an age such as `30d` or `12h` in seconds.

    Raises:
        typer.BadParameter: If the text is no number with a unit.
    """
    match = _AGE.fullmatch(text)
    if match is None:
        raise typer.BadParameter("must be a number with s, m, h, d or w, such as 30d")
    return float(match[1]) * _SECONDS[match[2]]


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
            parser=age,
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
        doomed = list(dict.fromkeys(key for key, _ in pruning.planned))
        try:
            code = worst({code, await for_each(output, doomed, pruning.carry_out)})
        finally:
            _show(output, pruning.deleted, deleted=True, several=several)
    return code


@attrs.define
class _Pruning:
    """A plan of what to delete, and what of it has been deleted."""

    service: SnapshotService
    keep: int = attrs.field(kw_only=True)
    prefix: str | None = attrs.field(kw_only=True)
    older_than: float | None = attrs.field(kw_only=True)
    planned: list[tuple[str, Snapshot]] = attrs.field(factory=list)
    deleted: list[tuple[str, Snapshot]] = attrs.field(factory=list)

    async def plan(self, cluster_id: str) -> None:
        """Find out what is no longer wanted of a cluster."""
        unwanted = await self._unwanted(cluster_id)
        self.planned += [(cluster_id, snapshot) for snapshot in unwanted]

    async def carry_out(self, cluster_id: str) -> None:
        """Delete what was planned of a cluster, as far as it is still not wanted.

        Raises:
            PruneError: If one could not be deleted.
        """
        for key, snapshot in self.planned:
            if key != cluster_id:
                continue
            try:
                await self._delete(cluster_id, snapshot)
            except CSSError as exc:
                raise self._stopped(cluster_id, snapshot, exc) from exc

    async def _delete(self, cluster_id: str, snapshot: Snapshot) -> None:
        # What has been shown may have become wanted while somebody was asked.
        unwanted = {one.id for one in await self._unwanted(cluster_id)}
        if snapshot.id not in unwanted:
            return
        with suppress(NotFoundError):
            await self.service.delete(cluster_id, snapshot.id)
            self.deleted.append((cluster_id, snapshot))

    def _stopped(
        self, cluster_id: str, snapshot: Snapshot, error: CSSError
    ) -> PruneError:
        deleted = [one for key, one in self.deleted if key == cluster_id]
        return PruneError(
            f"cluster {cluster_id}: {len(deleted)} snapshots were deleted, then"
            f" {snapshot.name} ({snapshot.id}) was not: {error}",
            cluster_id=cluster_id,
            snapshot_id=snapshot.id,
            snapshot=snapshot,
            deleted=deleted,
        )

    async def _unwanted(self, cluster_id: str) -> tuple[Snapshot, ...]:
        return await self.service.prune(
            cluster_id,
            keep=self.keep,
            prefix=self.prefix,
            older_than=self.older_than,
            dry_run=True,
        )


def _show(
    output: Output,
    snapshots: list[tuple[str, Snapshot]],
    *,
    deleted: bool,
    several: bool,
) -> None:
    records: list[Json] = [
        snapshot_record(cluster_id, snapshot) | {"deleted": deleted}
        for cluster_id, snapshot in snapshots
    ]
    show_snapshots(output, records, several=several, empty="nothing to delete")
    if records:
        done = "deleted" if deleted else "would be deleted"
        output.note(f"{len(records)} {done}")
