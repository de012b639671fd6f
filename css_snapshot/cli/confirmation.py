"""Asking before something is lost."""

import sys

import typer

from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.output.output import Output
from css_snapshot.errors import ConfigurationError


def check_can_ask(output: Output) -> None:
    """Check that somebody is there to be asked.

    Raises:
        ConfigurationError: Nobody is.
    """
    if output.json or not sys.stdin.isatty():
        raise ConfigurationError("--yes: is needed where nobody can be asked")


def confirm(output: Output, question: str) -> None:
    """Ask, and end the command unless the answer is yes.

    Raises:
        ConfigurationError: Nobody is there to be asked.
        typer.Exit: The answer is no.
    """
    check_can_ask(output)
    if not typer.confirm(question, err=True):
        output.note("nothing was done")
        raise typer.Exit(ExitCode.FAILED)
