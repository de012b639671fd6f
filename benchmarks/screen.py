"""The screen of a command: run on a terminal of its own, and drawn as SVG."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import StringIO
from typing import Final

from rich.console import Console
from rich.text import Text

_COLUMNS: Final = 100
_ROWS: Final = 40
_PATIENCE: Final = 60.0
# What the bar does to move: to the line's beginning, down, up, and a line made empty;
# and the cursor hidden and shown.
_MOVES: Final = re.compile(r"(\r|\n|\x1b\[1A|\x1b\[2K|\x1b\[\?25[lh])")

# As rich's own, without its fonts, which a reader would fetch from elsewhere.
_SVG: Final = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-family: ui-monospace, Menlo, Consolas, monospace;
  font-size: 16px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})"
  clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def capture(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    is_enough: Callable[[str], bool] = lambda _: False,
) -> str:
    """Run `css-snapshot` on a terminal, and return what its screen shows in the end.

    Args:
        arguments: Of the command.
        environment: Its variables.
        is_enough: Returns whether a screen is the wanted one; the command is killed
            then, and waited for to its end otherwise.

    Raises:
        TimeoutError: If it does not come to its end.
    """
    written = ""
    give_up = time.monotonic() + _PATIENCE
    with _running(arguments, environment) as line:
        while time.monotonic() < give_up:
            piece = _read(line)
            written += piece.decode()
            if not piece or is_enough(shown(written)):
                return shown(written)
    raise TimeoutError(f"css-snapshot {' '.join(arguments)} came to no end")


def shown(written: str) -> str:
    """Return the lines that a screen has after all that was written to it."""
    lines = [""]
    row = 0
    for part in _MOVES.split(written):
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif part == "\x1b[1A":
            row = max(row - 1, 0)
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part and not _MOVES.fullmatch(part):
            lines[row] += part
    return "\n".join(lines).rstrip()


def drawn(screen: str, *, title: str, name: str) -> str:
    """Return a screen as SVG, with its colours.

    Args:
        screen: What it shows.
        title: The title of its window.
        name: What ids in the picture begin with.
    """
    console = Console(
        record=True,
        file=StringIO(),
        width=_COLUMNS,
        force_terminal=True,
        color_system="standard",
    )
    console.print(Text.from_ansi(screen))
    return console.export_svg(title=title, code_format=_SVG, unique_id=name)


@contextmanager
def _running(arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[int]:
    """Run a command, and yield the descriptor that stands for its terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    process = subprocess.Popen(  # noqa: S603  # our own command
        [sys.executable, "-m", "css_snapshot", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    try:
        yield ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read(line: int) -> bytes:
    """Return what comes next; nothing once the command has ended."""
    ready, _, _ = select.select([line], [], [], _PATIENCE)
    # A terminal whose other end is closed answers with EIO.
    with suppress(OSError):
        return os.read(line, 65536) if ready else b""
    return b""
