"""What the exit code of a command says, and which error ends in which."""

from enum import IntEnum

from css_snapshot.errors import (
    ConfigurationError,
    IndeterminateError,
    JournalBusyError,
    PruneError,
    RequestValidationError,
    WaitTimeoutError,
)


class ExitCode(IntEnum):
    """How a command ended.

    Attributes:
        DONE: What was asked for is true now.
        FAILED: It is not: something failed, was spoiled, busy or not ready.
        USAGE: The input or the settings can't work; nothing was sent.
        INDETERMINATE: Unknown or late: neither a success nor a failure was proven.
        HELD: The journal is in use by another run (EX_TEMPFAIL of sysexits.h).
        INTERRUPTED: Stopped by Ctrl-C, as 128 + SIGINT.
        CLOSED_PIPE: Nobody read the output to its end, as 128 + SIGPIPE.
    """

    DONE = 0
    FAILED = 1
    USAGE = 2
    INDETERMINATE = 3
    HELD = 75
    INTERRUPTED = 130
    CLOSED_PIPE = 141


def code_for(error: BaseException) -> ExitCode:
    """Return the exit code that an error ends a command with."""
    match error:
        case RequestValidationError() | ConfigurationError():
            return ExitCode.USAGE
        case IndeterminateError() | WaitTimeoutError():
            return ExitCode.INDETERMINATE
        case PruneError(__cause__=IndeterminateError()):
            return ExitCode.INDETERMINATE
        case JournalBusyError():
            return ExitCode.HELD
        case _:
            return ExitCode.FAILED


def worst(codes: set[ExitCode]) -> ExitCode:
    """Return the exit code of several things done: a failure outweighs the unknown."""
    if ExitCode.FAILED in codes:
        return ExitCode.FAILED
    return max(codes, default=ExitCode.DONE)
