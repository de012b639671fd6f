"""What a command writes: tables and lines for people, JSON lines for programs."""

import json as jsonlib
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final

import attrs
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from css_snapshot.cli.exit_codes import ExitCode, code_for
from css_snapshot.errors import ConfigurationError, RequestValidationError

Record = Mapping[str, object]

_PANEL: Final = "Output"
_UNWRAPPED: Final = 10_000
_STYLES: Final[Mapping[str, str]] = {
    "COMPLETED": "green",
    "adopted": "green",
    "created": "green",
    "ok": "green",
    "ready": "green",
    "BUILDING": "yellow",
    "busy": "yellow",
    "skipped": "yellow",
    "warning": "yellow",
    "indeterminate": "yellow",
    "FAILED": "red",
    "PART_FAILED": "red",
    "failed": "red",
}
_DETAILS: Final = ("status", "code", "request_id", "field", "rule", "position")


@attrs.frozen
class Column:
    """A column of a table.

    Attributes:
        header: What stands above it.
        key: The key of the records that it shows.
        fold: Whether a narrow terminal breaks its values, so that they can be
            copied, instead of cutting them.
    """

    header: str
    key: str
    fold: bool = False


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = _UNWRAPPED
    return console


@attrs.frozen(kw_only=True)
class Output:
    """Where a command writes to.

    Results go to the standard output; errors and progress to the error output.

    Attributes:
        json: Write one JSON object per line instead of tables and text.
        debug: Show where an error was raised.
        console: The standard output.
        progress: The error output.
    """

    json: Annotated[
        bool,
        typer.Option(
            "--json",
            rich_help_panel=_PANEL,
            help="Write one JSON object per line, for programs.",
        ),
    ] = False
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", rich_help_panel=_PANEL, help="Show where an error was raised."
        ),
    ] = False
    console: Console = attrs.field(
        init=False, factory=lambda: _console(stderr=False), repr=False
    )
    progress: Console = attrs.field(
        init=False, factory=lambda: _console(stderr=True), repr=False
    )

    @property
    def is_live(self) -> bool:
        """Whether someone is watching a terminal, so that progress can move on it."""
        return self.progress.is_terminal and not self.json

    @property
    def writes_lines(self) -> bool:
        """Whether results are for a program: asked for, or no terminal is there."""
        return self.json or not self.console.is_terminal

    def rows(
        self, records: Iterable[Record], columns: Sequence[Column], *, empty: str
    ) -> None:
        """Write records: as a table of some of their keys, or in full as JSON.

        Args:
            records: What to write.
            columns: What the table shows of them.
            empty: What is said in place of an empty table.
        """
        if self.json:
            for record in records:
                self.record(record)
            return
        listed = list(records)
        if listed:
            self.console.print(_table(listed, columns, self.console.is_terminal))
        else:
            self.note(empty)

    def record(self, record: Record) -> None:
        """Write one record as a line of JSON."""
        typer.echo(jsonlib.dumps(record))

    def progress_record(self, record: Record) -> None:
        """Write how something comes on as a line of JSON, beside the results."""
        typer.echo(jsonlib.dumps(record), err=True)

    def done(self, text: str, record: Record) -> None:
        """Write what was done: a sentence, or its record as a line of JSON."""
        if self.json:
            self.record(record)
        else:
            self.console.print(_line(text), soft_wrap=True)

    def note(self, text: str, style: str = "") -> None:
        """Tell people something beside the results; programs are not told."""
        if not self.json:
            self.progress.print(_line(text, style), soft_wrap=True)

    def warning(self, text: str) -> None:
        """Tell people and programs something that they should act on."""
        if self.json:
            self.progress_record({"kind": "warning", "message": text})
        else:
            self.progress.print(_line(text, "yellow"), soft_wrap=True)

    def failure(self, error: BaseException, hint: str = "") -> ExitCode:
        """Write an error as one line, and answer the exit code it stands for.

        Args:
            error: What happened.
            hint: What to do about it.
        """
        code = code_for(error)
        if self.debug:
            typer.echo("".join(traceback.format_exception(error)), err=True, nl=False)
        message = f"{error}; {hint}" if hint else str(error)
        if self.json:
            self._failure_record(error, message, code)
            return code
        if not isinstance(error, RequestValidationError | ConfigurationError):
            message = f"{type(error).__name__}: {message}"
        self.mistake(message)
        return code

    def mistake(self, message: str) -> None:
        """Write what is wrong as one line for people."""
        text = Text("error: ", style="red").append(_line(message, "default"))
        self.progress.print(text, soft_wrap=True)

    def _failure_record(
        self, error: BaseException, message: str, code: ExitCode
    ) -> None:
        record: dict[str, object] = {
            "kind": "error",
            "error": type(error).__name__,
            "message": message,
            "retryable": bool(getattr(error, "retryable", False)),
            "exit_code": int(code),
        }
        for detail in _DETAILS:
            if hasattr(error, detail):
                record[detail] = getattr(error, detail)
        typer.echo(jsonlib.dumps(record), err=True)


def plain(value: object) -> str:
    """Answer a value as text for one cell or line of a terminal.

    What a service answers must not be able to move the cursor or to forge lines.
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ",".join(map(plain, value)) or "-"
    text = " ".join(str(value).split())
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def _line(text: str, style: str = "") -> Text:
    return Text(plain(text), style=style)


def _table(
    records: Sequence[Record], columns: Sequence[Column], on_terminal: bool
) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD if on_terminal else None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="bold",
    )
    for column in columns:
        table.add_column(
            column.header,
            overflow="fold" if column.fold else "ellipsis",
            no_wrap=not column.fold,
        )
    for record in records:
        table.add_row(*(_cell(record.get(column.key)) for column in columns))
    return table


def _cell(value: object) -> Text:
    text = plain(value)
    return Text(text, style=_STYLES.get(text, ""))
