"""Why a run stops: what would fail the same way for every target, or a request."""

from collections.abc import Callable
from typing import Final

from css_snapshot.errors import (
    AuthenticationError,
    FanOutStoppedError,
    JournalEntryError,
    JournalError,
)
from css_snapshot.fanout.options import RunOptions
from css_snapshot.fanout.outcomes import Failed, Indeterminate, Outcome, Spoiled

_ERRORS_KEPT: Final = 100
_DEPTH: Final = 10


class Stopping:
    """The one way to stop a run, for whoever has a reason.

    Args:
        options: The run's options.

    Attributes:
        reason: Why the run stopped; empty while it goes on.
        errors: What it stopped for, the first hundred; empty if it was asked to stop.
        fatal: Whether nothing more can be seen or written down, so that not even what
            was accepted can be followed to its end.
        on_stop: Called once, when the run is stopped.
    """

    def __init__(self, options: RunOptions) -> None:
        self.reason = ""
        self.errors: list[Exception] = []
        self.fatal = False
        self.on_stop: Callable[[], object] = lambda: None
        self._failures_left = options.max_failures
        self._fail_fast = options.on_error == "fail_fast"

    def stop(
        self, reason: str, error: Exception | None = None, *, fatal: bool = False
    ) -> None:
        """Stop the run: no more targets are started.

        Args:
            reason: Why, in a few words.
            error: The error that is the reason, kept for the end of the run.
            fatal: As the attribute.
        """
        if error is not None:
            self._keep(error)
        first = not self.reason
        if first:
            self.reason = reason
        if first or (fatal and not self.fatal):
            self.fatal = self.fatal or fatal
            self.on_stop()

    def stop_for(self, error: Exception) -> bool:
        """Stop the run if an error would meet every target alike.

        Returns:
            Whether it is such an error.
        """
        if is_about_credentials(error):
            self.stop("the credentials were not accepted", error, fatal=True)
        elif isinstance(error, JournalError) and not isinstance(
            error, JournalEntryError
        ):
            self.stop("the journal failed", error, fatal=True)
        else:
            return False
        return True

    def note(self, outcome: Outcome[object]) -> None:
        """Take an outcome into account, which may be the one that stops the run."""
        if not isinstance(outcome, Failed | Spoiled | Indeterminate):
            return
        error = outcome.error
        if self.stop_for(error):
            return
        if self._fail_fast:
            self.stop("a target failed", error)
        elif self._failures_left is not None:
            self._keep(error)
            self._failures_left -= 1
            if self._failures_left == 0:
                self.stop("too many targets failed")

    def report(self) -> FanOutStoppedError | None:
        """Return the error that a stopped run ends with, `None` if there is none."""
        if not self.reason or not self.errors:
            return None
        return FanOutStoppedError(f"fan-out stopped early: {self.reason}", self.errors)

    def _keep(self, error: Exception) -> None:
        known = any(error is kept for kept in self.errors)
        if not known and len(self.errors) < _ERRORS_KEPT:
            self.errors.append(error)


def is_about_credentials(error: BaseException | None) -> bool:
    """Check whether refused credentials are behind an error, however deep."""
    for _ in range(_DEPTH):
        if error is None or isinstance(error, AuthenticationError):
            break
        error = error.__cause__ or error.__context__
    return isinstance(error, AuthenticationError)
