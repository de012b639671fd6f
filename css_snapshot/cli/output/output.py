"""Where a command writes to: results, errors, and how something comes on."""

import json as jsonlib
import sys
import traceback
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Annotated, Final, TextIO

import attrs
import typer
from rich.console import Console
from rich.text import Text

from css_snapshot.cli.exit_codes import ExitCode, code_for
from css_snapshot.cli.output.formats import Format, formatted
from css_snapshot.cli.output.table import Column, Record, tabular, vertical
from css_snapshot.cli.output.text import line, plain, plain_block
from css_snapshot.errors import ConfigurationError, RequestValidationError

_PANEL: Final = "Output"
_UNWRAPPED: Final = 10_000
_DETAILS: Final = ("status", "code", "request_id", "field", "rule", "position")


def is_terminal(stream: TextIO) -> bool:
    """Return whether somebody watches a stream, whatever variables say of colours."""
    return stream.isatty()


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command how it ends; rich would exit with 1."""
        raise BrokenPipeError


def stream_console(*, stderr: bool = False) -> Console:
    """Return a console for the standard output, or the error output."""
    made = _Console(stderr=stderr, highlight=False)
    if not is_terminal(sys.stderr if stderr else sys.stdout):
        made.width = _UNWRAPPED
    return made


def file_console() -> Console:
    """Return a console for a standard output that goes to a file of our own."""
    return _Console(
        force_terminal=False, color_system=None, width=_UNWRAPPED, highlight=False
    )


@attrs.frozen(kw_only=True)
class Output:
    """Where a command writes to.

    Results go to the standard output; errors and progress to the error output.

    Attributes:
        format: The form of results; `None` for a table, or JSON lines where a command
            streams its results and no terminal is there.
        json: Short for the format `"json"`.
        quiet: Write results and errors only.
        verbose: Write a line for each HTTP call.
        debug: Write where an error was raised.
        console: The standard output.
        progress: The error output.
    """

    format: Annotated[
        Format | None,
        typer.Option(
            "--output",
            "-o",
            rich_help_panel=_PANEL,
            help="Form of the results: a table, JSON lines, YAML, or names alone.",
            show_default="table",
        ),
    ] = None
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            rich_help_panel=_PANEL,
            help="Write one JSON object per line, as -o json does.",
        ),
    ] = False
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", rich_help_panel=_PANEL, help="Write results and errors."
        ),
    ] = False
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            rich_help_panel=_PANEL,
            help="Show each HTTP call: method, path, status, request id, time.",
        ),
    ] = False
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", rich_help_panel=_PANEL, help="Show where an error was raised."
        ),
    ] = False
    console: Console = attrs.field(init=False, factory=stream_console, repr=False)
    progress: Console = attrs.field(
        init=False, factory=partial(stream_console, stderr=True), repr=False
    )

    def __attrs_post_init__(self) -> None:
        if self.json and self.format not in {None, "json"}:
            raise typer.BadParameter("can't go with --json", param_hint="'--output'")

    @property
    def form(self) -> Format:
        """The form of results."""
        return "json" if self.json else self.format or "table"

    @property
    def is_live(self) -> bool:
        """Whether progress can move on a terminal that somebody watches."""
        return is_terminal(sys.stderr) and self.form == "table" and not self.quiet

    @property
    def writes_lines(self) -> bool:
        """Whether what comes one by one is for a program: asked for, or no terminal."""
        return self.form != "table" or (
            self.format is None and not is_terminal(sys.stdout)
        )

    def rows(
        self, records: Iterable[Record], columns: Sequence[Column], *, empty: str
    ) -> None:
        """Write records: as a table of some of their keys, or in full for programs.

        Args:
            records: What to write.
            columns: What the table shows of them.
            empty: What is said in place of an empty table.
        """
        if self.form != "table":
            for record in records:
                self.record(record)
            return
        listed = list(records)
        if not listed:
            self.note(empty)
            return
        for part in tabular(listed, columns, self.console):
            self.console.print(part, soft_wrap=isinstance(part, Text))

    def one(self, record: Record, columns: Sequence[Column]) -> None:
        """Write one record: a line for each of some keys, or in full for programs.

        Args:
            record: What to write.
            columns: What people see of it.
        """
        if self.form != "table":
            self.record(record)
            return
        for part in vertical(record, columns):
            self.console.print(part, soft_wrap=True)

    def line(self, text: str, *, indent: int = 0) -> None:
        """Write a line of a result for people.

        Args:
            text: What to write.
            indent: How many blanks to put before it.
        """
        self.console.print(Text(" " * indent).append(line(text)), soft_wrap=True)

    def record(self, record: Record) -> None:
        """Write one record for programs."""
        text = formatted(record, "json" if self.form == "table" else self.form)
        if text:
            typer.echo(text)

    def done(self, text: str, record: Record) -> None:
        """Write what was done: a sentence, or its record for programs.

        Raises:
            BrokenPipeError: If nobody reads the standard output any more; people are
                told on the error output, as it was done all the same.
        """
        try:
            if self.form == "table":
                self.console.print(line(text), soft_wrap=True)
            else:
                self.record(record)
        except BrokenPipeError:
            self.progress.print(line(text), soft_wrap=True)
            raise

    def progress_record(self, record: Record) -> None:
        """Write how something comes on as a line of JSON, beside the results."""
        if not self.quiet:
            typer.echo(jsonlib.dumps(record), err=True)

    def note(self, text: str, style: str = "") -> None:
        """Tell people something beside the results; programs are not told."""
        if self.form == "table" and not self.quiet:
            self.progress.print(line(text, style), soft_wrap=True)

    def call(self, text: str, record: Record) -> None:
        """Tell people and programs of an HTTP call."""
        if self.form == "json":
            typer.echo(jsonlib.dumps(record), err=True)
        else:
            self.progress.print(line(text, "dim"), soft_wrap=True)

    def warning(self, text: str) -> None:
        """Tell people and programs something that they should act on."""
        if self.form == "json":
            typer.echo(jsonlib.dumps({"kind": "warning", "message": text}), err=True)
        else:
            self.progress.print(line(text, "yellow"), soft_wrap=True)

    def failure(
        self, error: BaseException, hint: str = "", *, about: str = ""
    ) -> ExitCode:
        """Write an error as one line, and return the exit code it stands for.

        Args:
            error: What happened.
            hint: What to do about it.
            about: What it happened to, where that may be one of several.
        """
        code = code_for(error)
        if self.debug:
            text = "".join(traceback.format_exception(error))
            typer.echo(plain_block(text), err=True, nl=False)
        message = f"{error}; {hint}" if hint else str(error)
        if self.form == "json":
            self._failure_record(error, message, code, about)
            return code
        if not isinstance(error, RequestValidationError | ConfigurationError):
            message = f"{type(error).__name__}: {message}"
        self.mistake(f"{about}: {message}" if about else message)
        return code

    def mistake(self, message: str) -> None:
        """Write what is wrong as one line for people."""
        text = Text("error: ", style="red").append(line(message, "default"))
        self.progress.print(text, soft_wrap=True)

    def _failure_record(
        self, error: BaseException, message: str, code: ExitCode, about: str
    ) -> None:
        record: dict[str, object] = {
            "kind": "error",
            "error": type(error).__name__,
            "message": plain(message),
            "retryable": bool(getattr(error, "retryable", False)),
            "exit_code": int(code),
        }
        if about:
            record["cluster_id"] = about
        for detail in _DETAILS:
            if hasattr(error, detail):
                record[detail] = getattr(error, detail)
        typer.echo(jsonlib.dumps(record), err=True)
