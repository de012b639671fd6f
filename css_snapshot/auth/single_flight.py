"""One call under way, however many callers wait for what it returns."""

import asyncio
import copy
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

from css_snapshot.errors import ConfigurationError, CSSError, unchained

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Makes a call once for all who wait.

    The call runs in a task of its own: a caller that is cancelled takes nothing away
    from the others. Each event loop makes its own call.
    """

    def __init__(self) -> None:
        self._tasks: dict[asyncio.AbstractEventLoop, asyncio.Task[T]] = {}

    def under_way(self) -> asyncio.Task[T] | None:
        """Return the call that is under way in this event loop."""
        task = self._tasks.get(asyncio.get_running_loop())
        return None if task is None or task.done() else task

    def start(self, call: Coroutine[object, object, T]) -> asyncio.Task[T]:
        """Start a call; one that is under way is no longer joined."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(call)
        self._tasks[loop] = task
        task.add_done_callback(self._end)
        return task

    async def join(self, call: Callable[[], Coroutine[object, object, T]]) -> T:
        """Wait for the call that is under way, or start one.

        Args:
            call: What to call if none is under way.

        Raises:
            ConfigurationError: If `aclose` stopped the call.
            Exception: If the call failed; each caller gets an error of its own, as
                callers add to what they get.
        """
        task = self.under_way() or self.start(call())
        try:
            return await asyncio.shield(task)
        except CSSError as failure:
            with unchained:
                raise copy.copy(failure) from None
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and not caller.cancelling() and task.cancelled():
                raise ConfigurationError(
                    "authentication was closed while a renewal was under way"
                ) from None
            raise

    async def aclose(self) -> None:
        """Stop the call that is under way in this event loop."""
        task = self.under_way()
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _end(self, task: asyncio.Task[T]) -> None:
        loop = task.get_loop()
        if self._tasks.get(loop) is task:
            del self._tasks[loop]
        if not task.cancelled():
            # Looked at even when every caller has gone, or asyncio complains.
            task.exception()
