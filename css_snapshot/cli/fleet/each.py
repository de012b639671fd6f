"""Something done for each of several clusters: one failure stops no other."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

import attrs
import typer

from css_snapshot.cli.exit_codes import ExitCode, code_for, worst
from css_snapshot.cli.output.output import Output
from css_snapshot.errors import (
    AuthenticationError,
    CredentialsNotFoundError,
    CSSError,
    FanOutStoppedError,
)
from css_snapshot.service import SnapshotService

T = TypeVar("T")

_LIMIT: Final = 16


@attrs.frozen
class Walked(Generic[T]):
    """What came of the clusters.

    Attributes:
        results: What the work returned, in the order of the clusters.
        errors: What failed.
        code: The worst exit code of all.
    """

    results: dict[str, T]
    errors: dict[str, CSSError]
    code: ExitCode


async def for_each(
    output: Output,
    service: SnapshotService,
    cluster_ids: Sequence[str],
    work: Callable[[str], Awaitable[T]],
    *,
    limit: int = _LIMIT,
    quiet: bool = False,
) -> Walked[T]:
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
        quiet: Whether failures are only returned, and not written.

    Raises:
        AuthenticationError: If the credentials are refused.
        CredentialsNotFoundError: If there are none.
    """
    several = len(cluster_ids) > 1
    walk = _Walk(output, work, several=several, quiet=quiet)
    if several:
        await walk.through(service, cluster_ids, limit)
    else:
        await walk.to(cluster_ids[0])
    results = {key: walk.results[key] for key in cluster_ids if key in walk.results}
    return Walked(results, walk.errors, worst(walk.codes))


@attrs.define
class _Walk(Generic[T]):
    """A walk under way, and what came of the clusters so far."""

    output: Output
    work: Callable[[str], Awaitable[T]]
    several: bool = attrs.field(kw_only=True)
    quiet: bool = attrs.field(kw_only=True)
    results: dict[str, T] = attrs.field(factory=dict, init=False)
    errors: dict[str, CSSError] = attrs.field(factory=dict, init=False)
    codes: set[ExitCode] = attrs.field(factory=set, init=False)

    async def to(self, cluster_id: str) -> None:
        """Await the work for one cluster."""
        try:
            self.results[cluster_id] = await self.work(cluster_id)
        except Exception as exc:  # noqa: BLE001  # sorted out there
            self._failed(cluster_id, exc)

    async def through(
        self, service: SnapshotService, cluster_ids: Sequence[str], limit: int
    ) -> None:
        """Await the work for several clusters."""
        # Here, as a command for one cluster does without the machine.
        from css_snapshot.fanout import Done  # noqa: PLC0415  # see above

        run = service.each(self._telling(), clusters=cluster_ids, limit=limit)
        try:
            async with run:
                async for outcome in run:
                    if isinstance(outcome, Done):
                        self.results[outcome.cluster_id] = outcome.result
                    elif _stops(run.stopped_by, outcome.error):
                        raise outcome.error
                    else:
                        self._failed(outcome.cluster_id, outcome.error)
        except FanOutStoppedError as stopped:
            raise stopped.exceptions[0] from None

    def _telling(self) -> Callable[[str], Awaitable[T]]:
        """Return the work, which says the first time that the service throttles it."""
        from css_snapshot.fanout.calls import (  # noqa: PLC0415  # as above
            throttled_by,
        )

        told = False

        async def tell_and_work(cluster_id: str) -> T:
            nonlocal told
            try:
                return await self.work(cluster_id)
            except Exception as exc:
                throttled = throttled_by(exc)
                if throttled is not None and not told:
                    told = True
                    self.output.note(f"going on more slowly: {throttled}")
                raise

        return tell_and_work

    def _failed(self, cluster_id: str, error: Exception) -> None:
        match error:
            case AuthenticationError() | CredentialsNotFoundError():
                raise error
            case CSSError():
                self.errors[cluster_id] = error
                self.codes.add(code_for(error))
                if not self.quiet:
                    self.output.failure(error, about=cluster_id if self.several else "")
            case typer.Exit():
                self.codes.add(ExitCode(error.exit_code))
            case _:
                raise error


def _stops(stopped_by: FanOutStoppedError | None, error: Exception) -> bool:
    """Check whether an error is what a run stopped for."""
    return stopped_by is not None and error in stopped_by.exceptions
