"""What the exit code of a command says, and which error ends in which."""

from enum import IntEnum

from css_snapshot.errors import (
    ConfigurationError,
    IndeterminateCreateError,
    RequestValidationError,
    WaitTimeoutError,
)


class ExitCode(IntEnum):
    """How a command ended.

    Attributes:
        DONE: What was asked for is true now.
        FAILED: It is not, and the error says why.
        USAGE: The input or the settings can't work; nothing was sent.
        INDETERMINATE: Unknown: neither a success nor a failure could be proven.
        INTERRUPTED: Stopped by Ctrl-C.
    """

    DONE = 0
    FAILED = 1
    USAGE = 2
    INDETERMINATE = 3
    INTERRUPTED = 130


def code_for(error: BaseException) -> ExitCode:
    """Answer the exit code that an error ends a command with."""
    match error:
        case RequestValidationError() | ConfigurationError():
            return ExitCode.USAGE
        case IndeterminateCreateError() | WaitTimeoutError():
            return ExitCode.INDETERMINATE
        case _:
            return ExitCode.FAILED
