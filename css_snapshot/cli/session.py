"""What every command shares: its options, its service, and how it ends."""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import NoReturn

import attrs
import typer

from css_snapshot.cli.bundles import expanded, gathered
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.settings import Settings
from css_snapshot.errors import CSSError
from css_snapshot.service import SnapshotService

Work = Coroutine[object, object, ExitCode | None]


@attrs.frozen
class Session:
    """One run of a command that talks to the service.

    Attributes:
        settings: What its options say about the service.
        output: Where it writes to.
    """

    settings: Settings
    output: Output

    def service(self) -> AbstractAsyncContextManager[SnapshotService]:
        """Make the service; see `Settings.service`."""
        return self.settings.service()


def command(function: Callable[..., Work]) -> Callable[..., NoReturn]:
    """Make a command of a coroutine function.

    Args:
        function: Its first parameter is a `Session`, or an `Output` if it needs no
            service; the others are its own options.
    """
    parameters = inspect.signature(function).parameters
    first = next(iter(parameters))

    @functools.wraps(function)
    def run(**values: object) -> NoReturn:
        arguments = gathered(parameters, values)
        given = arguments[first]
        output = given if isinstance(given, Output) else _output_of(given)
        finish(output, function(**arguments))

    # Typer learns a command's options from its signature.
    vars(run)["__signature__"] = inspect.Signature(expanded(parameters))
    return run


def finish(output: Output, work: Work) -> NoReturn:
    """Do the work of a command, and end with its exit code.

    Args:
        output: Where an error is written to.
        work: The command, not begun yet.

    Raises:
        typer.Exit: Always, with the exit code.
    """
    try:
        code = asyncio.run(work) or ExitCode.DONE
    except KeyboardInterrupt:
        output.warning("interrupted")
        code = ExitCode.INTERRUPTED
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except (CSSError, OSError) as exc:
        code = output.failure(exc)
    except Exception as exc:  # noqa: BLE001 - people get one line of any error
        code = output.failure(exc, "this is a bug: --debug shows where")
    raise typer.Exit(code)


def _output_of(given: object) -> Output:
    if not isinstance(given, Session):
        raise TypeError("a command begins with a Session or an Output")
    return given.output
