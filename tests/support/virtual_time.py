"""Time that passes only while everybody waits for it.

The event loop's clock stands still while there is something to do, and jumps to the
next timer when there is not. `asyncio.sleep`, `asyncio.timeout` and everything built
on them take no real time, always the same virtual time, and days are free. Time also
stands still while a thread of `asyncio.to_thread` works. Sockets are no part of it:
a timer fires before an answer from the network can arrive, so use a transport that
answers from memory.

In a test that pytest-asyncio runs, ask for the fixture `virtual_time`, which takes
over the loop the test runs in:

    async def test_a_day_passes(virtual_time: VirtualTime) -> None:
        service = make_service(transport, clock=virtual_time.clock)
        await asyncio.sleep(86400)
        assert virtual_time.elapsed == 86400

Where there is no running loop, as in a hypothesis test, hand a coroutine function to
`run`, which gives it a loop of its own:

    @given(...)
    def test_whatever(number: int) -> None:
        async def scenario(time: VirtualTime) -> float: ...

        assert run(scenario) < 5.0
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import pytest

from css_snapshot.clock import Clock

T = TypeVar("T")

Ready = list[tuple[selectors.SelectorKey, int]]

START: Final = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
"""The wall-clock time at which virtual time begins."""

_PATIENCE: Final = 10.0


class VirtualTime:
    """The clock of one event loop, once it has taken it over.

    Attributes:
        clock: The same time as a `Clock`, for the package's own objects.
    """

    def __init__(self) -> None:
        # From zero, as sums of small numbers stay exact where those of a machine that
        # has been up for weeks do not.
        self._passed = 0.0
        self._threads = 0
        self.clock = Clock(
            now=self.now, monotonic=self.monotonic, sleep=self._pause_for
        )

    @property
    def elapsed(self) -> float:
        """Virtual seconds since the loop was taken over."""
        return self._passed

    def now(self) -> datetime:
        """Return the virtual wall-clock time, aware."""
        return START + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Return the virtual time of the loop."""
        return self._passed

    def take_over(
        self, loop: asyncio.AbstractEventLoop, patch: pytest.MonkeyPatch
    ) -> None:
        """Replace a loop's clock by this one until the patch is undone."""
        selector: selectors.BaseSelector = vars(loop)["_selector"]
        patch.setattr(loop, "time", self.monotonic)
        patch.setattr(selector, "select", self._selecting(selector.select))
        patch.setattr(loop, "run_in_executor", self._standing_still(loop))

    @staticmethod
    async def _pause_for(seconds: float) -> None:
        await asyncio.sleep(seconds)

    def _selecting(
        self, select: Callable[[float | None], Ready]
    ) -> Callable[[float | None], Ready]:
        def select_virtually(timeout: float | None = None) -> Ready:
            ready = select(0)
            if ready or (timeout is not None and timeout <= 0):
                return ready
            if timeout is None or self._threads:
                ready = select(_PATIENCE)
                if not ready and timeout is None:
                    raise RuntimeError("deadlock: no timer is left to wait for")
                return ready
            self._passed += timeout
            return []

        return select_virtually

    def _standing_still(
        self, loop: asyncio.AbstractEventLoop
    ) -> Callable[..., asyncio.Future[object]]:
        run_in_executor = loop.run_in_executor

        def landed(_: asyncio.Future[object]) -> None:
            self._threads -= 1

        def run(
            executor: None, work: Callable[..., object], *args: object
        ) -> asyncio.Future[object]:
            self._threads += 1
            flight = run_in_executor(executor, work, *args)
            flight.add_done_callback(landed)
            return flight

        return run


def run(main: Callable[[VirtualTime], Coroutine[object, object, T]]) -> T:
    """Run a coroutine function to its end in virtual time, in a loop of its own."""
    time = VirtualTime()
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        time.take_over(runner.get_loop(), patch)
        return runner.run(main(time))
