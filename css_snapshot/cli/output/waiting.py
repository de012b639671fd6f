"""The progress and the end of a snapshot that is waited for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
from rich.status import Status

from css_snapshot.cli.options import PollOption, WaitForOption
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.records import snapshot_record
from css_snapshot.cli.output.text import line
from css_snapshot.models import Backup, RestoreStatus, Snapshot
from css_snapshot.service import SnapshotService
from css_snapshot.workflows.defaults import POLL_SECONDS, TIMEOUT_SECONDS


@attrs.frozen(kw_only=True)
class Patience:
    """How long a snapshot is waited for.

    Attributes:
        seconds: How long at most.
        poll: Initial polling interval in seconds.
    """

    seconds: WaitForOption = TIMEOUT_SECONDS
    poll: PollOption = POLL_SECONDS


async def completion(
    output: Output,
    service: SnapshotService,
    cluster_id: str,
    backup: Backup,
    *,
    patience: Patience,
    alone: bool = True,
) -> None:
    """Wait until a snapshot is completed, and write what came of it.

    Args:
        output: Where to.
        service: Is asked.
        cluster_id: The cluster.
        backup: The snapshot's id, and what it is called meanwhile.
        patience: How long to wait.
        alone: Whether no other snapshot is shown at the same time.

    Raises:
        CSSError: As `SnapshotService.wait` raises it.
    """
    with progress(output, f"{backup.name}: looking", alone=alone) as told:
        done = await service.wait(
            cluster_id,
            backup.id,
            timeout=patience.seconds,
            poll=patience.poll,
            on_progress=told,
        )
    took = "" if done.duration is None else f" in {done.duration:.0f} s"
    output.done(
        f"{done.status} {done.name} ({done.id}){took}",
        snapshot_record(cluster_id, done),
    )


@contextmanager
def progress(
    output: Output, text: str, *, alone: bool = True
) -> Iterator[Callable[[Snapshot], None]]:
    """Show the progress of a snapshot: as a moving line, or a line for each change.

    Args:
        output: Where to.
        text: What is shown before anything is known.
        alone: Whether no other snapshot is shown at the same time.
    """
    if not (output.is_live and alone):
        yield _Changes(output).tell
        return
    with output.progress.status(line(text)) as status:
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
        if self.output.form == "json":
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
        self.status.update(line(_state(snapshot)))


def _state(snapshot: Snapshot) -> str:
    restored = snapshot.restore_status
    if restored in {None, RestoreStatus.NONE}:
        return f"{snapshot.name}: {snapshot.status}"
    of_it = "" if restored == RestoreStatus.RESTORING else "restore "
    return f"{snapshot.name}: {snapshot.status}, {of_it}{restored}"
