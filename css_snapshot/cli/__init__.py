"""The command `css-snapshot`; needs the extra `css-snapshot[cli]`."""

import io
import sys


def main() -> None:
    """Run the command that the process was started with, and exit.

    Exit codes: 0 done, 1 failed, busy or not ready, 2 wrong usage or input, 3 unknown
    or late even after looking, 75 the journal is in use, 130 interrupted.
    """
    if sys.argv[1:] == ["--version"]:
        sys.exit(_show_version())
    from css_snapshot.cli.interrupts import leave_quietly_when_interrupted  # noqa: PLC0415  # not for --version

    leave_quietly_when_interrupted()
    try:
        from css_snapshot.cli.app import app  # noqa: PLC0415  # needs the extra
    except ImportError as exc:
        sys.stderr.write(f"error: {exc}\n")
        raise SystemExit(2) from None
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character must not turn a success into an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="css-snapshot")


def _show_version() -> int:
    from importlib import metadata  # noqa: PLC0415  # slow, and for this alone

    sys.stdout.write(f"css-snapshot {metadata.version('css-snapshot')}\n")
    return 0
