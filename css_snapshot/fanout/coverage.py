"""The coverage of many clusters, looked at by a run."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from functools import partial

from css_snapshot.api.clusters import Cluster
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import (
    AuthenticationError,
    ConfigurationError,
    CSSError,
    FanOutStoppedError,
)
from css_snapshot.fanout.each import ClusterTarget, Each, each
from css_snapshot.fanout.outcomes import Done, Failed
from css_snapshot.workflows.coverage import Coverage, CoverageRules, look, unreadable


def coverage(
    client: ApiClient,
    rules: CoverageRules,
    clusters: Iterable[Cluster] | AsyncIterable[Cluster] | None,
    *,
    engine: str | None,
    limit: int,
) -> AsyncIterator[Coverage]:
    """Assess each of many clusters; see `SnapshotService.coverage`."""
    return _iterated(
        each(
            client,
            partial(look, client, rules),
            clusters,
            engine=engine,
            kinds=(Cluster,),
            limit=limit,
            workflow="coverage",
        )
    )


async def _iterated(run: Each[Coverage]) -> AsyncIterator[Coverage]:
    try:
        async with run:
            async for outcome in run:
                yield _coverage_of(outcome)
    except FanOutStoppedError as stopped:
        raise stopped.exceptions[0] from None


def _coverage_of(outcome: Done[Coverage] | Failed) -> Coverage:
    match outcome:
        case Done(result=result):
            return result
        case Failed(error=AuthenticationError() | ConfigurationError()):
            raise outcome.error
        case Failed(
            target=ClusterTarget(given=Cluster() as cluster), error=CSSError() as error
        ):
            return unreadable(cluster.id, cluster, error)
        case _:
            raise outcome.error
