"""The command `css-snapshot` with all its sub-commands."""

from importlib import metadata
from typing import Annotated

try:
    import typer
except ImportError as exc:
    raise ImportError(
        "the command line needs more libraries: pip install 'css-snapshot[cli]'"
    ) from exc

from css_snapshot.cli.commands import (
    clusters,
    demo,
    doctor,
    emulator,
    fan_out,
    policy,
    prune,
    restore,
    snapshots,
    wait,
)
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.usage import OneLineGroup

_SNAPSHOTS = "Snapshots of a cluster"
_FLEET = "Fleets"
_FIRST_STEPS = "First steps"

app = typer.Typer(
    name="css-snapshot",
    cls=OneLineGroup,
    rich_markup_mode="rich",
    # Typer's own tracebacks would show local variables, and so secrets.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
policies = typer.Typer(
    name="policy",
    cls=OneLineGroup,
    no_args_is_help=True,
    help="Automatic snapshots of a cluster: get, set, disable.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"css-snapshot {metadata.version('css-snapshot')}")
        raise typer.Exit(ExitCode.DONE)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the release.",
            callback=_show_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Snapshots of Huawei Cloud CSS clusters: one, or a whole fleet.

    Credentials come from the environment, never from options:
      HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK       the key pair
      HUAWEICLOUD_SDK_SECURITY_TOKEN                  with temporary keys
      HUAWEICLOUD_SDK_PROJECT_ID                      the project
      HUAWEICLOUD_SDK_REGION or CSS_ENDPOINT          where the service is

    Examples:
      css-snapshot demo                       no account needed: see it work
      css-snapshot doctor                     is everything set up?
      css-snapshot ensure CLUSTER_ID nightly  one snapshot, exactly once

    Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 unknown even after
    looking, 130 interrupted.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), nl=False)
        raise typer.Exit(ExitCode.USAGE)


app.command(rich_help_panel=_FIRST_STEPS)(demo.demo)
app.command(rich_help_panel=_FIRST_STEPS)(doctor.doctor)
app.command(rich_help_panel=_FIRST_STEPS)(emulator.emulator)
app.command(rich_help_panel=_SNAPSHOTS)(snapshots.create)
app.command(rich_help_panel=_SNAPSHOTS)(snapshots.ensure)
app.command("list", rich_help_panel=_SNAPSHOTS)(snapshots.list_)
app.command(rich_help_panel=_SNAPSHOTS)(wait.wait)
app.command(rich_help_panel=_SNAPSHOTS)(snapshots.delete)
app.command(rich_help_panel=_SNAPSHOTS)(restore.restore)
app.command(rich_help_panel=_SNAPSHOTS)(prune.prune)
policies.command()(policy.get)
policies.command("set")(policy.set_)
policies.command()(policy.disable)
app.add_typer(policies, rich_help_panel=_SNAPSHOTS)
app.command(rich_help_panel=_FLEET)(clusters.clusters)
app.command(rich_help_panel=_FLEET)(fan_out.fan_out)
app.command(rich_help_panel=_FLEET)(fan_out.resume)
