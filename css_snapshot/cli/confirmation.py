"""Asking before something is lost."""

import sys
from collections.abc import Mapping
from typing import Final

import typer

from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.interrupts import interruptible, wait_for_input
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.text import plain
from css_snapshot.errors import ConfigurationError

_ANSWERS: Final[Mapping[str, bool]] = {
    "y": True,
    "yes": True,
    "n": False,
    "no": False,
    "": False,
}


def check_can_ask(output: Output) -> None:
    """Check that somebody is there to be asked.

    Raises:
        ConfigurationError: If the output is for a program, or the input is no
            terminal.
    """
    if output.form != "table" or not sys.stdin.isatty():
        raise ConfigurationError("--yes: is needed where nobody can be asked")


def confirm(output: Output, question: str) -> None:
    """Ask, and end the command unless the answer is yes.

    Raises:
        ConfigurationError: If nobody is there to be asked.
        typer.Abort: If Ctrl-C is pressed, or the input ends.
        typer.Exit: If the answer is no.
    """
    check_can_ask(output)
    if not _answer(question):
        output.note("nothing was done")
        raise typer.Exit(ExitCode.FAILED)


def _answer(question: str) -> bool:
    try:
        # The event loop would only note that Ctrl-C was pressed.
        with interruptible():
            return _asked(f"{plain(question)} [y/N]: ")
    except (EOFError, KeyboardInterrupt):
        typer.echo(err=True)
        raise typer.Abort from None


def _asked(prompt: str) -> bool:
    while True:
        typer.echo(prompt, nl=False, err=True)
        wait_for_input()
        typed = sys.stdin.readline()
        if not typed:
            raise EOFError
        word = typed.strip().lower()
        if word in _ANSWERS:
            return _ANSWERS[word]
