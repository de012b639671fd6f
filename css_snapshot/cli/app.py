"""The command `css-snapshot` with all its sub-commands."""

from collections.abc import Mapping
from typing import Annotated, Final

try:
    import typer
except ImportError as exc:
    raise ImportError(
        "the command line needs more libraries: pip install 'css-snapshot[cli]'"
    ) from exc

from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.group import CommandEntry, CommandGroup

_FIRST_STEPS: Final = "First steps"
_SNAPSHOTS: Final = "Snapshots"
_SETTINGS: Final = "Settings of clusters"
_FLEET: Final = "Fleets"


class RootGroup(CommandGroup):
    """All commands there are, in the order of the help."""

    entries: Mapping[str, CommandEntry] = {
        "demo": CommandEntry(_FIRST_STEPS, "demo", "demo"),
        "doctor": CommandEntry(_FIRST_STEPS, "doctor", "doctor"),
        "emulator": CommandEntry(_FIRST_STEPS, "emulator", "emulator"),
        "create": CommandEntry(_SNAPSHOTS, "create", "create"),
        "ensure": CommandEntry(_SNAPSHOTS, "create", "ensure"),
        "list": CommandEntry(_SNAPSHOTS, "snapshots", "list_"),
        "show": CommandEntry(_SNAPSHOTS, "snapshots", "show"),
        "wait": CommandEntry(_SNAPSHOTS, "wait", "wait"),
        "delete": CommandEntry(_SNAPSHOTS, "delete", "delete"),
        "restore": CommandEntry(_SNAPSHOTS, "restore", "restore"),
        "drill": CommandEntry(_SNAPSHOTS, "drill", "drill"),
        "prune": CommandEntry(_SNAPSHOTS, "prune", "prune"),
        "policy": CommandEntry(_SETTINGS, "policy", "policies"),
        "configure": CommandEntry(_SETTINGS, "configure", "configure"),
        "check": CommandEntry(_FLEET, "check", "check"),
        "clusters": CommandEntry(_FLEET, "clusters", "clusters"),
        "fan-out": CommandEntry(_FLEET, "fan_out", "fan_out"),
        "resume": CommandEntry(_FLEET, "fan_out", "resume"),
        "status": CommandEntry(_FLEET, "status", "status"),
    }


app = typer.Typer(
    name="css-snapshot",
    cls=RootGroup,
    rich_markup_mode="rich",
    # Typer's own tracebacks would show local variables, and so secrets.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from css_snapshot.version import __version__  # noqa: PLC0415  # for this alone

        typer.echo(f"css-snapshot {__version__}")
        raise typer.Exit(ExitCode.DONE)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version.",
            callback=_show_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Snapshots of Huawei Cloud CSS clusters: one, or a whole fleet.

    Credentials come from the environment, never from options; else from the
    profile file (~/.huaweicloud/credentials), else from the ECS instance:
      HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK       the key pair
      HUAWEICLOUD_SDK_SECURITY_TOKEN                  with temporary keys
      HUAWEICLOUD_SDK_TOKEN                           a token, instead of keys
      HUAWEICLOUD_SDK_PROJECT_ID                      the project
      HUAWEICLOUD_SDK_REGION or CSS_ENDPOINT          where the service is

    Examples:
      css-snapshot demo                       no account needed: see it work
      css-snapshot doctor                     is everything set up?
      css-snapshot ensure CLUSTER nightly     one snapshot, exactly once

    Exit codes: 0 done; 1 something failed, was spoiled, busy or not ready;
    2 wrong usage or input; 3 unknown or late, even after looking; 75 the journal
    is in use; 130 interrupted; 141 nobody read the output.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), nl=False)
        raise typer.Exit(ExitCode.USAGE)
