"""What a run does with each target: a snapshot, or whatever a caller's function does."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeAlias, TypeVar

import attrs

from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import (
    CSSError,
    DuplicateSnapshotError,
    IndeterminateCreateError,
    SnapshotFailedError,
)
from css_snapshot.fanout.targets import Target
from css_snapshot.fanout.trial import Trial
from css_snapshot.models import Ensured
from css_snapshot.workflows.create import create
from css_snapshot.workflows.ensure import EnsureOptions, ensure

T = TypeVar("T")

Operation: TypeAlias = Callable[[Target, Trial], Awaitable[T]]


@attrs.frozen
class Snapshotting:
    """Creates the snapshot that a target asks for.

    Attributes:
        client: Carries the calls.
        options: What an existing snapshot means, and how long to look.
    """

    client: ApiClient
    options: EnsureOptions

    async def ensure(self, target: Target, trial: Trial) -> Ensured:
        """Look, create, and look again where the answer is unclear."""
        try:
            return await ensure(
                self.client,
                target.cluster_id,
                trial.request,
                self.options,
                on_intent=trial.intend,
                previous=trial.previous,
            )
        except IndeterminateCreateError:
            raise
        except CSSError as exc:
            # After a creation of its own, it has looked and knows what is there; these
            # two say what became of one that an earlier run left open.
            if trial.sent or isinstance(
                exc, DuplicateSnapshotError | SnapshotFailedError
            ):
                trial.resolve()
            raise

    async def create(self, target: Target, trial: Trial) -> Ensured:
        """Create at once, unless it may have been created before."""
        if trial.previous is not None:
            return await self.ensure(target, trial)
        backup = await create(
            self.client, target.cluster_id, trial.request, before=trial.intend
        )
        return Ensured(backup, "created", attempts=trial.sent)


@attrs.frozen
class Calling(Generic[T]):
    """Calls a caller's function, which knows nothing of journals.

    Attributes:
        operation: The function.
        reconcile: What to call in its place where it may have been called before.
    """

    operation: Callable[[Target], Awaitable[T]]
    reconcile: Callable[[Target], Awaitable[T]] | None

    async def __call__(self, target: Target, trial: Trial) -> T:
        """Call the function that fits."""
        previous = trial.previous
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
        await trial.intend()
        try:
            return await self.operation(target)
        except CSSError:
            raise
        except Exception:
            # Only this package's errors can say that something is left open.
            trial.resolve()
            raise
