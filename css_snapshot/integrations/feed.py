"""A run in the background, and its outcomes for whoever wants to follow it."""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Generic, Self, TypeVar

from css_snapshot.events import logger
from css_snapshot.fanout import FanOut, Outcome, Summary

T = TypeVar("T")


class OutcomeFeed(Generic[T]):
    """Carries out a run in a task of its own, whether or not anyone looks.

    Any number of readers may follow it at the same time, from its first outcome or
    a later one; one that goes away disturbs neither the run nor the others. Leaving
    the block stops a run that is still going on as leaving the run's own block does:
    what is in flight is cancelled, and a journal stays true.

    It keeps every outcome, about a kilobyte each, for as long as it lives.

    Args:
        run: The run, not entered yet.
    """

    def __init__(self, run: FanOut[T]) -> None:
        self._run = run
        self._outcomes: list[Outcome[T]] = []
        self._news = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self._ended

    @property
    def error(self) -> Exception | None:
        """Why the run could not go on; `None` if it could."""
        return self._error

    @property
    def summary(self) -> Summary:
        """How many targets ended in which way, so far or for good."""
        return self._run.summary

    async def __aenter__(self) -> Self:
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._carry_out(begun))
        try:
            await begun
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    async def follow(self, start: int = 0) -> AsyncIterator[Outcome[T]]:
        """Yield the outcomes there were, and then those to come, until the run ends.

        Args:
            start: How many outcomes to leave out, for a reader who has seen them.
        """
        while True:
            news = self._news
            for outcome in self._outcomes[start:]:
                start += 1
                yield outcome
            if news is not self._news:
                continue
            if self._ended:
                return
            await news.wait()

    async def _carry_out(self, begun: asyncio.Future[None]) -> None:
        try:
            async with self._run as run:
                begun.set_result(None)
                async for outcome in run:
                    self._outcomes.append(outcome)
                    self._tell()
        except Exception as exc:  # noqa: BLE001  # for `error`; raised if not begun
            self._error = exc
            if not begun.done():
                begun.set_exception(exc)
            else:
                logger.exception("a run in the background could not go on")
        finally:
            self._ended = True
            self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


def outcome_record(outcome: Outcome[object]) -> dict[str, object]:
    """Show an outcome in values that JSON has; what is unknown is `None`.

    Args:
        outcome: What became of a target.
    """
    backup = getattr(outcome, "backup", None)
    error = getattr(outcome, "error", None)
    return {
        "outcome": type(outcome).__name__.lower(),
        "cluster_id": outcome.target.cluster_id,
        "name": outcome.target.name,
        "snapshot_id": None if backup is None else backup.id,
        "attempts": outcome.attempts,
        "elapsed": outcome.elapsed,
        "error": None if error is None else str(error),
    }
