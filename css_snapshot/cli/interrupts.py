"""Reacting to Ctrl-C, and to being told to terminate."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_interrupt(*reactions: Callable[[], object]) -> Iterator[None]:
    """React to SIGINT and SIGTERM in the event loop, instead of being ended by them.

    Args:
        *reactions: What to do the first time, the second time and so on; the last
            one is repeated.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    waiting = list(reactions)

    def react(_number: int, _frame: object) -> None:
        reaction = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        loop.call_soon_threadsafe(reaction)

    before = {number: signal.signal(number, react) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
