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
from css_snapshot.workflows.ensure import OnExists, ensure

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Snapshotting:
    """Makes the snapshot that a target asks for.

    Attributes:
        client: Carries the calls.
        on_exists: What a snapshot of this name that was there before means.
        settle: Seconds a new snapshot may take to show in the list.
    """

    client: ApiClient
    on_exists: OnExists
    settle: float

    async def ensure(self, target: Target, intention: Intention) -> Ensured:
        """Look, create, and look again where the answer is unclear."""

        async def declare() -> None:
            # It has read the list by now.
            intention.accepted()
            await intention.declare()

        try:
            return await ensure(
                self.client,
                target.cluster_id,
                intention.request,
                on_exists=self.on_exists,
                settle=self.settle,
                on_intent=declare,
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
        await intention.declare()
        backup = await create(self.client, target.cluster_id, intention.request)
        return Ensured(backup, "created")


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
