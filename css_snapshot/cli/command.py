"""The frame of every command: its options, its service, and how it ends."""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Final, NoReturn

import attrs
import typer

from css_snapshot.cli.advice import advice_for
from css_snapshot.cli.connection import Location, Sending, open_service
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.garbage import look_as_usual
from css_snapshot.cli.interrupts import interruptible, signals_wake_the_loop
from css_snapshot.cli.option_groups import expanded, gathered
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.streams import silence_closed_streams
from css_snapshot.errors import (
    AuthenticationError,
    ConnectFailedError,
    CredentialsNotFoundError,
    CSSError,
    ForbiddenError,
)
from css_snapshot.service import SnapshotService

# Of these, nothing was carried out, so that advice can't mislead.
_ADVISED: Final = (
    AuthenticationError,
    ConnectFailedError,
    CredentialsNotFoundError,
    ForbiddenError,
)

Work = Coroutine[object, object, ExitCode | None]


@attrs.frozen(kw_only=True)
class Session:
    """One run of a command that talks to the service.

    Attributes:
        location: Where the service is.
        sending: How requests are sent.
        output: Where the command writes to.
    """

    location: Location
    sending: Sending
    output: Output

    def service(self) -> AbstractAsyncContextManager[SnapshotService]:
        """Make the service; see `open_service`."""
        return open_service(self.location, self.sending, self.output)


def command(function: Callable[..., Work]) -> Callable[..., NoReturn]:
    """Make a command of a coroutine function.

    Args:
        function: It has a parameter `session`, or `output` if it needs no service;
            the others are its own options.
    """
    parameters = inspect.signature(function).parameters

    @functools.wraps(function)
    def run(**values: object) -> NoReturn:
        arguments = gathered(parameters, values)
        finish(_output(arguments), function(**arguments))

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
    # What a command needs is imported, and it may be at work for days.
    look_as_usual()
    try:
        code = _outcome(output, work)
    except BrokenPipeError:
        silence_closed_streams()
        code = ExitCode.CLOSED_PIPE
    raise typer.Exit(code)


def _outcome(output: Output, work: Work) -> ExitCode:
    try:
        with interruptible():
            return asyncio.run(_awake(work)) or ExitCode.DONE
    except KeyboardInterrupt:
        output.warning("interrupted")
        return ExitCode.INTERRUPTED
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except _ADVISED as exc:
        return output.failure(exc, advice_for(exc))
    except (CSSError, OSError) as exc:
        return output.failure(exc)
    except Exception as exc:  # noqa: BLE001  # people get one line of any error
        return output.failure(exc, "this is a bug: --debug shows where")


async def _awake(work: Work) -> ExitCode | None:
    with signals_wake_the_loop():
        return await work


def _output(arguments: dict[str, object]) -> Output:
    match arguments:
        case {"session": Session(output=output)} | {"output": Output() as output}:
            return output
    raise TypeError("a command takes a Session or an Output")
