"""Something done for each of several clusters: one failure stops no other."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, Generic, Protocol, TypeVar

import attrs
import typer

from css_snapshot.cli.exit_codes import ExitCode, worst
from css_snapshot.cli.output.output import Output
from css_snapshot.errors import (
    AuthenticationError,
    CredentialsNotFoundError,
    CSSError,
    ThrottledError,
)
from css_snapshot.service import SnapshotService

T = TypeVar("T")

_LIMIT: Final = 16


class OnFailure(Protocol):
    """What is done about a cluster for which something failed."""

    def __call__(self, cluster_id: str, error: CSSError) -> ExitCode:
        """Return the exit code that the failure stands for."""
        ...


async def for_each(
    output: Output,
    service: SnapshotService,
    cluster_ids: Sequence[str],
    work: Callable[[str], Awaitable[T]],
    *,
    limit: int = _LIMIT,
    on_failure: OnFailure | None = None,
) -> tuple[ExitCode, dict[str, T]]:
    """Await something for each cluster, and tell of each failure.

    It is a run of `SnapshotService.each`: the first cluster goes alone until the
    credentials are known to be good, and what the service throttles is done again,
    more slowly. A single cluster needs no run: being throttled is its failure.

    Args:
        output: Where failures are written to.
        service: Carries the calls.
        cluster_ids: The clusters, each once.
        work: Is awaited for each.
        limit: Clusters in flight at most.
        on_failure: What is done about a failure, in place of writing it.

    Returns:
        The worst exit code of all, and what the work returned, in the order of the
        clusters.

    Raises:
        AuthenticationError: If the credentials are refused.
        CredentialsNotFoundError: If there are none.
    """
    about = len(cluster_ids) > 1
    walk = _Walk[T](on_failure or partial(_told, output, about=about))
    if about:
        await walk.through(service, cluster_ids, _Telling(output, work), limit)
    else:
        await walk.to(cluster_ids[0], work)
    found = {key: walk.found[key] for key in cluster_ids if key in walk.found}
    return worst(walk.codes), found


@attrs.frozen
class _Walk(Generic[T]):
    """What came of the clusters so far."""

    on_failure: OnFailure
    found: dict[str, T] = attrs.field(factory=dict)
    codes: set[ExitCode] = attrs.field(factory=set)

    async def to(self, cluster_id: str, work: Callable[[str], Awaitable[T]]) -> None:
        """Await the work for one cluster."""
        try:
            self.found[cluster_id] = await work(cluster_id)
        except Exception as exc:  # noqa: BLE001  # sorted out there
            self._failed(cluster_id, exc)

    async def through(
        self,
        service: SnapshotService,
        cluster_ids: Sequence[str],
        work: Callable[[str], Awaitable[T]],
        limit: int,
    ) -> None:
        """Await the work for several clusters."""
        # Here, as a command for one cluster does without the machine.
        from css_snapshot.fanout import Done  # noqa: PLC0415  # see above

        async with service.each(work, clusters=cluster_ids, limit=limit) as run:
            async for outcome in run:
                if isinstance(outcome, Done):
                    self.found[outcome.cluster_id] = outcome.result
                elif run.stopped_by is not None:
                    raise run.stopped_by.exceptions[0]
                else:
                    self._failed(outcome.cluster_id, outcome.error)

    def _failed(self, cluster_id: str, error: Exception) -> None:
        match error:
            case AuthenticationError() | CredentialsNotFoundError():
                raise error
            case CSSError():
                self.codes.add(self.on_failure(cluster_id, error))
            case typer.Exit():
                self.codes.add(ExitCode(error.exit_code))
            case _:
                raise error


@attrs.define
class _Telling(Generic[T]):
    """Work that says, the first time, that the service throttles it."""

    output: Output
    work: Callable[[str], Awaitable[T]]
    told: bool = False

    async def __call__(self, cluster_id: str) -> T:
        try:
            return await self.work(cluster_id)
        except ThrottledError as exc:
            if not self.told:
                self.told = True
                self.output.note(f"going on more slowly: {exc}")
            raise


def _told(output: Output, cluster_id: str, error: CSSError, *, about: bool) -> ExitCode:
    return output.failure(error, about=cluster_id if about else "")
