"""A run as the command line shows it: outcomes as they come, and an honest end."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import attrs

from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.left_out import LeftOut
from css_snapshot.cli.fleet.target_list import RunOptions, TargetList
from css_snapshot.cli.interrupts import on_interrupt
from css_snapshot.cli.output.bar import progress_bar
from css_snapshot.cli.output.outcome_records import outcome_record, summary_record
from css_snapshot.cli.output.output import Output
from css_snapshot.fanout import (
    Busy,
    Failed,
    FanOut,
    Indeterminate,
    Outcome,
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
        left_out: The clusters that were not ready when the run was begun.
        interrupted: Whether the run was asked to stop.
        abandoned: Whether it was asked again.
    """

    output: Output
    targets: TargetList
    journal: Path | None = None
    options: RunOptions
    left_out: LeftOut = attrs.field(factory=LeftOut)
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
        elif isinstance(outcome, Busy | Failed | Indeterminate):
            self.output.note(str(outcome))

    def _end(
        self, summary: Summary, stopped: ExceptionGroup[Exception] | None
    ) -> ExitCode:
        tell_summary(self.output, summary, self.left_out, interrupted=self.interrupted)
        if stopped is not None:
            for error in stopped.exceptions[:1]:
                self.output.failure(error, f"the run stopped early: {summary.stopped}")
        left = self.targets.count - summary.total
        if self.interrupted and left:
            self._advise(left)
            return ExitCode.INTERRUPTED
        if stopped is not None or self.left_out:
            return ExitCode.FAILED
        return code_of(summary)

    def _advise(self, left: int) -> None:
        advice = f"interrupted, {left} targets left"
        if self.journal is not None:
            advice += f"; to go on: css-snapshot resume {self.journal}"
        self.output.warning(advice)


def tell_summary(
    output: Output, summary: Summary, left_out: LeftOut, *, interrupted: bool = False
) -> None:
    """Write how a run ended.

    Args:
        output: Where to.
        summary: How the run's own targets ended.
        left_out: The clusters that were not ready when the run was begun.
        interrupted: Whether the run was asked to stop.
    """
    record = summary_record(
        left_out.added_to(summary),
        not_ready=left_out.not_ready,
        interrupted=interrupted,
    )
    if output.writes_lines:
        output.record(record)
        return
    not_ready = f"; {left_out.not_ready} not ready" if left_out.not_ready else ""
    output.done(f"{left_out.added_to(summary)}{not_ready}", record)


def code_of(summary: Summary) -> ExitCode:
    """Return the exit code of a run that came to its end."""
    if summary.failed or summary.busy:
        return ExitCode.FAILED
    if summary.indeterminate:
        return ExitCode.INDETERMINATE
    return ExitCode.DONE
