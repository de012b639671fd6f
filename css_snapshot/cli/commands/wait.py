"""The command that waits until snapshots are completed."""

from typing import Final

from css_snapshot.api.rules import check_id
from css_snapshot.cli.command import Session, command
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.each import for_each
from css_snapshot.cli.fleet.lookup import snapshot_id
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.options import SnapshotArgument
from css_snapshot.cli.output.waiting import Patience, completion
from css_snapshot.models import Backup

_WATCHED_AT_ONCE: Final = 1000


@command
async def wait(
    session: Session,
    selection: Selection,
    snapshot: SnapshotArgument,
    *,
    patience: Patience,
) -> ExitCode:
    """Wait until a snapshot is completed, of one cluster or of many.

    Examples:
      css-snapshot wait ea244205-... 9dc4f5c9-33c0-45c7-9378-ae35ae350682
      css-snapshot wait prod-search latest --timeout 4h --json
      css-snapshot wait --all-clusters nightly-20261124

    JSON: a line of kind progress for each change of status, on the error
    output; at the end the snapshot, as 'list' shows it. Exit codes: 0
    completed; 1 failed, partial or gone; 3 not finished yet.
    """
    selection.check()
    check_id("snapshot_id", snapshot)
    async with session.service() as service:
        cluster_ids = await selection.ids(service)
        alone = len(cluster_ids) == 1

        async def watch(cluster_id: str) -> None:
            found = await snapshot_id(service, cluster_id, snapshot)
            await completion(
                session.output,
                service,
                cluster_id,
                Backup(found, snapshot),
                patience=patience,
                alone=alone,
            )

        walked = await for_each(
            session.output, service, cluster_ids, watch, limit=_WATCHED_AT_ONCE
        )
    return walked.code
