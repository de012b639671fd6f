"""The walk over the list of clusters, whose pages each site serves differently.

Older sites count from `start`, newer ones from `offset`, both beginning with 1, and a
site ignores the one that it does not know: the same page would come for ever. So both
are sent, pages are as large as the site serves, and what came is compared with the total
that it states. Where that does not add up, smaller pages are tried for what is missing.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Final
from urllib.parse import urlencode

import attrs

from css_snapshot.api.clusters import Cluster, ClusterPage
from css_snapshot.api.operations import LIST_CLUSTERS
from css_snapshot.api.rules import check_engine
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import BadRequestError, CSSError, InvalidResponseError
from css_snapshot.events import ListIncomplete, notify

_LARGEST_PAGE: Final = 1000
_SMALLEST_PAGE: Final = 10
_WALKS: Final = 3


def clusters(client: ApiClient, engine: str | None) -> AsyncIterator[Cluster]:
    """Iterate over the clusters of the project; see `SnapshotService.clusters`.

    Raises:
        RequestValidationError: If `engine` is unknown; raised at once, not when
            iterated.
    """
    if engine is not None:
        check_engine(engine)
    return _all(_Pages(client, engine))


async def _all(pages: "_Pages") -> AsyncIterator[Cluster]:
    for number in range(_WALKS):
        walk, known = _Walk(), len(pages.seen)
        while not walk.is_over:
            page = await pages.at(walk.position, is_needed=number == 0)
            if page is None:
                pages.tell_of_missing()
                return
            for cluster in pages.news(walk.take(page)):
                yield cluster
        if walk.is_whole:
            return
        if len(pages.seen) == known and not walk.may_show_more:
            break
        pages.shrink()
    pages.tell_of_missing()


@attrs.define
class _Pages:
    """Reads pages, as large ones as the site and the size limit of answers allow."""

    client: ApiClient
    engine: str | None
    size: int = _LARGEST_PAGE
    total: int | None = None
    seen: set[str] = attrs.field(factory=set)

    async def at(self, position: int, *, is_needed: bool) -> ClusterPage | None:
        """Return a page, `None` if it can't be had.

        Args:
            position: Where it begins, from 1.
            is_needed: Whether there is no making do without it.

        Raises:
            CSSError: If a page that is needed can't be read.
        """
        while True:
            try:
                page = await self.client.look(
                    LIST_CLUSTERS(query=self._query(position))
                )
            except CSSError as exc:
                if _may_be_too_large(exc) and self.size > _SMALLEST_PAGE:
                    self.shrink()
                elif isinstance(exc, BadRequestError) and position > 1:
                    # The site counts more than it lets be asked for.
                    return None
                elif is_needed:
                    raise
                else:
                    return None
            else:
                self.total = page.total
                return page

    def shrink(self) -> None:
        """Ask for smaller pages from now on."""
        self.size = max(_SMALLEST_PAGE, self.size // 10)

    def news(self, clusters: Iterable[Cluster]) -> Iterator[Cluster]:
        """Iterate over those clusters that are wanted and have not come before."""
        for cluster in clusters:
            if cluster.id not in self.seen:
                self.seen.add(cluster.id)
                # Older sites don't filter.
                if self.engine is None or cluster.engine == self.engine:
                    yield cluster

    def tell_of_missing(self) -> None:
        """Notify the observer that the list did not come as the service counts it."""
        event = ListIncomplete(
            method=LIST_CLUSTERS.method,
            path=LIST_CLUSTERS.template,
            stated=self.total,
            shown=len(self.seen),
        )
        notify(self.client.on_event, event)

    def _query(self, position: int) -> str:
        query: dict[str, str | int] = {"limit": self.size}
        if position > 1:
            query |= {"start": position, "offset": position}
        if self.engine is not None:
            query["datastoreType"] = self.engine
        return urlencode(query)


def _may_be_too_large(failure: CSSError) -> bool:
    """Check whether a smaller page may be served where this one was not."""
    if isinstance(failure, InvalidResponseError):
        return failure.oversized
    # Sites differ in the largest page that they serve, and in the code of a refusal.
    return isinstance(failure, BadRequestError)


@attrs.define
class _Walk:
    """One walk from the first page to the last, and what it has come across."""

    position: int = 1
    total: int | None = None
    seen: set[str] = attrs.field(factory=set)
    left_out: int = 0
    is_over: bool = False
    has_shrunk: bool = False
    ended_on_repeats: bool = False

    def take(self, page: ClusterPage) -> Iterable[Cluster]:
        """Take in a page, and return the clusters that no earlier page of it had."""
        before, self.total = self.total, page.total
        if before is not None and page.total is not None and page.total < before:
            # What followed a cluster that is gone moved up, maybe out of sight.
            self.has_shrunk = True
        fresh = {
            cluster.id: cluster
            for cluster in page.clusters
            if cluster.id not in self.seen
        }
        self.seen.update(fresh)
        self.left_out += page.left_out
        self.position += len(page.clusters) + page.left_out
        brought_something = bool(fresh) or (page.left_out and self._states_more)
        self.is_over = not brought_something or self._adds_up
        self.ended_on_repeats = bool(page.clusters) and not fresh
        return fresh.values()

    @property
    def is_whole(self) -> bool:
        """Whether it came across all there are, as far as the service tells."""
        return not self.has_shrunk and not self._states_more

    @property
    def may_show_more(self) -> bool:
        """Whether another walk may come across what this one did not."""
        return self.has_shrunk or self.ended_on_repeats or not self.seen

    @property
    def _adds_up(self) -> bool:
        return self.total == len(self.seen) + self.left_out

    @property
    def _states_more(self) -> bool:
        return self.total is not None and self.total > len(self.seen) + self.left_out
