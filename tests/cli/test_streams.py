"""What becomes of the standard streams: on a terminal, on a closed one, and elsewhere."""

import io
import os
import pty
import sys
from collections.abc import Iterator

import pytest

from css_snapshot.cli.streams import prepare_streams, silence_closed_streams

SHORT = 1024


@pytest.fixture
def terminal() -> Iterator[tuple[int, io.TextIOWrapper]]:
    """Open a terminal that knows ASCII alone: what it shows, and what is written to."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="ascii") as opened:
        yield ours, opened
    os.close(ours)


def test_a_line_is_shown_at_once_whatever_the_terminal_lacks(
    terminal: tuple[int, io.TextIOWrapper], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen, stream = terminal
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)

    prepare_streams()

    sys.stdout.write("é\n")
    shown = os.read(screen, SHORT)
    sys.stderr.write("快\n")
    assert (shown, os.read(screen, SHORT)) == (b"\\xe9\r\n", b"\\u5feb\r\n")


def test_what_is_no_terminal_only_escapes_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    other = io.StringIO()
    monkeypatch.setattr(sys, "stdout", file)
    monkeypatch.setattr(sys, "stderr", other)

    prepare_streams()

    assert (sys.stdout, sys.stderr) == (file, other)
    assert file.errors == "backslashreplace"


def test_what_is_left_to_write_to_nobody_goes_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        pipe.write("left over")
        monkeypatch.setattr(sys, "stdout", pipe)
        monkeypatch.setattr(sys, "stderr", io.StringIO())

        silence_closed_streams()

        pipe.flush()
