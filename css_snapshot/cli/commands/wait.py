"""The command that waits for a snapshot, and how waiting is shown."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import attrs
import typer
from rich.status import Status

from css_snapshot.api.rules import check_id
from css_snapshot.cli.arguments import ClusterId, SnapshotId
from css_snapshot.cli.output.output import Output, plain
from css_snapshot.cli.output.records import snapshot_record
from css_snapshot.cli.session import Session, command
from css_snapshot.models import Snapshot


@attrs.frozen(kw_only=True)
class Patience:
    """How long to wait, and how often to look.

    Attributes:
        seconds: How long at most.
        poll: Pause between looks, in seconds.
    """

    seconds: Annotated[
        float,
        typer.Option("--for", metavar="SECONDS", help="How long to wait at most."),
    ] = 600.0
    poll: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="Pause between looks; it grows by and by."
        ),
    ] = 5.0


@command
async def wait(
    session: Session,
    cluster_id: ClusterId,
    snapshot_id: SnapshotId,
    *,
    patience: Patience,
) -> None:
    """Wait until a snapshot is completed.

    Examples:
      css-snapshot wait ea244205-... 9dc4f5c9-33c0-45c7-9378-ae35ae350682
      css-snapshot wait ea244205-... 9dc4f5c9-... --for 3600 --json

    JSON: a line of kind progress for each change of status, on the error
    output; at the end the snapshot, as 'list' shows it. Exit codes: 0
    completed; 1 failed, partial or gone; 3 not finished yet.
    """
    check_id("cluster_id", cluster_id)
    check_id("snapshot_id", snapshot_id)
    async with session.service() as service:
        with progress(session.output, f"{snapshot_id}: looking") as on_progress:
            snapshot = await service.wait(
                cluster_id,
                snapshot_id,
                timeout=patience.seconds,
                poll=patience.poll,
                on_progress=on_progress,
            )
    took = "" if snapshot.duration is None else f" in {snapshot.duration:.0f} s"
    session.output.done(
        f"{snapshot.status} {snapshot.name} ({snapshot.id}){took}",
        snapshot_record(cluster_id, snapshot),
    )


@contextmanager
def progress(output: Output, text: str) -> Iterator[Callable[[Snapshot], None]]:
    """Show how a snapshot comes on: as a moving line, or a line for each change.

    Args:
        output: Where to.
        text: What is shown before anything is known.
    """
    if not output.is_live:
        yield _Changes(output).tell
        return
    with output.progress.status(plain(text)) as status:
        yield _Moving(status).tell


@attrs.define
class _Changes:
    """Tells each change of state once."""

    output: Output
    told: str = ""

    def tell(self, snapshot: Snapshot) -> None:
        state = _state(snapshot)
        if state == self.told:
            return
        self.told = state
        if self.output.json:
            self.output.progress_record(
                {
                    "kind": "progress",
                    "snapshot_id": snapshot.id,
                    "status": str(snapshot.status),
                    "restore_status": str(snapshot.restore_status or "none"),
                }
            )
        else:
            self.output.note(state)


@attrs.frozen
class _Moving:
    """Keeps one line of a terminal up to date."""

    status: Status

    def tell(self, snapshot: Snapshot) -> None:
        self.status.update(plain(_state(snapshot)))


def _state(snapshot: Snapshot) -> str:
    restoring = snapshot.restore_status
    shown = "" if restoring in {None, "none"} else f", restore {restoring}"
    return f"{snapshot.name}: {snapshot.status}{shown}"
