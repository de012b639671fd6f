"""The command that restores a snapshot."""

from typing import Annotated

import attrs
import typer

from css_snapshot.cli.arguments import ClusterId, Indices, SnapshotId
from css_snapshot.cli.commands.wait import Patience, progress
from css_snapshot.cli.output.records import done_record, snapshot_record
from css_snapshot.cli.session import Session, command
from css_snapshot.service import SnapshotService


@attrs.frozen(kw_only=True)
class Restoration:
    """What is restored of a snapshot, where to, and under which names.

    Attributes:
        target: The cluster to restore into.
        indices: Names or patterns joined by commas; `None` for all.
        rename_pattern: What to rename in index names.
        rename_replacement: What to rename it to.
        replace_existing: Whether to overwrite indices that exist there.
    """

    target: Annotated[
        str,
        typer.Option("--to", metavar="CLUSTER_ID", help="Cluster to restore into."),
    ]
    indices: Indices = None
    rename_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX", help="What to rename in index names.", show_default=False
        ),
    ] = None
    rename_replacement: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="What to, such as restored_$1.", show_default=False
        ),
    ] = None
    replace_existing: Annotated[
        bool,
        typer.Option("--replace-existing", help="Overwrite indices that exist there."),
    ] = False

    async def begin(
        self, service: SnapshotService, cluster_id: str, snapshot_id: str
    ) -> None:
        """Have a snapshot restored so.

        Args:
            service: Is asked for it.
            cluster_id: The cluster that the snapshot was taken of.
            snapshot_id: The snapshot.

        Raises:
            CSSError: As `SnapshotService.restore` raises it.
        """
        await service.restore(
            cluster_id,
            snapshot_id,
            target_cluster_id=self.target,
            indices=self.indices,
            rename_pattern=self.rename_pattern,
            rename_replacement=self.rename_replacement,
            replace_existing=self.replace_existing,
        )


@command
async def restore(
    session: Session,
    cluster_id: ClusterId,
    snapshot_id: SnapshotId,
    *,
    restoration: Restoration,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until it is restored.")
    ] = False,
    patience: Patience,
) -> None:
    """Restore a snapshot, into its own cluster or another one.

    Examples:
      css-snapshot restore ea24... 9dc4... --to ea24... --indices orders --wait
      css-snapshot restore ea24... 9dc4... --to 37cb... --rename-pattern '(.+)'
        --rename-replacement 'old_$1'

    JSON: kind (restoring), cluster_id, snapshot_id, target_cluster_id; with
    --wait then the snapshot, as 'list' shows it.
    """
    target = restoration.target
    async with session.service() as service:
        await restoration.begin(service, cluster_id, snapshot_id)
        session.output.done(
            f"restoring {snapshot_id} into {target}",
            done_record("restoring", cluster_id, snapshot_id)
            | {"target_cluster_id": target},
        )
        if wait:
            await _wait(session, service, cluster_id, snapshot_id, patience)


async def _wait(
    session: Session,
    service: SnapshotService,
    cluster_id: str,
    snapshot_id: str,
    patience: Patience,
) -> None:
    with progress(session.output, f"{snapshot_id}: restoring") as on_progress:
        snapshot = await service.wait_restored(
            cluster_id,
            snapshot_id,
            timeout=patience.seconds,
            poll=patience.poll,
            on_progress=on_progress,
        )
    session.output.done(
        f"restored {snapshot.name} ({snapshot.id})",
        snapshot_record(cluster_id, snapshot),
    )
