"""Walking the list of clusters, whose pages are asked for differently by site.

Older sites count from `start`, newer ones from `offset`, both beginning with 1, and what
a site does not know it ignores: the same page would come for ever. So both are sent,
pages are as large as can be, and what came is held against the total.
"""

from collections.abc import AsyncIterator, Iterable
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

import attrs

from css_snapshot.api.clusters import Cluster, ClusterPage
from css_snapshot.api.operations import LIST_CLUSTERS
from css_snapshot.api.rules import check_engine
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import InvalidResponseError

_LARGEST_PAGE: Final = 1000
_SMALLEST_PAGE: Final = 10
_WALKS: Final = 3


def clusters(client: ApiClient, engine: str | None) -> AsyncIterator[Cluster]:
    """Answer the clusters of the project; see `SnapshotService.clusters`.

    Raises:
        RequestValidationError: `engine` is none; raised at once, not when iterated.
    """
    if engine is not None:
        check_engine(engine)
    return _all(_Pages(client, engine))


async def _all(pages: "_Pages") -> AsyncIterator[Cluster]:
    told: set[str] = set()
    walk = _Walk()
    for _ in range(_WALKS):
        walk = _Walk()
        while not walk.is_over:
            for cluster in walk.take(await pages.at(walk.position)):
                if cluster.id not in told and pages.wants(cluster):
                    told.add(cluster.id)
                    yield cluster
        if walk.is_whole:
            return
    raise InvalidResponseError(
        f"{LIST_CLUSTERS.method} {LIST_CLUSTERS.template}: the list does not come"
        f" whole: {walk.total} counted, {len(walk.seen)} shown",
        status=HTTPStatus.OK,
        method=LIST_CLUSTERS.method,
        path=LIST_CLUSTERS.template,
    )


@attrs.define
class _Pages:
    """Reads pages, as large ones as the site and the size limit of answers allow."""

    client: ApiClient
    engine: str | None
    size: int = _LARGEST_PAGE

    async def at(self, position: int) -> ClusterPage:
        while True:
            try:
                return await self.client.send(
                    LIST_CLUSTERS(query=self._query(position))
                )
            except InvalidResponseError as exc:
                if not exc.oversized or self.size <= _SMALLEST_PAGE:
                    raise
                self.size //= 10

    def wants(self, cluster: Cluster) -> bool:
        """Tell whether it is of the engine asked for: older sites don't filter."""
        return self.engine is None or cluster.engine == self.engine

    def _query(self, position: int) -> str:
        query: dict[str, str | int] = {"limit": self.size}
        if position > 1:
            query |= {"start": position, "offset": position}
        if self.engine is not None:
            query["datastoreType"] = self.engine
        return urlencode(query)


@attrs.define
class _Walk:
    """One walk from the first page to the last, and what it has come across."""

    position: int = 1
    total: int | None = None
    seen: set[str] = attrs.field(factory=set)
    is_over: bool = False
    has_shrunk: bool = False

    def take(self, page: ClusterPage) -> Iterable[Cluster]:
        """Take in a page, and answer the clusters that no earlier page had."""
        before, self.total = self.total, page.total
        if before is not None and self.total is not None and self.total < before:
            # What followed a cluster that is gone moved up, maybe out of sight.
            self.has_shrunk = True
        fresh = {
            cluster.id: cluster
            for cluster in page.clusters
            if cluster.id not in self.seen
        }
        self.seen.update(fresh)
        self.position += len(page.clusters)
        self.is_over = not fresh or (
            self.total is not None and len(self.seen) >= self.total
        )
        return fresh.values()

    @property
    def is_whole(self) -> bool:
        """Whether it came across all there are, as far as the service tells."""
        if self.total is None:
            return True
        return not self.has_shrunk and len(self.seen) >= self.total
