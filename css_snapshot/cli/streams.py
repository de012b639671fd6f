"""The standard streams of a process whose reader or terminal may be gone."""

import errno
import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


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


def prepare_streams() -> None:
    """Let neither a lacking character nor a closed terminal turn a success into an error.

    What a terminal's encoding lacks is escaped; once it is closed, what is still to be
    written goes nowhere. Whether the work goes on then is up to SIGHUP, which comes a
    little later than the first write fails.
    """
    sys.stdout = _prepared(sys.stdout)
    sys.stderr = _prepared(sys.stderr)


def _prepared(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.reconfigure(errors="backslashreplace")
    # On Windows, a console is written to by other means than its descriptor.
    if sys.platform == "win32" or not stream.isatty():
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_Terminal(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=True,
    )


class _Terminal(io.FileIO):
    def write(self, data: "ReadableBuffer", /) -> int:
        """Write to the terminal, or to nothing once it has been closed."""
        try:
            return super().write(data)
        except OSError as exc:
            if exc.errno != errno.EIO:
                raise
        _redirect_to_nothing(self)
        return super().write(data)


def _redirect_to_nothing(stream: "TextIO | io.FileIO") -> None:
    with suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
