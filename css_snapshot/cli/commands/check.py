"""The command that checks whether each cluster has a fresh usable snapshot."""

import contextlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn

import attrs
import typer
from rich.console import Console

from css_snapshot.cli.command import Session, command
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.coverage_reports import (
    coverage_record,
    is_covered,
    nagios_report,
    write_table,
)
from css_snapshot.cli.fleet.covered import Covered, check_coverage
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.output.files import write_atomically
from css_snapshot.cli.output.formats import Format
from css_snapshot.cli.output.nagios import NagiosCode, status_line
from css_snapshot.cli.output.output import Output, file_console, stream_console
from css_snapshot.cli.spans import span
from css_snapshot.errors import ConfigurationError, CSSError
from css_snapshot.retry import RetryPolicy
from css_snapshot.workflows.coverage import CoverageRules
from css_snapshot.workflows.defaults import STUCK_SECONDS

CheckFormat = Literal["table", "json", "nagios", "openmetrics"]

# Imported only where it is needed, as it brings a library.
_METRICS: Final = "css_snapshot.integrations.prometheus"


def _console(output: "CheckOutput") -> Console:
    return stream_console() if output.file is None else file_console()


@attrs.frozen(kw_only=True)
class CheckOutput(Output):
    """Where a check writes to.

    Attributes:
        report: The form of what it found.
        file: The file that takes it, in place of the standard output.
    """

    report: Annotated[
        CheckFormat,
        typer.Option("--format", help="A table, JSON lines, or for monitoring."),
    ] = "table"
    file: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            dir_okay=False,
            help="Write it to this file, all at once.",
            show_default="the standard output",
        ),
    ] = None
    format: Format | None = attrs.field(default=None, init=False)
    console: Console = attrs.field(
        init=False, default=attrs.Factory(_console, takes_self=True), repr=False
    )

    def __attrs_post_init__(self) -> None:
        if self.json and self.report not in {"table", "json"}:
            raise typer.BadParameter("can't go with --json", param_hint="'--format'")

    @property
    def form(self) -> Format:
        """The form of results and errors."""
        return "json" if self.json or self.report == "json" else "table"


@attrs.frozen(kw_only=True)
class CheckSession(Session):
    """One run of a check."""

    output: CheckOutput


@command
async def check(
    session: CheckSession,
    selection: Selection,
    *,
    max_age: Annotated[
        float,
        typer.Option(
            metavar="SPAN",
            parser=span,
            help="How long ago the last good snapshot may have begun, such as 26h.",
        ),
    ],
    days: Annotated[
        int, typer.Option(min=1, max=366, help="How many days the calendar shows.")
    ] = 14,
    prefix: Annotated[
        str | None,
        typer.Option(
            help="Only snapshots whose names start with this count.",
            show_default=False,
        ),
    ] = None,
    stuck_after: Annotated[
        float,
        typer.Option(
            metavar="SPAN",
            parser=span,
            help="How long a snapshot may be building.",
            show_default="6h",
        ),
    ] = STUCK_SECONDS,
) -> NoReturn:
    """Check whether each cluster has a fresh usable snapshot.

    The calendar has a character for each day, in UTC: the best that the day has.
    A cluster that can't be looked at is never shown as covered.

    Examples:
      css-snapshot check --all-clusters --max-age 26h
      css-snapshot check prod-search --max-age 2d --prefix nightly- --days 31
      css-snapshot check --all-clusters --max-age 26h --format openmetrics
        -o /var/lib/prometheus/node-exporter/css.prom
      css-snapshot check --all-clusters --max-age 26h --format nagios

    JSON: a line of kind coverage for each cluster, with cluster_id, cluster_name,
    state (fresh, stale, never, stuck, off, unreadable), why, last_good, age,
    failures_since, current, policy, calendar. Exit codes: 0 each is fresh, 1 at
    least one is not; with --format nagios 0 OK, 1 WARNING (fresh, but the last
    one failed), 2 CRITICAL (not fresh), 3 UNKNOWN (can't be looked at, or wrong
    usage).
    """
    output = session.output
    started = datetime.now(UTC)
    try:
        _check_library(output)
        rules = CoverageRules(max_age=max_age, stuck_after=stuck_after, prefix=prefix)
        found = await _look(session, selection, rules, days)
    except (CSSError, OSError) as exc:
        if output.report != "nagios":
            raise
        typer.echo(status_line(NagiosCode.UNKNOWN, str(exc)))
        raise typer.Exit(NagiosCode.UNKNOWN) from None
    if output.file is None:
        raise typer.Exit(_write(output, found, rules, started))
    buffer = io.StringIO()
    with contextlib.redirect_stdout(buffer):
        code = _write(output, found, rules, started)
    write_atomically(output.file, buffer.getvalue())
    raise typer.Exit(code)


def _check_library(output: CheckOutput) -> None:
    if output.report != "openmetrics":
        return
    try:
        import_module(_METRICS)
    except ImportError as exc:
        raise ConfigurationError(f"--format openmetrics: {exc}") from None


async def _look(
    session: CheckSession, selection: Selection, rules: CoverageRules, days: int
) -> list[Covered]:
    selection.check()
    async with session.service() as service:
        reading = service
        if session.sending.retry == "default":
            # A single lost read must not wake anybody.
            reading = service.with_options(retry=RetryPolicy(lost_reads=True))
        return await check_coverage(
            reading, selection, rules, session.output, days=days
        )


def _write(
    output: CheckOutput,
    found: Sequence[Covered],
    rules: CoverageRules,
    started: datetime,
) -> int:
    if output.report == "nagios":
        text, verdict = nagios_report(found, rules.max_age)
        typer.echo(text)
        return verdict
    if output.report == "openmetrics":
        coverages = [covered.coverage for covered in found]
        metrics = import_module(_METRICS)
        text = metrics.openmetrics(coverages, checked=started, max_age=rules.max_age)
        typer.echo(text, nl=False)
    elif output.form == "json":
        for covered in found:
            output.record(coverage_record(covered))
    else:
        write_table(output, found)
    return ExitCode.DONE if all(map(is_covered, found)) else ExitCode.FAILED
