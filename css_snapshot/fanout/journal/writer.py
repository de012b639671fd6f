"""Group commit: what many targets ask of a journal at once is written at once."""

import asyncio
import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import attrs

from css_snapshot.errors import JournalEntryError, JournalError
from css_snapshot.events import logger
from css_snapshot.fanout.journal.store import Store

R = TypeVar("R")

# A commit costs as much as dozens of entries. So many turns take next to no time, and
# are enough for the target that follows one whose end was written to ask as well.
_TURNS: Final = 3


@attrs.define(eq=False)
class _Request(Generic[R]):
    step: Callable[[Store], R]
    writes: bool
    answer: asyncio.Future[R]
    value: R | None = None
    failure: BaseException | None = None

    def carry_out(self, store: Store, path: Path) -> None:
        try:
            self.value = self.step(store)
        except (TypeError, ValueError) as exc:
            # Of this target alone, and no reason to fail its neighbours.
            self.failure = JournalEntryError(path, f"has a damaged entry: {exc}")

    def deliver(self, failure: BaseException | None) -> None:
        if self.answer.done():
            return
        failure = failure or self.failure
        if failure is None:
            self.answer.set_result(self.value)  # type: ignore[arg-type]  # an R by now
        else:
            # An exception of its own for each, or their tracebacks would mix.
            self.answer.set_exception(copy.copy(failure))


class Writer:
    """The one thread in which a journal is read and written.

    While one group is being committed, the next one gathers. Once something has been
    asked for, it is done, even if whoever asked is cancelled.

    Args:
        path: The journal's file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="css-snapshot-journal")
        self._store: Store | None = None
        self._pending: list[_Request[Any]] = []
        self._working = False
        self._closing = False
        self._closed = asyncio.Event()

    async def open(self, make: Callable[[Path], Store]) -> None:
        """Open the journal in the thread.

        Args:
            make: Opens the file.

        Raises:
            CSSError: As `make` raises it.
        """
        # Kept, as each call of `get_running_loop` may be one of the system.
        self._loop = asyncio.get_running_loop()
        opening = self._loop.run_in_executor(self._thread, make, self._path)
        try:
            self._store = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(self._abandon)
            raise
        except Exception:
            self._thread.shutdown(wait=False)
            raise

    def do(self, step: Callable[[Store], R], *, writes: bool) -> asyncio.Future[R]:
        """Do something in the thread; the result comes when it is durable.

        Args:
            step: What to do.
            writes: Whether it changes anything.

        Returns:
            A future that raises `JournalError` if SQLite does.

        Raises:
            JournalError: If the journal is closed.
        """
        if self._closing or self._store is None:
            raise JournalError(self._path, "is closed")
        request = _Request(step, writes, self._loop.create_future())
        self._pending.append(request)
        if not self._working:
            self._working = True
            self._gather()
        return request.answer

    def close(self) -> None:
        """Take no more requests, and close the journal after those it has."""
        self._closing = True
        if not self._working:
            self._launch()

    async def closed(self) -> None:
        """Wait until the journal is closed."""
        await self._closed.wait()

    def _gather(self, turns: int = _TURNS) -> None:
        """Begin a group some turns of the event loop later, for others to share it."""
        if turns:
            self._loop.call_soon(self._gather, turns - 1)
        else:
            self._launch()

    def _launch(self) -> None:
        store = self._store
        if store is None:
            self._closed.set()
            return
        batch, self._pending = self._pending, []
        if batch:
            flight = self._loop.run_in_executor(
                self._thread, _carry_out, store, batch, self._path
            )
            flight.add_done_callback(lambda done: self._landed(batch, done))
        elif self._closing:
            self._store = None
            flight = self._loop.run_in_executor(self._thread, store.close)
            flight.add_done_callback(self._shut)
        else:
            self._working = False

    def _landed(
        self, batch: Sequence[_Request[Any]], flight: asyncio.Future[None]
    ) -> None:
        failure = flight.exception()
        for request in batch:
            request.deliver(failure)
        self._gather()

    def _shut(self, flight: asyncio.Future[None]) -> None:
        failure = flight.exception()
        if failure is not None:
            logger.warning("closing the journal: %s", failure)
        self._thread.shutdown(wait=False)
        self._closed.set()

    def _abandon(self, opening: asyncio.Future[Store]) -> None:
        if opening.exception() is None:
            self._thread.submit(opening.result().close)
        self._thread.shutdown(wait=False)


def _carry_out(store: Store, batch: Sequence[_Request[Any]], path: Path) -> None:
    with store.session(writes=any(request.writes for request in batch)):
        for request in batch:
            request.carry_out(store, path)
