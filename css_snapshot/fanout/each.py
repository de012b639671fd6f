"""A function called for each of many clusters, by the scheduler of runs."""

import math
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from functools import partial
from typing import Generic, TypeVar, cast

import attrs

from css_snapshot.api.clusters import Cluster
from css_snapshot.client.api_client import ApiClient
from css_snapshot.clock import Clock
from css_snapshot.errors import ConfigurationError
from css_snapshot.fanout.calls import Calls, Returned
from css_snapshot.fanout.job import Job
from css_snapshot.fanout.journal.journal import Journal
from css_snapshot.fanout.options import RunOptions
from css_snapshot.fanout.outcomes import Done, Failed
from css_snapshot.fanout.run import FanOut
from css_snapshot.fanout.scheduler import Scheduler
from css_snapshot.fanout.stopping import Stopping
from css_snapshot.fanout.targets import Source, Target
from css_snapshot.fanout.trial import leaves_open
from css_snapshot.typing import OnError
from css_snapshot.workflows.clusters import clusters as clusters_of_the_project

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Given = TypeVar("Given", Cluster, str)


class Each(FanOut[T_co]):
    """A run over clusters, made by `SnapshotService.each`.

    It works while its block is open, as any run does, and hands out an outcome per
    cluster, in the order in which they come about:

        async with snapshots.each(operation) as run:
            async for outcome in run:
                match outcome:
                    case Done(result=result):
                        print(outcome.cluster_name, result)
                    case Failed(error=error):
                        print(outcome.cluster_name, error)
    """

    async def __anext__(self) -> Done[T_co] | Failed:
        # All that `_Calling` makes.
        return cast("Done[T_co] | Failed", await super().__anext__())


def each(
    client: ApiClient,
    operation: Callable[[Given], Awaitable[T]],
    clusters: Iterable[Given] | AsyncIterable[Given] | None,
    *,
    engine: str | None,
    kinds: tuple[type, ...] = (Cluster, str),
    limit: int,
    rate: float | None = None,
    on_error: OnError = "collect",
    workflow: str = "each",
) -> Each[T]:
    """Prepare a run over clusters; see `SnapshotService.each`."""
    if clusters is not None and engine is not None:
        raise ConfigurationError("engine: must not come with clusters")
    options = RunOptions(
        limit=limit,
        rate=rate,
        on_error=on_error,
        # Clusters that the service has listed prove the credentials.
        canaries=math.inf if clusters is None else 1,
    )
    stopping = Stopping(options)
    calls = Calls(options=options, stopping=stopping, clock=client.clock)
    scheduler = Scheduler(
        source=Source(
            clusters_of_the_project(client, engine) if clusters is None else clusters,
            kinds,
            ClusterTarget.of_given,
        ),
        processor=_Calling(operation, calls, client.clock),
        stopping=stopping,
        limit=options.limit,
        clock=client.clock,
    )
    return Each(
        scheduler,
        calls=calls,
        stopping=stopping,
        journal=Journal(None, client.clock, stopping),
        telling=calls.of_workflow(client, workflow),
    )


@attrs.frozen
class ClusterTarget(Target):
    """A cluster of which no snapshot is wanted, but something else."""

    given: Cluster | str = attrs.field(kw_only=True, repr=False)
    name: str = attrs.field(default="", init=False, repr=False)
    indices: None = attrs.field(default=None, init=False, repr=False)
    description: None = attrs.field(default=None, init=False, repr=False)

    @classmethod
    def of_given(cls, given: Cluster | str) -> "ClusterTarget":
        """Return the target that a cluster is, or that an id stands for."""
        if isinstance(given, str):
            return cls(given, given=given)
        return cls(given.id, given=given, cluster_name=given.name)

    def __str__(self) -> str:
        return self.cluster_id


@attrs.frozen
class _Calling(Generic[Given, T]):
    """Calls a caller's function for clusters, any number of them at once."""

    operation: Callable[[Given], Awaitable[T]]
    calls: Calls
    clock: Clock

    async def process(self, job: Job) -> Done[T] | Failed:
        """Call the function for a cluster, again as often as it is throttled."""
        # What comes from this run's source.
        given = cast("ClusterTarget", job.target).given
        operation = partial(self.operation, cast("Given", given))
        job.began = self.clock.monotonic()
        while True:
            called = await self.calls.call(job, operation)
            job.attempts += 1
            if isinstance(called, Returned):
                return Done(
                    target=job.target,
                    cluster=None if isinstance(given, str) else given,
                    result=called.result,
                    attempts=job.attempts,
                    elapsed=self.clock.monotonic() - job.began,
                )
            failed = self.lost(job, called.error)
            if not called.is_passing or leaves_open(called.error):
                return failed
            job.under_way, job.fallback = False, failed

    def lost(self, job: Job, error: Exception) -> Failed:
        """Return the outcome of a cluster for which the function did not return."""
        return Failed(
            target=job.target,
            error=error,
            attempts=job.attempts,
            elapsed=self.clock.monotonic() - job.began,
        )
