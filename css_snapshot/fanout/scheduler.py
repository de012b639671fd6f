"""The scheduler of a run: targets are pulled, tasks started, outcomes collected."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextvars import Context, copy_context
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar

from css_snapshot.clock import Clock
from css_snapshot.events import logger
from css_snapshot.fanout.job import Accepted, Job, Requeue
from css_snapshot.fanout.lanes import Lanes
from css_snapshot.fanout.outcomes import Late, Outcome
from css_snapshot.fanout.stopping import Stopping
from css_snapshot.fanout.summary import Tally
from css_snapshot.fanout.targets import Source
from css_snapshot.fanout.watch import Ending, Watch

R = TypeVar("R")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_LOOK_AHEAD: Final = 1024
_DRAIN_SECONDS: Final = 0.8
_NAP: Final = 60.0
_TIME_IS_UP: Final = "finish_by has passed"


class Carries(Protocol[T_co]):
    """What carries targets to their outcomes, any number of them at once."""

    async def process(self, job: Job) -> Outcome[T_co] | Requeue | Accepted:
        """Carry one target to its outcome, to an occupied cluster, or to the watch."""
        ...

    def lost(self, job: Job, error: Exception) -> Outcome[T_co]:
        """Return the outcome of a target that was dropped on its way."""
        ...


class Scheduler(Generic[T]):
    """Keeps a window of tasks at work on a stream of targets.

    All its state is changed in the event loop, between two awaits.

    Args:
        source: Where targets come from.
        processor: What is done with each.
        stopping: What makes it stop.
        limit: Tasks at a time.
        clock: Where time comes from.

    Attributes:
        outcomes: What has come about and was not taken yet.
        lanes: The targets that have not started.
        tally: The counts.
        pulled: Targets taken from the source.
        watch: Watches what was accepted; `None` for a run that does not.
    """

    def __init__(
        self,
        *,
        source: Source[Any],
        processor: Carries[T],
        stopping: Stopping,
        limit: int,
        clock: Clock,
    ) -> None:
        self.outcomes: deque[Outcome[T]] = deque()
        self.lanes: Lanes[Job] = Lanes()
        self.tally = Tally(clock)
        self.pulled = 0
        self.watch: Watch | None = None
        self._source = source
        self._processor = processor
        self._stop = stopping
        self._limit = limit
        self._look_ahead = max(_LOOK_AHEAD, 4 * limit)
        self._clock = clock
        self._context: Context = copy_context()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._paused: dict[Job, asyncio.Task[None]] = {}
        self._feeding: asyncio.Task[None] | None = None
        self._working: dict[Job, asyncio.Task[Outcome[T] | Requeue | Accepted]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._exhausted = False
        self._left = False
        self._drained = False
        self._time_is_up = False
        self._room = asyncio.Event()
        self._news = asyncio.Event()

    def begin(self, finish_by: datetime | None = None) -> None:
        """Start to work, in the context of whoever calls.

        Args:
            finish_by: When no more targets are started, aware; `None` for never.
        """
        self._context = copy_context()
        self.tally = Tally(self._clock)
        self._stop.on_stop = self._wind_up
        self._feeding = self._start(self._feed())
        self._feeding.add_done_callback(self._fed)
        if finish_by is not None:
            self._start(self._end_by(finish_by)).add_done_callback(self._failure_of)

    @property
    def over(self) -> bool:
        """Whether all targets have ended, or none will start any more."""
        if self._drained:
            return True
        if self._working or self.lanes.held or self.lanes.any_ready or self.watch:
            return False
        return self._exhausted or self._stopping

    async def news(self) -> None:
        """Wait until there is an outcome, or the end."""
        while not (self.outcomes or self.over):
            self._news.clear()
            await self._news.wait()

    def take(self) -> Outcome[T]:
        """Take the oldest outcome, and use the room it leaves."""
        outcome = self.outcomes.popleft()
        self._go_on()
        return outcome

    async def drain(self) -> None:
        """Cancel what is in flight, and wait until it has ended, for a second."""
        self._left = True
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        try:
            if tasks:
                _, stuck = await asyncio.wait(tasks, timeout=_DRAIN_SECONDS)
                if stuck:
                    logger.warning(
                        "%d operations go on after their cancellation", len(stuck)
                    )
        finally:
            self._drained = True
            self._go_on()

    @property
    def _stopping(self) -> bool:
        return self._left or bool(self._stop.reason)

    @property
    def _may_start(self) -> bool:
        return (
            not self._stopping
            and len(self._working) < self._limit
            and len(self._working) + len(self.outcomes) < 2 * self._limit
            and not (self.watch and self.watch.is_full)
        )

    async def _feed(self) -> None:
        """Pull targets as there is room for them."""
        try:
            while await self._has_room():
                target = await self._source.pull()
                # The source may have stopped the run itself.
                if target is None or self._stopping:
                    break
                self.pulled += 1
                self.lanes.admit(Job(target))
                self._go_on()
        finally:
            await self._source.aclose()

    async def _end_by(self, moment: datetime) -> None:
        """Start no more targets from a moment on."""
        while (left := (moment - self._clock.now()).total_seconds()) > 0:
            # In naps, as the wall clock may be set meanwhile.
            await self._clock.sleep(min(left, _NAP))
        self._time_is_up = True
        # What only builds may still be seen to have completed in time.
        waiting = self.lanes.held or self.lanes.any_ready
        if waiting or self._working or not self._exhausted:
            self._stop.stop(_TIME_IS_UP)

    async def _has_room(self) -> bool:
        """Wait until another target is needed, or return `False` if none ever will be."""
        while not self._stopping:
            if (
                self._may_start
                and not self.lanes.any_ready
                and self.lanes.held < self._look_ahead
            ):
                return True
            self._room.clear()
            await self._room.wait()
        return False

    def _fed(self, feeding: asyncio.Task[None]) -> None:
        self._exhausted = True
        failure = self._failure_of(feeding)
        if failure is not None:
            self._stop.stop("the source of the targets failed", failure)
        self._go_on()

    def _go_on(self) -> None:
        """Start what may start now, and wake whoever waits for a change."""
        while self._may_start:
            job = self.lanes.next()
            if job is None:
                break
            work = self._start(self._processor.process(job))
            self._working[job] = work
            work.add_done_callback(partial(self._worked, job))
        self._room.set()
        over = self.over
        if over:
            self.tally.end()
        if over or self.outcomes:
            self._news.set()

    def _start(self, work: Coroutine[object, object, R]) -> asyncio.Task[R]:
        loop = asyncio.get_running_loop()
        task = loop.create_task(work, context=self._context.copy())
        self._tasks.add(task)
        return task

    def _worked(
        self, job: Job, work: asyncio.Task[Outcome[T] | Requeue | Accepted]
    ) -> None:
        del self._working[job]
        failure = self._failure_of(work)
        if failure is not None:
            # Not even an error in this package may make a target vanish.
            self._ended(job, self._processor.lost(job, failure))
        elif not work.cancelled():
            self._ended(job, work.result())
        elif job.under_way and not self._left:
            error = RuntimeError("it was cancelled from outside")
            self._ended(job, self._processor.lost(job, error))
        else:
            self._drop(job)
        self._go_on()

    def _drop(self, job: Job) -> None:
        """Drop a target that was not called, or was turned away."""
        self.lanes.release(job)
        if job.fallback is not None and not self._left:
            self._emit(job.fallback)

    def _ended(self, job: Job, ended: Outcome[T] | Requeue | Accepted) -> None:
        if isinstance(ended, Accepted):
            self._follow(job)
        elif not isinstance(ended, Requeue):
            self.lanes.release(job)
            self._emit(ended)
        elif self._stopping:
            self._drop(job)
        else:
            self.lanes.set_aside()
            pause = self._paused[job] = self._start(self._pause(ended.pause))
            pause.add_done_callback(partial(self._waited, job))

    def _follow(self, job: Job) -> None:
        """Watch an accepted snapshot; its target keeps its lane, and no slot."""
        if self.watch is None:
            raise ValueError("this run does not watch")
        self.watch.add(job)
        if self._stop.fatal:
            self._abandon()
        elif self._watching is None:
            self._begin_to_watch(self.watch)

    def _begin_to_watch(self, watch: Watch) -> None:
        self._watching = self._start(watch.run())
        self._watching.add_done_callback(self._watched)

    def watched_to_its_end(self, job: Job, ending: Ending) -> None:
        """Take the outcome of a target that was watched."""
        if self._time_is_up and isinstance(ending, Late):
            self._stop.stop(_TIME_IS_UP)
        self.lanes.release(job)
        self._emit(ending)
        self._go_on()

    def _watched(self, watching: asyncio.Task[None]) -> None:
        self._watching = None
        failure = self._failure_of(watching)
        if failure is not None:
            self._stop.stop("the watch failed", failure, fatal=True)
        if self.watch and not (self._left or self._stop.fatal):
            # What was accepted while the last one ended.
            self._begin_to_watch(self.watch)
        self._go_on()

    def _abandon(self) -> None:
        """Drop what is watched: nothing more can be seen of it, or written down."""
        if self._watching is not None:
            self._watching.cancel()
        for job, late in () if self.watch is None else self.watch.abandon():
            self.lanes.release(job)
            if not self._left:
                self._emit(late)

    async def _pause(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def _waited(self, job: Job, pause: asyncio.Task[None]) -> None:
        self._failure_of(pause)
        if self._paused.pop(job, None) is not None:
            self.lanes.bring_back(job)
            self._go_on()

    def _emit(self, outcome: Outcome[T]) -> None:
        self.tally.count(outcome)
        self.outcomes.append(outcome)
        self._stop.note(outcome)

    def _wind_up(self) -> None:
        """Call no more operations, and drop all that wait to be called."""
        paused, self._paused = self._paused, {}
        for pause in paused.values():
            pause.cancel()
        for job in (*self.lanes.clear(), *paused):
            self._drop(job)
        for job, work in self._working.items():
            if not job.under_way:
                work.cancel()
        if self._feeding is not None:
            self._feeding.cancel()
        if self._stop.fatal:
            self._abandon()
        self._go_on()

    def _failure_of(self, task: asyncio.Task[R]) -> Exception | None:
        """Return what a task failed with, and stop if somebody else cancelled it."""
        self._tasks.discard(task)
        if not task.cancelled():
            failure = task.exception()
            return failure if isinstance(failure, Exception) else None
        if not task.cancelling():
            return RuntimeError("it cancelled itself")
        if not self._stopping:
            error = RuntimeError("a task of the run was cancelled from outside")
            self._stop.stop("it was cancelled", error)
        return None
