"""A run: targets in, outcomes out, and an end that leaves nothing behind."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import Generic, Self, TypeVar

from css_snapshot.errors import ConfigurationError, FanOutStoppedError, JournalError
from css_snapshot.event_loop import running_loop
from css_snapshot.events import logger
from css_snapshot.fanout.calls import Calls
from css_snapshot.fanout.journal.journal import Journal
from css_snapshot.fanout.journal.store import Plan
from css_snapshot.fanout.outcomes import Outcome
from css_snapshot.fanout.scheduler import Scheduler
from css_snapshot.fanout.stopping import Stopping
from css_snapshot.fanout.summary import RunProgress, Summary

T_co = TypeVar("T_co", covariant=True)


class FanOut(Generic[T_co]):
    """A run over many targets, made by `fan_out` or `SnapshotService.fan_out`.

    It works while its block is open, and hands out outcomes in the order in which
    they come about:

        async with fan_out(operation, targets) as run:
            async for outcome in run:
                print(outcome)
        print(run.summary)

    Targets are pulled as they can be started, and no new ones are started while
    twice `limit` are under way or wait for the consumer, or 16,384 accepted snapshots
    are followed to their ends. A target whose cluster is in flight waits for it
    without holding others up, as long as no more than 1,024 (or four times `limit`)
    do so. When the block is left early, what is in flight is cancelled, within a
    second; with a journal, the next run finds out what became of it.

    A run that can't go on starts no more targets, finishes those in flight, and ends
    the iteration with a `FanOutStoppedError` (once; it also comes out of the block if
    nobody iterates to the end): the source of the targets raised, the credentials
    were not accepted, the journal failed, or as `on_error` and `max_failures` say.
    """

    def __init__(
        self,
        scheduler: Scheduler[T_co],
        *,
        calls: Calls,
        stopping: Stopping,
        journal: Journal,
        plan: Callable[[], Awaitable[Plan]] | None = None,
        finish_by: datetime | None = None,
        telling: AbstractContextManager[None],
    ) -> None:
        self._scheduler = scheduler
        self._calls = calls
        self._stop = stopping
        self._journal = journal
        self._plan = plan
        self._finish_by = finish_by
        self._telling = telling
        self._entered = False
        self._reported = False

    async def __aenter__(self) -> Self:
        if self._entered:
            raise ConfigurationError("a run can be entered once; make a new one")
        running_loop()
        self._entered = True
        if self._plan is not None:
            await self._journal.open(await self._plan())
        self._telling.__enter__()
        self._scheduler.begin(self._finish_by)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._scheduler.drain()
            if error is None:
                await self._count_open()
        finally:
            self._telling.__exit__(kind, error, traceback)
            self._journal.close()
            await self._journal.closed()
        if error is None:
            self._report()
        elif (
            (stopped := self.stopped_by) is not None
            and not self._reported
            # A block that is left with the very reason tells of it.
            and error not in stopped.exceptions
        ):
            logger.warning("%s", self._stop.reason, exc_info=stopped)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome[T_co]:
        if not self._entered:
            raise ConfigurationError("a run is iterated inside its `async with` block")
        scheduler = self._scheduler
        await scheduler.news()
        if not scheduler.outcomes:
            await self._count_open()
            self._report()
            raise StopAsyncIteration
        return scheduler.take()

    async def finish(self) -> Summary:
        """Go on to the end, and let the outcomes pass.

        Returns:
            The counts.

        Raises:
            FanOutStoppedError: If the run could not go on.
        """
        async for _ in self:
            pass
        return self.summary

    def stop(self) -> None:
        """Start no more targets; those in flight finish, then the iteration ends."""
        self._stop.stop("`stop()` was called")

    @property
    def summary(self) -> Summary:
        """How many targets ended in which way, so far or for good."""
        return self._scheduler.tally.summary(self._stop.reason)

    @property
    def stopped_by(self) -> FanOutStoppedError | None:
        """Why the run could not go on; `None` if it could, or was asked to stop."""
        return self._stop.report()

    @property
    def progress(self) -> RunProgress:
        """How the run stands at this moment."""
        scheduler = self._scheduler
        return RunProgress(
            summary=self.summary,
            pulled=scheduler.pulled,
            in_flight=self._calls.in_flight,
            building=0 if scheduler.watch is None else len(scheduler.watch),
            waiting=scheduler.lanes.held,
            rate=scheduler.tally.rate,
            allowed_rate=self._calls.allowed_rate,
        )

    async def _count_open(self) -> None:
        if self._scheduler.over and not self._stop.fatal:
            try:
                count = await self._journal.count_open()
            except JournalError as exc:
                self._stop.stop_for(exc)
            else:
                self._scheduler.tally.journal_open = count

    def _report(self) -> None:
        error = self.stopped_by
        if error is not None and not self._reported:
            self._reported = True
            raise error
