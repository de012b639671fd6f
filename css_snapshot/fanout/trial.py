"""One try at a target, and what its error then proves."""

from collections.abc import Awaitable, Callable
from typing import Literal

import attrs

from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.errors import (
    ClusterBusyError,
    CSSError,
    IndeterminateError,
)
from css_snapshot.workflows.ensure import Intent
from css_snapshot.workflows.verdict import may_have_created

Fate = Literal["busy", "failed", "indeterminate"]


@attrs.define
class Trial:
    """One try at a target: what is to be created, and whether that has begun.

    Attributes:
        request: The target's values, checked.
        previous: What an earlier try or run left unresolved; it must be looked for
            before anything is sent.
        sent: How many times a creation was about to be sent.
        unresolved: Whether a creation may have happened that nobody has seen.
    """

    request: CreateSnapshotRequest
    previous: Intent | None
    _write: Callable[[], Awaitable[None]]
    sent: int = attrs.field(default=0, init=False)
    unresolved: bool = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.unresolved = self.previous is not None

    async def intend(self) -> None:
        """Write down that a creation is about to be sent; durable on return.

        Raises:
            JournalError: If it can't be written, so that nothing must be sent.
        """
        await self._write()
        self.sent += 1
        self.unresolved = True

    def resolve(self) -> None:
        """Note that whatever was sent is known not to exist."""
        self.unresolved = False

    def fate(self, error: Exception) -> Fate:
        """Return what a target has come to whose operation raised an error."""
        if self.unresolved and (not self.sent or leaves_open(error)):
            return "indeterminate"
        return "busy" if isinstance(error, ClusterBusyError) else "failed"


def leaves_open(error: Exception) -> bool:
    """Check whether something may have been created though an operation raised this."""
    if isinstance(error, IndeterminateError) or not isinstance(error, CSSError):
        return True
    return any(map(may_have_created, (error, *error.earlier)))
