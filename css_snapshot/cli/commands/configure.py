"""The command that says where the snapshots of clusters are stored."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final

import typer

from css_snapshot.api.requests import SnapshotSettings
from css_snapshot.cli.changes import changing
from css_snapshot.cli.command import Session, command
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.each import for_each
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.options import DryRunOption
from css_snapshot.cli.output.records import JsonRecord, settings_record
from css_snapshot.cli.output.table import Column
from css_snapshot.errors import RequestValidationError
from css_snapshot.service import SnapshotService

_PLACEHOLDER: Final = "{cluster_id}"
_COLUMNS: Final = (
    Column("CLUSTER", "cluster_id", narrow="keep"),
    Column("BUCKET", "bucket", narrow="fold"),
    Column("BASE PATH", "base_path", narrow="fold"),
    Column("NOW", "now", narrow="fold"),
    Column("AGENCY", "agency"),
)


@command
async def configure(
    session: Session,
    selection: Selection,
    *,
    bucket: Annotated[
        str,
        typer.Option(help="OBS bucket of the clusters' region, of the standard class."),
    ],
    agency: Annotated[
        str, typer.Option(help="Agency that lets the service write there.")
    ],
    base_path: Annotated[
        str | None,
        typer.Option(
            help="Folder in the bucket; {cluster_id} is filled in. Clusters can't"
            " share one.",
            show_default=False,
        ),
    ] = None,
    max_snapshot_rate: Annotated[
        str | None,
        typer.Option(
            metavar="RATE",
            help="Limit of writing per second and node, such as 40mb.",
            show_default=False,
        ),
    ] = None,
    max_restore_rate: Annotated[
        str | None,
        typer.Option(
            metavar="RATE", help="Limit of restoring, likewise.", show_default=False
        ),
    ] = None,
    dry_run: DryRunOption = False,
) -> ExitCode:
    """Switch the snapshots of clusters on, and say where they are stored.

    Examples:
      css-snapshot configure prod-search --bucket backups --agency css_obs
      css-snapshot configure --all-clusters --bucket backups --agency css_obs
        --base-path 'css/{cluster_id}' --dry-run

    JSON: kind (settings), cluster_id, and the attributes of SnapshotSettings:
    bucket, base_path, agency, max_snapshot_rate, max_restore_rate; with --dry-run
    also now (the bucket, base_path and agency of today). Exit code 3: it may have
    been configured.
    """

    def wanted(cluster_id: str) -> SnapshotSettings:
        return SnapshotSettings(
            bucket=bucket,
            agency=agency,
            base_path=base_path and base_path.replace(_PLACEHOLDER, cluster_id),
            max_snapshot_rate=max_snapshot_rate,
            max_restore_rate=max_restore_rate,
        )

    # What is wrong with a value is wrong for every cluster.
    wanted("every")
    selection.check()
    async with session.service() as service:
        cluster_ids = await selection.ids(service)
        _check_folders(cluster_ids, base_path)
        if dry_run:
            return await _compare(session, service, cluster_ids, wanted)
        walked = await for_each(
            session.output,
            service,
            cluster_ids,
            lambda cluster_id: _send(session, service, cluster_id, wanted(cluster_id)),
        )
    return walked.code


def _check_folders(cluster_ids: Sequence[str], base_path: str | None) -> None:
    shared = base_path is not None and _PLACEHOLDER not in base_path
    if shared and len(cluster_ids) > 1:
        raise RequestValidationError(
            "base_path", f"must contain {_PLACEHOLDER}: clusters can't share a folder"
        )


async def _send(
    session: Session,
    service: SnapshotService,
    cluster_id: str,
    settings: SnapshotSettings,
) -> None:
    hint = f"it may be configured: css-snapshot policy get {cluster_id}"
    with changing(session.output, hint):
        await service.configure(
            cluster_id,
            bucket=settings.bucket,
            agency=settings.agency,
            base_path=settings.base_path,
            max_snapshot_rate=settings.max_snapshot_rate,
            max_restore_rate=settings.max_restore_rate,
        )
    session.output.done(
        f"{cluster_id} stores its snapshots in {settings.bucket} now",
        settings_record(cluster_id, settings),
    )


async def _compare(
    session: Session,
    service: SnapshotService,
    cluster_ids: Sequence[str],
    wanted: Callable[[str], SnapshotSettings],
) -> ExitCode:
    async def read(cluster_id: str) -> JsonRecord:
        policy = await service.get_policy(cluster_id)
        return settings_record(cluster_id, wanted(cluster_id)) | {
            "now": {
                "bucket": policy.bucket,
                "base_path": policy.base_path,
                "agency": policy.agency,
            }
        }

    walked = await for_each(session.output, service, cluster_ids, read)
    if walked.results:
        session.output.rows(walked.results.values(), _COLUMNS, empty="no clusters")
    return walked.code
