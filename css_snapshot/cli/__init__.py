"""The command `css-snapshot`; needs the extra `css-snapshot[cli]`."""

import os
import signal
import sys
from contextlib import suppress

# Nothing else is imported before it is known what is wanted, and before Ctrl-C ends the
# process without a traceback.


def main() -> None:
    """Run the command that the process was started with, and exit.

    Exit codes: 0 done, 1 failed, spoiled, busy or not ready, 2 wrong usage or input, 3
    unknown or late even after looking, 75 the journal is in use, 130 interrupted, 141
    nobody read the output.
    """
    _leave_quietly_when_interrupted()
    if sys.argv[1:] == ["--version"]:
        sys.exit(_show_version())
    _import_quickly()
    try:
        from css_snapshot.cli.app import app  # noqa: PLC0415  # needs the extra
        from css_snapshot.cli.streams import prepare_streams  # noqa: PLC0415
    except ImportError as exc:
        sys.stderr.write(f"error: {exc}\n")
        raise SystemExit(2) from None
    prepare_streams()
    app(prog_name="css-snapshot")


def _leave_quietly_when_interrupted() -> None:
    """Let Ctrl-C end the process without a word, until a command is at work.

    While modules are imported, a `KeyboardInterrupt` would show a traceback.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Outside the main thread, nothing can be done, nor does Ctrl-C get there.
        with suppress(ValueError):
            signal.signal(signal.SIGINT, lambda *_: os._exit(130))


def _import_quickly() -> None:
    """Leave out what importing would spend a sixth of a short command's CPU on.

    What modules are made of stays, so that looking through it for garbage again and
    again finds nothing. And where click is installed, which uvicorn needs, httpx imports
    a command line of its own with all that shows progress and colours code; it does
    without if that can't be imported.
    """
    from css_snapshot.cli.garbage import look_rarely  # noqa: PLC0415  # not before

    look_rarely()
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # as documented


def _show_version() -> int:
    from css_snapshot.version import __version__  # noqa: PLC0415  # for this alone

    sys.stdout.write(f"css-snapshot {__version__}\n")
    return 0
