"""The command `css-snapshot`; needs the extra `css-snapshot[cli]`."""

import io
import sys


def main() -> None:
    """Run the command that the process was started with, and exit.

    Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 unknown even after
    looking, 130 interrupted.
    """
    try:
        from css_snapshot.cli.app import app  # noqa: PLC0415 - needs the extra
    except ImportError as exc:
        sys.stderr.write(f"error: {exc}\n")
        raise SystemExit(2) from None
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character must not turn a success into an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="css-snapshot")
