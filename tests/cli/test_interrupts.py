"""Ctrl-C at the first press, whatever a command is doing, and a closed terminal."""

import asyncio
import os
import select
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from css_snapshot.cli.interrupts import (
    interruptible,
    on_interrupt,
    signals_wake_the_loop,
    wait_for_input,
)
from css_snapshot.emulator import EmulatorServer, EmulatorState, Fault
from css_snapshot.fanout import State, read_status
from tests.support.terminal import CTRL_C, PATIENCE, on_terminal

LONG: Final = 20.0
SELECT: Final = select.select


@contextmanager
def handler(
    number: signal.Signals, action: signal.Handlers | Callable[..., object]
) -> Iterator[None]:
    before = signal.signal(number, action)
    try:
        yield
    finally:
        signal.signal(number, before)


class TellingSelector(selectors.DefaultSelector):
    """Tells when the event loop is about to sleep for long."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = threading.Event()

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 1:
            self.asleep.set()
        return super().select(timeout)


def test_a_signal_that_comes_just_before_the_loop_sleeps_is_not_lost() -> None:
    """Another thread takes the signal, so it is noted, but interrupts no `select`.

    The same as one that the main thread takes after its last line of Python.
    """
    selector = TellingSelector()

    def take_the_signal() -> None:
        selector.asleep.wait()
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    async def work() -> float:
        loop = asyncio.get_running_loop()
        noted = asyncio.Event()
        with signals_wake_the_loop(), on_interrupt(noted.set):
            began = loop.time()
            loop.call_later(LONG, noted.set)
            threading.Thread(target=take_the_signal).start()
            await noted.wait()
        return loop.time() - began

    with asyncio.Runner(
        loop_factory=lambda: asyncio.SelectorEventLoop(selector)
    ) as runner:
        assert runner.run(work()) < LONG / 2


def test_a_signal_that_comes_just_before_a_read_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asleep = threading.Event()

    def telling_select(*arguments: object) -> object:
        asleep.set()
        return SELECT(*arguments)  # type: ignore[arg-type]  # passed on as they came

    def take_the_signal() -> None:
        asleep.wait()
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    keyboard, hand = os.pipe()
    with os.fdopen(keyboard) as stdin, os.fdopen(hand, "w") as typing:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr("select.select", telling_select)
        late = threading.Timer(LONG, print, kwargs={"file": typing, "flush": True})
        late.start()
        threading.Thread(target=take_the_signal).start()
        began = time.monotonic()
        with (
            handler(signal.SIGINT, signal.SIG_DFL),
            interruptible(),
            pytest.raises(KeyboardInterrupt),
        ):
            wait_for_input()
        late.cancel()

    assert time.monotonic() - began < LONG / 2


async def test_what_is_ignored_stays_ignored() -> None:
    reactions: list[str] = []

    with handler(signal.SIGHUP, signal.SIG_IGN):
        with on_interrupt(lambda: reactions.append("hung up")):
            signal.raise_signal(signal.SIGHUP)
            await asyncio.sleep(0)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    assert reactions == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_each_way_to_be_told_to_end_has_its_reactions(
    number: signal.Signals,
) -> None:
    reactions: list[str] = []
    before = signal.getsignal(number)

    with on_interrupt(lambda: reactions.append("a"), lambda: reactions.append("b")):
        for _ in range(3):
            signal.raise_signal(number)
            await asyncio.sleep(0)

    assert reactions == ["a", "b", "b"]
    assert signal.getsignal(number) is before


def test_a_blocking_read_is_interrupted_at_once() -> None:
    with (
        handler(signal.SIGINT, signal.SIG_DFL),
        interruptible(),
        pytest.raises(KeyboardInterrupt),
    ):
        signal.raise_signal(signal.SIGINT)


def test_a_ctrl_c_of_a_moment_ago_is_not_forgotten() -> None:
    async def work() -> None:
        signal.raise_signal(signal.SIGINT)
        with interruptible():
            raise AssertionError("it goes on")

    with (
        handler(signal.SIGINT, signal.default_int_handler),
        pytest.raises(KeyboardInterrupt),
    ):
        asyncio.run(work())


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    with handler(signal.SIGINT, signal.SIG_IGN):
        with interruptible():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


async def test_signals_are_left_alone_outside_the_main_thread() -> None:
    entered: list[bool] = []

    async def work() -> None:
        with signals_wake_the_loop(), on_interrupt(lambda: None), interruptible():
            entered.append(True)

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    await asyncio.to_thread(thread.join)

    assert entered == [True]


INTERRUPTED_IMPORT = """
import os, signal, sys
import css_snapshot
from css_snapshot.cli import main

module = sys.argv.pop()

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
main()
"""


@pytest.mark.parametrize(
    ("command", "module"),
    [
        ("clusters", "typer"),
        ("clusters", "css_snapshot.cli.commands.clusters"),
        ("emulator", "uvicorn"),
    ],
)
def test_ctrl_c_while_modules_are_imported_is_no_traceback(
    command: str, module: str
) -> None:
    ended = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, "-c", INTERRUPTED_IMPORT, command, module],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_ctrl_c_at_a_question_works_at_the_first_press(
    cloud: EmulatorState, cluster: str
) -> None:
    snapshot = cloud.add_snapshot(cluster, "nightly")

    with on_terminal("delete", cluster, snapshot.id) as terminal:
        terminal.wait_for("[y/N]")
        terminal.press(CTRL_C)

        assert terminal.end() == 130

    assert cloud.snapshots(cluster)
    assert "Traceback" not in terminal.shown


def test_ctrl_c_while_targets_are_typed_works_at_the_first_press(
    cloud: EmulatorState, cluster: str
) -> None:
    with on_terminal("fan-out", "-", "--snapshot", "nightly") as terminal:
        terminal.wait_for("Ctrl-D ends it")
        terminal.press(f"{cluster}\n{CTRL_C}")

        assert terminal.end() == 130

    assert not cloud.snapshots(cluster)


def test_a_closed_terminal_ends_a_run_as_being_told_to_terminate_does(
    cloud: EmulatorState, server: EmulatorServer, tmp_path: Path
) -> None:
    for _ in range(9):
        cloud.add_cluster()
    cloud.faults.add(Fault.delay(0.3), operation="create", times=None)
    journal = tmp_path / "nightly.db"

    with on_terminal(
        *("fan-out", "--all-clusters", "--snapshot", "nightly", "--limit", "2"),
        *("--journal", str(journal)),
    ) as terminal:
        terminal.wait_for("created")
        terminal.hang_up()

        assert terminal.end() == 130

    counts = read_status(journal).counts
    held = sum(len(cluster.snapshots) for cluster in cloud.clusters)
    assert counts[State.ACCEPTED] == held < 12
    assert counts[State.INTENT] == counts[State.INDETERMINATE] == 0


def test_a_run_that_is_not_told_goes_on_when_its_terminal_is_closed(
    cloud: EmulatorState, server: EmulatorServer, tmp_path: Path
) -> None:
    for _ in range(3):
        cloud.add_cluster()
    cloud.faults.add(Fault.delay(0.3), operation="create", times=None)
    journal = tmp_path / "nightly.db"

    with on_terminal(
        *("fan-out", "--all-clusters", "--snapshot", "nightly", "--limit", "1"),
        *("--journal", str(journal)),
        deaf=True,
    ) as terminal:
        terminal.wait_for("created")
        terminal.hang_up()

        assert terminal.end() == 0

    assert all(len(cluster.snapshots) == 1 for cluster in cloud.clusters)
    assert read_status(journal).counts[State.ACCEPTED] == len(cloud.clusters)


IGNORING = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"


def test_an_ignored_ctrl_c_is_ignored_while_modules_are_imported_too() -> None:
    ended = subprocess.run(  # noqa: S603  # our own script
        [
            sys.executable,
            "-c",
            IGNORING + INTERRUPTED_IMPORT,
            *("demo", "--clusters", "x", "typer"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )

    assert ended.returncode == 2
    assert "--clusters" in ended.stderr
