"""A run as the command line shows it: outcomes as they come, and an honest end."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import attrs

from css_snapshot.cli.exit_codes import ExitCode
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
        interrupted: Whether the run was asked to stop.
        abandoned: Whether it was asked again.
    """

    output: Output
    targets: TargetList
    journal: Path | None = None
    options: RunOptions
    interrupted: bool = attrs.field(default=False, init=False)
    abandoned: bool = attrs.field(default=False, init=False)

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
        stopped: ExceptionGroup[Exception] | None = None
        try:
            with keep as keep_targets:
                async with run:
                    keep_targets()
                    async with progress_bar(
                        self.output, self.targets.count, lambda: run.progress
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
            self.output.warning(
                "finishing what is in flight; Ctrl-C again stops at once"
            )

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
        if self.output.writes_lines:
            self.output.record(outcome_record(outcome))
        elif not _is_good(outcome):
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
        if self.interrupted and left:
            self._advise(left)
            return ExitCode.INTERRUPTED
        return ExitCode.FAILED if stopped is not None else code_of(summary)

    def _advise(self, left: int) -> None:
        advice = f"interrupted, {left} targets left"
        if self.journal is not None:
            advice += f"; to go on: css-snapshot resume {self.journal}"
        self.output.warning(advice)


def code_of(summary: Summary) -> ExitCode:
    """Return the exit code of a run that came to its end."""
    open_ones = summary.indeterminate + summary.late
    if summary.bad > open_ones:
        return ExitCode.FAILED
    if open_ones:
        return ExitCode.INDETERMINATE
    return ExitCode.FAILED if summary.journal_open else ExitCode.DONE


def _is_good(outcome: Outcome[object]) -> bool:
    if isinstance(outcome, Skipped):
        return outcome.is_good
    return isinstance(outcome, Created | Adopted | Completed)
