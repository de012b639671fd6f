"""A run in the background, and its outcomes for any number of readers."""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from css_snapshot.errors import ConfigurationError
from css_snapshot.events import logger
from css_snapshot.fanout import FanOut, Outcome, RunProgress, Summary
from css_snapshot.serialize import to_dict

T = TypeVar("T")

_COUNT: Final = re.compile(r"[0-9]{1,9}")


class OutcomeFeed(Generic[T]):
    """A run that is carried out in a task of its own, whether or not anyone reads.

    Any number of readers may follow it at the same time, from its first outcome or
    a later one; one that goes away disturbs neither the run nor the others. Leaving
    the block stops a run that is still going on as leaving the run's own block does:
    what is in flight is cancelled, and a journal stays true.

    It keeps every outcome, about a kilobyte each, for as long as it lives.

    Args:
        run: The run, not entered yet.
        feed_id: Tells the events of this feed from those of another; random if left
            out. It must not contain a line break.
    """

    def __init__(self, run: FanOut[T], *, feed_id: str | None = None) -> None:
        self._run = run
        self._id = feed_id or uuid.uuid4().hex
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
        """The error that stopped the run; `None` if there is none."""
        return self._error

    @property
    def summary(self) -> Summary:
        """How many targets ended in which way, so far or for good."""
        return self._run.summary

    @property
    def progress(self) -> RunProgress:
        """How the run stands at this moment."""
        return self._run.progress

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
        """Iterate over the outcomes so far, and then those to come, until the run ends.

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

    def server_sent_events(
        self, last_event_id: str | None = None, *, heartbeat: float = 15.0
    ) -> AsyncIterator[str]:
        """Iterate over the outcomes as server-sent events, until the run ends.

        Each outcome is an event `outcome`, as `css_snapshot.to_dict` shows it. An event
        `end` comes last, with the `summary` in the same form and the name of the
        `error`. Their ids let a reader that was cut off go on where it was. Events
        `progress` in between, with a `RunProgress`, have none: they tell of what is
        under way, such as the snapshots that are building.

        Args:
            last_event_id: The header `Last-Event-ID` of a reader that comes back. One
                of another feed, or of no feed, stands for a new reader.
            heartbeat: Seconds between two events `progress`, which also keep proxies
                from taking the connection for a dead one.

        Raises:
            ConfigurationError: If `heartbeat` is not above 0.
        """
        if not heartbeat > 0:
            raise ConfigurationError("heartbeat: must be a number of seconds above 0")
        seen = min(self._seen(last_event_id), len(self._outcomes))
        return self._events(seen, heartbeat)

    async def _events(self, seen: int, heartbeat: float) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            news = self._news
            for outcome in self._outcomes[seen:]:
                seen += 1
                yield self._numbered("outcome", seen, to_dict(outcome))
            if news is not self._news:
                continue
            if self._ended:
                break
            try:
                async with asyncio.timeout_at(due):
                    await news.wait()
            except TimeoutError:
                yield _event("progress", to_dict(self.progress))
                due = loop.time() + heartbeat
        error = None if self._error is None else type(self._error).__name__
        ending = {"summary": to_dict(self.summary), "error": error}
        yield self._numbered("end", seen + 1, ending)

    def was_followed_to_its_end(self, last_event_id: str | None) -> bool:
        """Tell whether a reader that comes back has seen the event `end`.

        Args:
            last_event_id: The header `Last-Event-ID`.
        """
        return self._ended and self._seen(last_event_id) > len(self._outcomes)

    def _numbered(self, kind: str, number: int, data: Mapping[str, object]) -> str:
        return f"id: {self._id}:{number}\n{_event(kind, data)}"

    def _seen(self, last_event_id: str | None) -> int:
        feed_id, _, count = (last_event_id or "").rpartition(":")
        if feed_id != self._id or _COUNT.fullmatch(count) is None:
            return 0
        return int(count)

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


def _event(kind: str, data: Mapping[str, object]) -> str:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"
