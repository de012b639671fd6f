"""What is said of a change whose answer was lost."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.output.output import Output
from css_snapshot.errors import CSSError
from css_snapshot.workflows.verdict import verdict_on


@contextmanager
def changing(output: Output, hint: str) -> Iterator[None]:
    """End the command as indeterminate where a change in this block may be done.

    Args:
        output: Where the error is written to.
        hint: What people can do to find out.

    Raises:
        typer.Exit: If an error leaves open whether the change was carried out.
    """
    try:
        yield
    except CSSError as exc:
        if verdict_on(exc) != "unknown":
            raise
        output.failure(exc, hint)
        raise typer.Exit(ExitCode.INDETERMINATE) from None
