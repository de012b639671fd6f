"""Reacting to Ctrl-C, to a closed terminal, and to being told to terminate."""

import asyncio
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS_AT_ONCE: Final = 64
_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def on_interrupt(*reactions: Callable[[], object]) -> Iterator[None]:
    """React to SIGINT, SIGTERM and SIGHUP in the event loop, not by dying of them.

    A signal that the parent had this process ignore, as `nohup` does, stays ignored.

    Args:
        *reactions: What to do the first time, the second time and so on; the last
            one is repeated.
    """
    if not _in_main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    waiting = list(reactions)

    def react(_number: int, _frame: FrameType | None) -> None:
        reaction = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        loop.call_soon_threadsafe(reaction)

    before = {
        number: signal.signal(number, react)
        for name in _NAMES
        if (number := getattr(signal, name, None)) is not None
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise `KeyboardInterrupt` at once, even out of a blocking read.

    Raises:
        KeyboardInterrupt: If it was pressed before, and the task has been cancelled for
            it, but could not notice it yet.
    """
    if not _in_main_thread() or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if _is_cancelled():
            raise KeyboardInterrupt
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def wait_for_input() -> None:
    """Wait until the standard input can be read; no signal is missed meanwhile.

    A signal that comes just before a blocking read would be noted, and handled only
    after the read.
    """
    if not _in_main_thread() or sys.platform == "win32":
        return
    try:
        keyboard = sys.stdin.fileno()
    except (OSError, ValueError):
        return
    with _socket_of_signals() as signals:
        while True:
            ready, _, _ = select.select([keyboard, signals], [], [])
            if keyboard in ready:
                return
            signals.recv(_SIGNALS_AT_ONCE)


@contextmanager
def signals_wake_the_loop() -> Iterator[None]:
    """Let a signal wake the event loop, also one that comes just before it sleeps.

    Python notes a signal, and handles it when it next runs Python code. One that
    arrives between the loop's last line of Python and its `select` would have to wait
    for something else to happen: see `signal.set_wakeup_fd`. On Windows, asyncio does
    this by itself.
    """
    if not _in_main_thread() or sys.platform == "win32":
        yield
        return
    loop = asyncio.get_running_loop()
    with _socket_of_signals() as signals:
        loop.add_reader(signals, signals.recv, _SIGNALS_AT_ONCE)
        try:
            yield
        finally:
            loop.remove_reader(signals)


@contextmanager
def _socket_of_signals() -> Iterator[socket.socket]:
    """Open a socket that can be read as soon as a signal arrives."""
    reading, writing = socket.socketpair()
    with reading, writing:
        for end in (reading, writing):
            end.setblocking(False)
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(before)


def _is_cancelled() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
