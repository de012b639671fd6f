"""The standard streams of a process whose reader or terminal may be gone."""

import errno
import os
import sys
from contextlib import suppress
from typing import TextIO


def silence_closed_streams() -> None:
    """Let what is still to be written go nowhere, once a reader is gone.

    Python would otherwise complain when it flushes the streams at its end.
    See https://docs.python.org/3/library/signal.html#note-on-sigpipe.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            _redirect_to_nothing(stream)


def silence_lost_terminal() -> None:
    """Let output go nowhere that was for a terminal which has been closed."""
    if sys.platform == "win32":
        return
    import termios  # noqa: PLC0415  # not on Windows

    for stream in (sys.stdout, sys.stderr):
        try:
            termios.tcgetattr(stream.fileno())
        except termios.error as exc:
            if exc.args[0] == errno.EIO:
                _redirect_to_nothing(stream)
        except (OSError, ValueError):
            continue


def _redirect_to_nothing(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
