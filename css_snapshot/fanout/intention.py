"""What an operation is given besides its target, and what its error then proves."""

from collections.abc import Awaitable, Callable
from typing import Literal

import attrs

from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.errors import ClusterBusyError, CSSError, IndeterminateCreateError
from css_snapshot.workflows.ensure import Intent
from css_snapshot.workflows.verdict import may_have_created

Fate = Literal["busy", "failed", "indeterminate"]


@attrs.define
class Intention:
    """One try at a target: what is to be created, and whether that has begun.

    Attributes:
        request: The target's values, checked.
        previous: What an earlier try or run left unresolved; it must be looked for
            before anything is sent.
        accepted: To be called once the service has accepted the credentials.
        declared: How many times the operation announced that it is about to send.
        unresolved: Whether a creation may have happened that nobody has seen.
    """

    request: CreateSnapshotRequest
    previous: Intent | None
    _write: Callable[[], Awaitable[None]]
    accepted: Callable[[], None]
    declared: int = attrs.field(default=0, init=False)
    unresolved: bool = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.unresolved = self.previous is not None

    async def declare(self) -> None:
        """Write down that the creation is about to be sent; durable on return.

        Raises:
            JournalError: It can't be written, so the creation must not be sent.
        """
        await self._write()
        self.declared += 1
        self.unresolved = True

    def withdraw(self) -> None:
        """Note that whatever was declared is known not to exist."""
        self.unresolved = False

    def fate(self, error: Exception) -> Fate:
        """Answer what a target has come to whose operation raised an error."""
        if self.unresolved and (not self.declared or _leaves_open(error)):
            return "indeterminate"
        return "busy" if isinstance(error, ClusterBusyError) else "failed"


def _leaves_open(error: Exception) -> bool:
    if isinstance(error, IndeterminateCreateError) or not isinstance(error, CSSError):
        return True
    return any(map(may_have_created, (error, *error.earlier)))
