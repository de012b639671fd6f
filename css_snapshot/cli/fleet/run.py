"""A run as the command line shows it: outcomes as they come, and an honest end."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path

import attrs

from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.missing import Missing
from css_snapshot.cli.fleet.target_list import RunOptions, TargetList
from css_snapshot.cli.interrupts import on_interrupt
from css_snapshot.cli.output.bar import progress_bar
from css_snapshot.cli.output.outcome_records import outcome_record, summary_record
from css_snapshot.cli.output.output import Output
from css_snapshot.fanout import (
    Adopted,
    Completed,
    Created,
    FanOut,
    Outcome,
    Skipped,
    Summary,
)
from css_snapshot.models import Ensured


@attrs.define(kw_only=True)
class FleetRun:
    """One run of a fleet, as the command line shows it.

    Attributes:
        output: Where to.
        targets: What is to be done.
        journal: The run's journal, if it has one.
        options: What the journal's plan depends on.
        due: When its snapshots are to be completed, if it waits for them.
        interrupted: Whether the run was asked to stop.
        abandoned: Whether it was asked again.
    """

    output: Output
    targets: TargetList
    journal: Path | None = None
    options: RunOptions
    due: datetime | None = None
    interrupted: bool = attrs.field(default=False, init=False)
    abandoned: bool = attrs.field(default=False, init=False)
    _missing: Missing = attrs.field(factory=Missing, init=False)

    async def carry_out(self, run: FanOut[Ensured]) -> ExitCode:
        """Go through a run, and return how it ended.

        Args:
            run: Not entered yet.

        Raises:
            CSSError: If it could not begin.
        """
        keep: AbstractContextManager[Callable[[], object]] = nullcontext(lambda: None)
        if self.journal is not None:
            keep = self.targets.beside(self.journal, self.options)
        if self.due is not None:
            self.output.note(f"due by {self.due:%Y-%m-%d %H:%M:%S %Z}")
        stopped: ExceptionGroup[Exception] | None = None
        try:
            with keep as keep_targets:
                async with run:
                    keep_targets()
                    async with progress_bar(
                        self.output,
                        self.targets.count,
                        lambda: run.progress,
                        due=self.due,
                    ):
                        await self._consume(run)
        except ExceptionGroup as exc:
            stopped = exc
        return self._end(run.summary, stopped)

    async def _consume(self, run: FanOut[Ensured]) -> None:
        reading = asyncio.create_task(self._read(run))

        def drain() -> None:
            self.interrupted = True
            run.stop()
            what = "what is in flight, and waiting for what is being built"
            if self.options.until == "accepted":
                what = "what is in flight"
            self.output.warning(f"finishing {what}; Ctrl-C again stops at once")

        def abandon() -> None:
            self.abandoned = True
            reading.cancel()

        with on_interrupt(drain, abandon):
            try:
                await reading
            except asyncio.CancelledError:
                if not self.abandoned:
                    raise

    async def _read(self, run: FanOut[Ensured]) -> None:
        async for outcome in run:
            self._tell(outcome)

    def _tell(self, outcome: Outcome[Ensured]) -> None:
        is_good = _is_good(outcome)
        self._missing.note(outcome, is_good=is_good)
        if self.output.writes_lines:
            self.output.record(outcome_record(outcome))
        elif not is_good:
            self.output.note(str(outcome))

    def _end(
        self, summary: Summary, stopped: ExceptionGroup[Exception] | None
    ) -> ExitCode:
        record = summary_record(summary, interrupted=self.interrupted)
        if self.output.writes_lines:
            self.output.record(record)
        else:
            self.output.done(str(summary), record)
        if stopped is not None:
            for error in stopped.exceptions[:1]:
                self.output.failure(error, f"the run stopped early: {summary.stopped}")
        left = self.targets.count - summary.total
        if self.interrupted and (left or not summary.bad):
            self._advise(f"interrupted, {left} targets left")
            return ExitCode.INTERRUPTED
        if left:
            self._missing.add_not_begun(self.targets)
        if not summary.is_success:
            self._advise(self._shortfall(summary))
        if stopped is not None or left:
            return ExitCode.FAILED
        return code_of(summary)

    def _shortfall(self, summary: Summary) -> str:
        """Return what is missing, in words."""
        if self._missing.count:
            return f"missing: {self._missing}"
        return f"missing: {summary.journal_open} targets of earlier runs"

    def _advise(self, what: str) -> None:
        if self.journal is not None:
            what += (
                f"; to look: css-snapshot status {self.journal};"
                f" to go on: css-snapshot resume {self.journal}"
            )
        self.output.warning(what)


def code_of(summary: Summary) -> ExitCode:
    """Return the exit code of a run that came to its end."""
    if summary.is_success:
        return ExitCode.DONE
    unknown = summary.indeterminate + summary.late
    only_unknown = unknown > 0 and summary.bad == unknown
    return ExitCode.INDETERMINATE if only_unknown else ExitCode.FAILED


def _is_good(outcome: Outcome[object]) -> bool:
    if isinstance(outcome, Skipped):
        return outcome.is_good
    return isinstance(outcome, Created | Adopted | Completed)
