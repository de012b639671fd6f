"""The demonstration: a fleet, faults, a crash, a resume, a wait, an honest count."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import attrs
import typer

from css_snapshot.auth import AkSkAuth, Credentials
from css_snapshot.cli.command import command
from css_snapshot.cli.commands.demo_world import (
    HURRIED,
    LIMIT,
    SETTLE,
    TIMEOUT,
    DemoWorld,
    faults_in_words,
    fleet,
)
from css_snapshot.cli.connection import Location, Sending, open_service
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.output.bar import progress_bar
from css_snapshot.cli.output.outcome_records import outcome_record
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.records import JsonRecord
from css_snapshot.cli.output.table import Column
from css_snapshot.cli.output.text import line
from css_snapshot.emulator import EmulatorServer
from css_snapshot.fanout import State

_NAME: Final = "demo-nightly"
_COLUMNS: Final = (
    Column("CLUSTER", "name", narrow="keep"),
    Column("BEFORE THE CRASH", "before"),
    Column("AFTER IT", "after"),
    Column("POSTS", "posts"),
    Column("SNAPSHOT", "snapshot"),
    Column("STATUS", "status"),
)


@command
async def demo(
    output: Output,
    *,
    clusters: Annotated[
        int, typer.Option(min=2, max=1000, help="How many clusters the fleet has.")
    ] = 20,
) -> ExitCode:
    """See it work: a fleet, faults, a crash, a resume. No account is needed.

    Starts an emulated service on this machine, snapshots its clusters in a
    process of its own, kills that process on the way, resumes from the journal,
    waits until each snapshot is completed, and counts what the service has then.

    Examples:
      css-snapshot demo

    JSON: a line of kind cluster for each, with cluster_id, name, before, after,
    posts, snapshot, status; at the end one of kind demo with completed,
    duplicated. Exit code 0 only if each cluster has exactly one that is
    completed.
    """
    with tempfile.TemporaryDirectory(prefix="css-snapshot-demo-") as folder:
        async with EmulatorServer(fleet(clusters, _NAME)) as server:
            world = DemoWorld(server=server, folder=Path(folder), name=_NAME)
            return await _Demonstration(output=output, world=world).play()


@attrs.define(kw_only=True)
class _Demonstration:
    output: Output
    world: DemoWorld
    before: Mapping[str, State] = attrs.field(factory=dict)
    after: dict[object, JsonRecord] = attrs.field(factory=dict)

    @property
    def size(self) -> int:
        return len(self.world.server.state.clusters)

    async def play(self) -> ExitCode:
        """Show one scene after the other, and return how it ended."""
        self._say(
            f"A fleet of {self.size} emulated clusters, at"
            f" {self.world.server.endpoint}, with faults:"
            f" {faults_in_words(self.size)}; one has a failed snapshot of that name."
        )
        await self._crash()
        await self._resume()
        return self._count()

    async def _crash(self) -> None:
        crash = await self.world.crash(after=max(1, self.size * 2 // 5))
        self.before = crash.states
        how = "killed" if crash.killed else "ended before it could be killed,"
        self._say(
            f"css-snapshot fan-out --wait, in a process of its own: {how} after"
            f" {crash.accepted} were accepted; the service has"
            f" {self.world.server.state.creations} snapshots by then."
        )

    async def _resume(self) -> None:
        self._say(
            "Resumed from its journal: what was accepted is watched, what may have been"
            " sent is looked for."
        )
        state = self.world.server.state
        async with (
            open_service(
                Location(
                    endpoint=self.world.server.endpoint, project_id=state.project_id
                ),
                Sending(timeout=TIMEOUT),
                self.output,
                auth=AkSkAuth(Credentials(state.access_key, state.secret_key)),
                clock=HURRIED,
            ) as service,
            service.fan_out(
                self.world.targets(),
                journal=self.world.journal,
                until="completed",
                on_spoiled="number",
                limit=LIMIT,
                settle=SETTLE,
            ) as run,
            progress_bar(self.output, self.size, lambda: run.progress),
        ):
            async for outcome in run:
                record = outcome_record(outcome)
                self.after[record["cluster_id"]] = record

    def _count(self) -> ExitCode:
        """Count what the emulated service has, not what anybody said."""
        held = [
            [snapshot.status for snapshot in cluster.snapshots]
            for cluster in self.world.server.state.clusters
        ]
        completed = sum("COMPLETED" in statuses for statuses in held)
        duplicated = sum(
            len(statuses) - statuses.count("FAILED") > 1 for statuses in held
        )
        self.output.rows(self._rows(), _COLUMNS, empty="")
        self.output.done(
            f"{completed} completed, {duplicated} duplicated",
            {"kind": "demo", "completed": completed, "duplicated": duplicated},
        )
        if completed == self.size and not duplicated:
            return ExitCode.DONE
        return ExitCode.FAILED

    def _rows(self) -> list[JsonRecord]:
        state = self.world.server.state
        posted = [
            request.path for request in state.requests if request.method == "POST"
        ]
        return [
            {
                "kind": "cluster",
                "cluster_id": cluster.id,
                "name": cluster.name,
                "before": self.before.get(cluster.id),
                "after": _outcome(self.after.get(cluster.id)),
                "posts": sum(cluster.id in path for path in posted),
                "snapshot": ",".join(one.name for one in cluster.snapshots),
                "status": ",".join(one.status for one in cluster.snapshots),
            }
            for cluster in state.clusters
        ]

    def _say(self, text: str) -> None:
        if self.output.form == "table":
            self.output.console.print(line(text), soft_wrap=True)


def _outcome(record: Mapping[str, object] | None) -> object:
    return None if record is None else record["outcome"]
