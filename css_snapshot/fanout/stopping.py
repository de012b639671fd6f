"""When a run must not go on: what would fail the same way for every target."""

from typing import Final

from css_snapshot.errors import AuthenticationError, JournalError
from css_snapshot.fanout.options import Settings
from css_snapshot.fanout.outcomes import Failed, Indeterminate, Outcome

NOT_ACCEPTED: Final = "the credentials were not accepted"
"""Why a run stops that would fail the same way, and lock the key."""

_ERRORS_KEPT: Final = 100
_DEPTH: Final = 10


class Breaker:
    """Watches outcomes, and keeps the errors that are the reason to stop.

    Args:
        settings: The run's options.

    Attributes:
        reason: Why the run stopped; empty while it has not.
        errors: What it stopped for, the first hundred; empty if somebody asked it
            to stop.
    """

    def __init__(self, settings: Settings) -> None:
        self.reason = ""
        self.errors: list[Exception] = []
        self._failures_left = settings.max_failures
        self._fail_fast = settings.on_error == "fail_fast"

    def note(self, outcome: Outcome[object]) -> bool:
        """Take an outcome into account.

        Returns:
            Whether it is the one that stops the run.
        """
        if not isinstance(outcome, Failed | Indeterminate):
            return False
        error = outcome.error
        if is_about_credentials(error):
            return self.trip(NOT_ACCEPTED, error)
        if isinstance(error, JournalError):
            return self.trip("the journal failed", error)
        if self._fail_fast:
            return self.trip("a target failed", error)
        if self._failures_left is None:
            return False
        self._keep(error)
        self._failures_left -= 1
        return self._failures_left == 0 and self.trip("too many targets failed")

    def trip(self, reason: str, error: Exception | None = None) -> bool:
        """Stop the run.

        Args:
            reason: Why, in a few words.
            error: The error that is the reason, kept for the end of the run.

        Returns:
            Whether the run was still going on.
        """
        if error is not None:
            self._keep(error)
        if self.reason:
            return False
        self.reason = reason
        return True

    def report(self) -> ExceptionGroup[Exception] | None:
        """Make the error that a stopped run ends with, `None` if there is none."""
        if not self.reason or not self.errors:
            return None
        return ExceptionGroup(f"fan-out stopped early: {self.reason}", self.errors)

    def _keep(self, error: Exception) -> None:
        known = any(error is kept for kept in self.errors)
        if not known and len(self.errors) < _ERRORS_KEPT:
            self.errors.append(error)


def is_about_credentials(error: BaseException | None) -> bool:
    """Tell whether refused credentials are behind an error, however deep."""
    for _ in range(_DEPTH):
        if error is None or isinstance(error, AuthenticationError):
            break
        error = error.__cause__ or error.__context__
    return isinstance(error, AuthenticationError)
