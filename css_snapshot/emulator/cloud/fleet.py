"""The clusters of a project: finding one, listing a page of them."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from css_snapshot.emulator.cloud.clusters import ENGINES, EmulatedCluster
from css_snapshot.emulator.cloud.identifiers import Identifiers
from css_snapshot.emulator.cloud.options import Paging
from css_snapshot.emulator.cloud.vendor_errors import bad_parameter, css_error

_LIMITS: Final = range(1, 1001)
_DEFAULT_LIMIT: Final = 10


class Fleet:
    """All clusters of one project.

    Args:
        ids: Makes the ids of clusters that come without one.
        clock: Answers seconds since the epoch.
    """

    def __init__(
        self, ids: Identifiers, clock: Callable[[], float] = time.time
    ) -> None:
        self._ids = ids
        self._clock = clock
        self._clusters: dict[str, EmulatedCluster] = {}

    @property
    def clusters(self) -> tuple[EmulatedCluster, ...]:
        """All clusters, in the order in which they came."""
        return tuple(self._clusters.values())

    def add(self, cluster: EmulatedCluster) -> EmulatedCluster:
        """Take a cluster, fill in what it lacks, and give it the state's clock."""
        cluster.id = cluster.id or self._ids.uuid()
        cluster.name = cluster.name or f"css-{cluster.id[:4]}"
        cluster.clock = self._clock
        if cluster.created is None:
            cluster.created = self._clock()
        self._clusters[cluster.id] = cluster
        return cluster

    def add_all(self, clusters: int | Iterable[EmulatedCluster]) -> None:
        """Take clusters, or make that many plain ones."""
        if isinstance(clusters, int):
            clusters = (EmulatedCluster() for _ in range(clusters))
        for cluster in clusters:
            self.add(cluster)

    def get(self, cluster_id: str) -> EmulatedCluster:
        """Find a cluster by id.

        Raises:
            VendorError: 403 CSS.0015, as CSS answers for a cluster that is missing.
        """
        try:
            return self._clusters[cluster_id]
        except KeyError:
            raise css_error(403, "CSS.0015") from None

    def page(self, query: Mapping[str, str], paging: Paging) -> dict[str, object]:
        """List a page of clusters, newest first, as `GET /clusters` answers it.

        Args:
            query: The request's query parameters.
            paging: Which of `start` and `offset` counts; the other is ignored.

        Raises:
            VendorError: 400 CSS.0001 for a parameter that is out of range.
        """
        engine = query.get("datastoreType", "").lower()
        if engine and engine not in ENGINES:
            raise bad_parameter("datastoreType is unknown")
        newest_first = sorted(
            self.clusters, key=lambda cluster: cluster.created or 0.0, reverse=True
        )
        wanted = [row for row in newest_first if engine in ("", row.engine)]
        limit = _integer(query, "limit", _DEFAULT_LIMIT)
        if limit not in _LIMITS:
            raise bad_parameter("limit is not between 1 and 1000")
        first = _first(query, paging) - 1
        rows = [cluster.row() for cluster in wanted[first : first + limit]]
        return {"totalSize": len(wanted), "clusters": rows}


def _first(query: Mapping[str, str], paging: Paging) -> int:
    names = ("start", "offset") if paging == "both" else (paging,)
    for name in names:
        if name in query:
            first = _integer(query, name, 1)
            if first < 1:
                raise bad_parameter(f"{name} is below 1")
            return first
    return 1


def _integer(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name, "")
    if not value:
        return default
    # int() would also read blanks, signs, underscores and other scripts' digits.
    if not (value.isascii() and value.isdigit()) or len(value) > len("1000000000"):
        raise bad_parameter(f"{name} is not an integer")
    return int(value)
