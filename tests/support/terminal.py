"""Commands on a pseudo-terminal, where keys can be pressed and the line be cut."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

import attrs

CTRL_C: Final = "\x03"
PATIENCE: Final = 30.0

_ROWS: Final = 24
_WITH_TERMINAL: Final = (
    "import fcntl, os, signal, sys, termios;"
    "signal.signal(signal.SIGHUP, signal.SIG_IGN if {deaf} else signal.SIG_DFL);"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.executable, [sys.executable, '-m', 'css_snapshot', *sys.argv[1:]])"
)


@attrs.define
class Terminal:
    """A command that runs on a terminal of its own.

    Attributes:
        process: The command.
        line: The descriptor that stands for screen and keyboard.
        shown: What has been written so far.
    """

    process: "subprocess.Popen[bytes]"
    line: int
    shown: str = ""

    def wait_for(self, text: str) -> None:
        """Read the screen until it shows a text."""
        give_up = time.monotonic() + PATIENCE
        while text not in self.shown:
            if time.monotonic() > give_up or not self._read():
                raise AssertionError(f"{text!r} never came: {self.shown!r}")

    def press(self, keys: str) -> None:
        """Type something."""
        os.write(self.line, keys.encode())

    def hang_up(self) -> None:
        """Close the terminal, as when a window or a connection is closed."""
        os.close(self.line)
        self.line = -1

    def end(self) -> int:
        """Read the screen to its end, and return the exit code of the command."""
        while self.line >= 0 and self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        ready, _, _ = select.select([self.line], [], [], PATIENCE)
        piece = b""
        # A terminal whose other end is closed answers with EIO.
        with suppress(OSError):
            piece = os.read(self.line, 4096) if ready else b""
        self.shown += piece.decode()
        return bool(piece)


@contextmanager
def on_terminal(
    *args: str,
    columns: int = 80,
    env: Mapping[str, str] | None = None,
    deaf: bool = False,
) -> Iterator[Terminal]:
    """Run a command on a terminal of its own, and don't leave it behind.

    Args:
        *args: The command line.
        columns: How wide the terminal is.
        env: Variables besides those of this process.
        deaf: Whether it is not to be told when the terminal is closed.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
    started = subprocess.Popen(  # noqa: S603  # our own command
        [sys.executable, "-c", _WITH_TERMINAL.format(deaf=deaf), *args],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", **(env or {})},
    )
    os.close(theirs)
    terminal = Terminal(started, ours)
    try:
        yield terminal
    finally:
        started.kill()
        started.wait()
        if terminal.line >= 0:
            os.close(terminal.line)
