"""The command that runs an emulated service."""

import asyncio
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from css_snapshot.cli.command import command
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.interrupts import on_interrupt
from css_snapshot.cli.output.output import Output
from css_snapshot.emulator import (
    EmulatorServer,
    EmulatorState,
    Fault,
    SetupError,
    load_setup,
)
from css_snapshot.errors import ConfigurationError

_MOST_SHOWN: Final = 20


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
    setup: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="JSON or TOML file with options, clusters, snapshots, outcomes and"
            " faults; what it says goes before the options below.",
        ),
    ] = None,
    clusters: Annotated[
        int, typer.Option(min=0, max=100_000, help="How many clusters there are.")
    ] = 3,
    build_seconds: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=0, help="How long it takes to build a snapshot."
        ),
    ] = 2.0,
    list_lag: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="How long a new snapshot is missing from the list.",
        ),
    ] = 0.0,
    faults: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            min=0,
            max=1,
            help="Share of creations that go wrong: half of them by a 500, half by an"
            " answer that is lost after the work was done.",
        ),
    ] = 0.0,
    seed: Annotated[
        int, typer.Option(help="Seed of the faults; equal seeds, equal runs.")
    ] = 0,
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
    state = _state(
        setup,
        clusters=clusters,
        build_seconds=build_seconds,
        list_lag=list_lag,
        seed=seed,
    )
    if faults:
        for fault in (Fault.status(500), Fault.drop_after_commit()):
            state.faults.add(
                fault, operation="create", times=None, probability=faults / 2
            )
    stopped = asyncio.Event()
    server = EmulatorServer(state, host=host, port=port, hosts=allow_host or ())
    with _naming_the_port(port):
        async with server:
            with on_interrupt(stopped.set):
                _introduce(output, server)
                await stopped.wait()
    output.note("stopped")
    return ExitCode.DONE


@contextmanager
def _naming_the_port(port: int) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise
        raise ConfigurationError(
            f"--port: {port} is in use; 0 takes a free one"
        ) from None


def _state(setup: Path | None, **options: object) -> EmulatorState:
    try:
        return load_setup(setup, **options)
    except SetupError as exc:
        raise ConfigurationError(str(exc)) from None


def _introduce(output: Output, server: EmulatorServer) -> None:
    description = server.description()
    if output.form != "table":
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
    output.note(
        "serving; paste the last lines above into another terminal; Ctrl-C stops it"
    )
