"""What a run does with each target: a snapshot, or whatever a caller's function does."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import attrs

from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import (
    CSSError,
    DuplicateSnapshotError,
    IndeterminateCreateError,
)
from css_snapshot.fanout.intention import Intention
from css_snapshot.fanout.targets import Target
from css_snapshot.models import Ensured
from css_snapshot.workflows.create import create
from css_snapshot.workflows.ensure import EnsureOptions, ensure

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Snapshotting:
    """Makes the snapshot that a target asks for.

    Attributes:
        client: Carries the calls.
        options: What an existing snapshot means, and how long to look.
    """

    client: ApiClient
    options: EnsureOptions

    async def ensure(self, target: Target, intention: Intention) -> Ensured:
        """Look, create, and look again where the answer is unclear."""
        try:
            return await ensure(
                self.client,
                target.cluster_id,
                intention.request,
                self.options,
                on_intent=intention.declare,
                on_read=intention.accepted,
                previous=intention.previous,
            )
        except IndeterminateCreateError:
            raise
        except CSSError as exc:
            # After a creation of its own, it has looked and knows what is there.
            if intention.declared or isinstance(exc, DuplicateSnapshotError):
                intention.withdraw()
            raise

    async def create(self, target: Target, intention: Intention) -> Ensured:
        """Create at once, unless it may have been created before."""
        if intention.previous is not None:
            return await self.ensure(target, intention)
        backup = await create(
            self.client,
            target.cluster_id,
            intention.request,
            before=intention.declare,
        )
        return Ensured(backup, "created", attempts=intention.declared)


@attrs.frozen
class Calling(Generic[T]):
    """Calls a caller's function, which knows nothing of intentions.

    Attributes:
        operation: The function.
        reconcile: What to call in its place where it may have been called before.
    """

    operation: Callable[[Target], Awaitable[T]]
    reconcile: Callable[[Target], Awaitable[T]] | None

    async def __call__(self, target: Target, intention: Intention) -> T:
        """Call the function that fits the intention."""
        previous = intention.previous
        if previous is not None:
            if self.reconcile is not None:
                return await self.reconcile(target)
            raise IndeterminateCreateError(
                f"{target}: an earlier run was interrupted here, and this one was"
                " given no way to reconcile",
                cluster_id=target.cluster_id,
                name=target.name,
                since=previous.since,
                attempts=0,
            )
        await intention.declare()
        try:
            return await self.operation(target)
        except CSSError:
            raise
        except Exception:
            # Only this package's errors can say that something is left open.
            intention.withdraw()
            raise
