"""How wrong usage is told: in one line that names the option and its rule."""

import json
import sys
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import typer
from typer.core import TyperGroup

from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.output.output import Output, plain


@runtime_checkable
class Misuse(Protocol):
    """An error of the command line's parser, whichever release it is of."""

    exit_code: int

    def format_message(self) -> str:
        """Answer what is wrong."""
        ...


class OneLineGroup(TyperGroup):
    """A group of commands whose usage errors are one line."""

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
            if not isinstance(exc, Misuse):
                raise
            _tell(exc, as_json="--json" in (sys.argv if args is None else args))
            code = ExitCode.USAGE
        if not standalone_mode:
            return code
        sys.exit(code if isinstance(code, int) else ExitCode.DONE)


def _tell(misuse: Misuse, *, as_json: bool) -> None:
    message = plain(misuse.format_message())
    context = getattr(misuse, "ctx", None)
    path = getattr(context, "command_path", "css-snapshot")
    if as_json:
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
