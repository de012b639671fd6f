"""The demonstration: a fleet, faults, a crash, a resume, and an honest count."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import attrs
import typer

from css_snapshot.auth import AkSkAuth, Credentials
from css_snapshot.cli.commands.demo_stage import (
    LIMIT,
    SETTLE,
    TIMEOUT,
    Stage,
    faults_in_words,
    fleet,
)
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.output.bar import progress_bar
from css_snapshot.cli.output.outcome_records import outcome_record
from css_snapshot.cli.output.output import Column, Output
from css_snapshot.cli.output.records import Json
from css_snapshot.cli.session import command
from css_snapshot.cli.settings import service_of
from css_snapshot.emulator import EmulatorServer
from css_snapshot.service import ServiceOptions, SnapshotService

_NAME: Final = "demo-nightly"
_POLL_SECONDS: Final = 0.25
_COLUMNS: Final = (
    Column("CLUSTER", "name"),
    Column("BEFORE THE CRASH", "before"),
    Column("AFTER IT", "after"),
    Column("POSTS", "posts"),
    Column("SNAPSHOTS", "snapshots"),
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
    and counts what the service then holds.

    Examples:
      css-snapshot demo

    JSON: a line of kind cluster for each, with cluster_id, name, before, after,
    posts, snapshots, status; at the end one of kind demo with created,
    duplicated. Exit code 0 only if each cluster has exactly one snapshot.
    """
    with tempfile.TemporaryDirectory(prefix="css-snapshot-demo-") as folder:
        async with EmulatorServer(fleet(clusters)) as server:
            stage = Stage(server=server, folder=Path(folder), name=_NAME)
            return await _Demonstration(output=output, stage=stage).play()


@attrs.define(kw_only=True)
class _Demonstration:
    output: Output
    stage: Stage
    before: dict[object, Json] = attrs.field(factory=dict)
    after: dict[object, Json] = attrs.field(factory=dict)

    @property
    def size(self) -> int:
        return len(self.stage.server.state.clusters)

    async def play(self) -> ExitCode:
        """Show one scene after the other, and answer how it ended."""
        self._say(
            f"A fleet of {self.size} emulated clusters, at"
            f" {self.stage.server.endpoint}, with faults:"
            f" {faults_in_words(self.size)}."
        )
        await self._crash()
        await self._resume()
        return self._count()

    async def _crash(self) -> None:
        crash = await self.stage.crash(after=max(1, self.size * 2 // 5))
        self.before = {one.get("cluster_id"): dict(one) for one in crash.outcomes}
        how = "killed" if crash.killed else "ended before it could be killed,"
        self._say(
            f"css-snapshot fan-out, in a process of its own: {how} after"
            f" {len(self.before)} outcomes; the service has"
            f" {self.stage.server.state.creations} snapshots by then."
        )

    async def _resume(self) -> None:
        self._say(
            "Resumed from its journal: what is done is skipped, what may have been sent"
            " is looked for."
        )
        state = self.stage.server.state
        options = ServiceOptions(
            endpoint=self.stage.server.endpoint,
            project_id=state.project_id,
            auth=AkSkAuth(Credentials(state.access_key, state.secret_key)),
            timeout=TIMEOUT,
        )
        async with service_of(options) as service:
            async with (
                service.fan_out(
                    self.stage.targets(),
                    journal=self.stage.journal,
                    limit=LIMIT,
                    settle=SETTLE,
                ) as run,
                progress_bar(self.output, self.size, lambda: run.progress),
            ):
                async for outcome in run:
                    record = outcome_record(outcome)
                    self.after[record["cluster_id"]] = record
            await self._wait(service)

    async def _wait(self, service: SnapshotService) -> None:
        await asyncio.gather(
            *(
                service.wait(cluster.id, snapshot.id, poll=_POLL_SECONDS)
                for cluster in self.stage.server.state.clusters
                for snapshot in cluster.snapshots
            )
        )

    def _count(self) -> ExitCode:
        """Count what the emulated service holds, not what anybody said."""
        held = [
            sum(snapshot.name == self.stage.name for snapshot in cluster.snapshots)
            for cluster in self.stage.server.state.clusters
        ]
        created = sum(count > 0 for count in held)
        duplicated = sum(count > 1 for count in held)
        self.output.rows(self._rows(), _COLUMNS, empty="")
        self.output.done(
            f"{created} created, {duplicated} duplicated",
            {"kind": "demo", "created": created, "duplicated": duplicated},
        )
        if created == self.size and not duplicated:
            return ExitCode.DONE
        return ExitCode.FAILED

    def _rows(self) -> list[Json]:
        state = self.stage.server.state
        posted = [
            request.path for request in state.requests if request.method == "POST"
        ]
        return [
            {
                "kind": "cluster",
                "cluster_id": cluster.id,
                "name": cluster.name,
                "before": _outcome(self.before.get(cluster.id)),
                "after": _outcome(self.after.get(cluster.id)),
                "posts": sum(cluster.id in path for path in posted),
                "snapshots": len(cluster.snapshots),
                "status": ",".join(one.status for one in cluster.snapshots),
            }
            for cluster in state.clusters
        ]

    def _say(self, text: str) -> None:
        if not self.output.json:
            self.output.console.print(text, soft_wrap=True, markup=False)


def _outcome(record: Mapping[str, object] | None) -> object:
    return None if record is None else record["outcome"]
