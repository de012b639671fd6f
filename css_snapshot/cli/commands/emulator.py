"""The command that runs an emulated service."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import attrs
import typer

from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.interrupts import on_interrupt
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.session import command
from css_snapshot.emulator import (
    EmulatorServer,
    EmulatorState,
    Fault,
    SetupError,
    load_setup,
)
from css_snapshot.errors import ConfigurationError

_MOST_SHOWN: Final = 20


@attrs.frozen(kw_only=True)
class Cloud:
    """What the emulated service is like.

    Attributes:
        clusters: How many clusters there are.
        build_seconds: How long a snapshot is built.
        list_lag: How long a new snapshot is missing from the list, in seconds.
        faults: Share of creations that go wrong, from 0 to 1.
        seed: Where chance starts.
        setup: A file that says more.
    """

    clusters: Annotated[
        int, typer.Option(min=0, max=100_000, help="How many clusters there are.")
    ] = 3
    build_seconds: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="How long a snapshot is built."),
    ] = 2.0
    list_lag: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="How long a new snapshot is missing from the list.",
        ),
    ] = 0.0
    faults: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            min=0,
            max=1,
            help="Share of creations that go wrong: half of them by a 500, half by an"
            " answer that is lost after the work was done.",
        ),
    ] = 0.0
    seed: Annotated[
        int, typer.Option(help="Where chance starts; equal seeds, equal runs.")
    ] = 0
    setup: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="JSON or TOML file with options, clusters, snapshots, outcomes and"
            " faults; what it says goes before these options.",
        ),
    ] = None

    def state(self) -> EmulatorState:
        """Return a new state of the service, with its faults.

        Raises:
            ConfigurationError: If the set-up file is wrong.
        """
        options: dict[str, object] = {
            "clusters": self.clusters,
            "build_seconds": self.build_seconds,
            "list_lag": self.list_lag,
            "seed": self.seed,
        }
        try:
            state = load_setup(self.setup, **options)
        except SetupError as exc:
            raise ConfigurationError(str(exc)) from None
        if self.faults:
            for fault in (Fault.status(500), Fault.drop_after_commit()):
                state.faults.add(
                    fault,
                    operation="create",
                    times=None,
                    probability=self.faults / 2,
                )
        return state


@command
async def emulator(
    output: Output,
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; 0 for any that is free.")
    ] = 8080,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; anyone who reaches it may use it."),
    ] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Name to respond under, beside this machine's own; may be repeated.",
        ),
    ] = None,
    cloud: Cloud,
) -> ExitCode:
    """Run an emulated service, to try things out without an account.

    It speaks the vendor's HTTP, checks signatures and tokens, and keeps
    everything in memory. The keys it prints are made up, and good for nothing
    else. Calls under /_emulator/ change it while it runs; they need the header
    X-Emulator-Token with the admin token. Ctrl-C stops it.

    Examples:
      css-snapshot emulator
      css-snapshot emulator --setup fleet.toml
      css-snapshot emulator --port 0 --clusters 20 --faults 0.1 --json

    JSON: one line with endpoint, project_id, access_key, secret_key, token, user,
    password, domain, project, admin_token, clusters.
    """
    stopped = asyncio.Event()
    server = EmulatorServer(cloud.state(), host=host, port=port, hosts=allow_host or ())
    async with server:
        with on_interrupt(stopped.set):
            _introduce(output, server)
            await stopped.wait()
    output.note("stopped")
    return ExitCode.DONE


def _introduce(output: Output, server: EmulatorServer) -> None:
    description = server.description()
    if output.json:
        output.record(dict(description))
        return
    shown = description["clusters"][:_MOST_SHOWN]
    for cluster_id in shown:
        typer.echo(f"# cluster {cluster_id}")
    more = len(description["clusters"]) - len(shown)
    if more:
        typer.echo(f"# and {more} more clusters")
    typer.echo(f"# admin token {description['admin_token']}")
    variables = {
        "CSS_ENDPOINT": description["endpoint"],
        "HUAWEICLOUD_SDK_AK": description["access_key"],
        "HUAWEICLOUD_SDK_SK": description["secret_key"],
        "HUAWEICLOUD_SDK_PROJECT_ID": description["project_id"],
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": description["endpoint"],
    }
    for name, value in variables.items():
        typer.echo(f"export {name}={value}")
    output.note("serving; paste the last lines above into another terminal; Ctrl-C")
