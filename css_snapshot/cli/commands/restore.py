"""The command that restores a snapshot."""

from typing import Annotated

import attrs
import typer

from css_snapshot.api.requests import RestoreSnapshotRequest
from css_snapshot.api.rules import check_id
from css_snapshot.cli.changes import changing
from css_snapshot.cli.command import Session, command
from css_snapshot.cli.confirmation import check_can_ask, confirm
from css_snapshot.cli.fleet.lookup import ClusterLookup, snapshot_id
from css_snapshot.cli.options import (
    ClusterArgument,
    IndicesOption,
    PollOption,
    SnapshotArgument,
    WaitForOption,
    YesOption,
)
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.records import done_record, snapshot_record
from css_snapshot.cli.output.waiting import progress
from css_snapshot.service import SnapshotService
from css_snapshot.workflows.defaults import POLL_SECONDS, TIMEOUT_SECONDS


@command
async def restore(
    session: Session,
    cluster: ClusterArgument,
    snapshot: SnapshotArgument,
    *,
    target: Annotated[
        str,
        typer.Option("--to", metavar="CLUSTER", help="Cluster to restore into."),
    ],
    indices: IndicesOption = None,
    rename_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX", help="What to rename in index names.", show_default=False
        ),
    ] = None,
    rename_replacement: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="What to rename it to, such as restored_$1.",
            show_default=False,
        ),
    ] = None,
    replace_existing: Annotated[
        bool,
        typer.Option("--replace-existing", help="Overwrite indices that exist there."),
    ] = False,
    yes: YesOption = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until it is restored.")
    ] = False,
    seconds: WaitForOption = TIMEOUT_SECONDS,
    poll: PollOption = POLL_SECONDS,
) -> None:
    """Restore a snapshot, into its own cluster or another one.

    'latest' is the newest usable snapshot. With --replace-existing it asks
    first; where nobody can be asked, --yes is needed.

    Examples:
      css-snapshot restore prod-search latest --to test --indices orders --wait
      css-snapshot restore ea24... 9dc4... --to 37cb... --rename-pattern '(.+)'
        --rename-replacement 'old_$1'

    JSON: kind (restoring), cluster_id, snapshot_id, target_cluster_id; with
    --wait then the snapshot, as 'list' shows it. Exit code 3: it may be under way.
    """
    request = RestoreSnapshotRequest(
        target_cluster_id=target,
        indices=indices,
        rename_pattern=rename_pattern,
        rename_replacement=rename_replacement,
        replace_existing=replace_existing,
    )
    check_id("cluster_id", cluster)
    check_id("snapshot_id", snapshot)
    asks = replace_existing and not yes
    if asks:
        check_can_ask(session.output)
    async with session.service() as service:
        lookup = ClusterLookup(service)
        cluster_id = await lookup.id_of(cluster)
        target_id = await lookup.id_of(target)
        found = await snapshot_id(service, cluster_id, snapshot, usable=True)
        if asks:
            confirm(
                session.output,
                f"Restore {found} and overwrite indices of cluster {target_id}?",
            )
        request = attrs.evolve(request, target_cluster_id=target_id)
        await _begin(session.output, service, cluster_id, found, request)
        if wait:
            await _wait(
                session.output, service, cluster_id, found, seconds=seconds, poll=poll
            )


async def _begin(
    output: Output,
    service: SnapshotService,
    cluster_id: str,
    snapshot: str,
    request: RestoreSnapshotRequest,
) -> None:
    target_id = request.target_cluster_id
    with changing(
        output, f"it may be under way: css-snapshot show {cluster_id} {snapshot}"
    ):
        await service.restore(
            cluster_id,
            snapshot,
            target_cluster_id=target_id,
            indices=request.indices,
            rename_pattern=request.rename_pattern,
            rename_replacement=request.rename_replacement,
            replace_existing=request.replace_existing,
        )
    output.done(
        f"restoring {snapshot} into {target_id}",
        done_record("restoring", cluster_id, snapshot)
        | {"target_cluster_id": target_id},
    )


async def _wait(
    output: Output,
    service: SnapshotService,
    cluster_id: str,
    snapshot: str,
    *,
    seconds: float,
    poll: float,
) -> None:
    with progress(output, f"{snapshot}: restoring") as told:
        restored = await service.wait_restored(
            cluster_id, snapshot, timeout=seconds, poll=poll, on_progress=told
        )
    output.done(
        f"restored {restored.name} ({restored.id})",
        snapshot_record(cluster_id, restored),
    )
