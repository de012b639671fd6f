"""The group of all commands: each is imported when it is needed."""

import json
import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any, Final, Protocol, runtime_checkable

import attrs
import typer
from typer.core import TyperGroup

from css_snapshot.cli.exit_codes import ExitCode

_COMMANDS_PACKAGE: Final = "css_snapshot.cli.commands"
_JSON: Final = frozenset(
    {"--json", "-ojson", "-o=json", "--output=json", "--format=json"}
)
_NAGIOS: Final = "--format=nagios"


@attrs.frozen
class CommandEntry:
    """Where a command is found.

    Attributes:
        panel: The part of the help that lists it.
        module: Its module in the package of commands.
        attribute: The command's function there, or a group of commands.
    """

    panel: str
    module: str
    attribute: str


@runtime_checkable
class UsageError(Protocol):
    """An error of the command line's parser, whichever release of it."""

    exit_code: int

    def format_message(self) -> str:
        """Return what is wrong."""
        ...


class _Commands(MutableMapping[str, Any]):  # typer's own Command is not public
    """Commands by name, imported when they are asked for."""

    def __init__(self, entries: Mapping[str, CommandEntry]) -> None:
        self._entries = entries
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._entries[name])
        return self._loaded[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._loaded[name] = value

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class CommandGroup(TyperGroup):
    """A group of commands whose usage errors are one line."""

    entries: Mapping[str, CommandEntry] = {}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if self.entries:
            self.commands = _Commands(self.entries)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # typer's own
        """Return the names of all commands, without importing them."""
        return list(self.commands)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: object,
    ) -> object:
        """Run the command that the arguments name.

        Args:
            args: The arguments; by default those of the process.
            prog_name: What the program is called in its help.
            complete_var: The variable through which a shell asks for completions.
            standalone_mode: Whether to leave by `SystemExit`.
            windows_expand_args: Whether to expand wildcards where no shell does.
            **extra: For the context.

        Returns:
            The exit code, unless `standalone_mode` is on.
        """
        try:
            code = super().main(
                args,
                prog_name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except typer.Abort:
            code = ExitCode.INTERRUPTED
        except Exception as exc:
            if not isinstance(exc, UsageError):
                raise
            code = _tell(exc, sys.argv if args is None else args)
        if not standalone_mode:
            return code
        sys.exit(code if isinstance(code, int) else ExitCode.DONE)


def _load(name: str, entry: CommandEntry) -> Any:
    found = getattr(
        import_module(f"{_COMMANDS_PACKAGE}.{entry.module}"), entry.attribute
    )
    holder = typer.Typer(add_completion=False, rich_markup_mode="rich")
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name, cls=TyperGroup, rich_help_panel=entry.panel)
    else:
        holder.command(name, rich_help_panel=entry.panel)(found)
    loaded = typer.main.get_command(holder)
    return loaded.commands[name] if isinstance(loaded, TyperGroup) else loaded


def _tell(error: UsageError, args: Sequence[str]) -> int:
    # Here, as they bring the libraries that draw tables.
    from css_snapshot.cli.output.nagios import (  # noqa: PLC0415  # see above
        NagiosCode,
        status_line,
    )
    from css_snapshot.cli.output.output import Output  # noqa: PLC0415  # see above
    from css_snapshot.cli.output.text import plain  # noqa: PLC0415  # see above

    given = {*args, *(f"{option}={value}" for option, value in pairwise(args))}
    context = getattr(error, "ctx", None)
    # What typer takes over from pydantic, which it checks choices with.
    message = plain(error.format_message()).replace(": Value error, ", ": ")
    path = getattr(context, "command_path", "css-snapshot")
    if _NAGIOS in given:
        # To Nagios, 2 is critical, and what matters is the standard output.
        typer.echo(status_line(NagiosCode.UNKNOWN, message))
        return NagiosCode.UNKNOWN
    if not _JSON.isdisjoint(given):
        record = {
            "kind": "error",
            "error": "UsageError",
            "message": message,
            "retryable": False,
            "exit_code": int(ExitCode.USAGE),
        }
        typer.echo(json.dumps(record), err=True)
    else:
        Output().mistake(f"{message} (see {path} --help)")
    return ExitCode.USAGE
