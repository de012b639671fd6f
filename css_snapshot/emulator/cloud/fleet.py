"""The clusters of a project: finding one, listing a page of them."""

from collections.abc import Iterable, Mapping
from typing import Final

from css_snapshot.emulator.cloud.clusters import ENGINES, EmulatedCluster
from css_snapshot.emulator.cloud.identifiers import Identifiers
from css_snapshot.emulator.cloud.options import Options, Paging
from css_snapshot.emulator.cloud.rows import cluster_row, repeat_first
from css_snapshot.emulator.cloud.timeline import Timeline
from css_snapshot.emulator.cloud.vendor_errors import (
    VendorError,
    bad_parameter,
    css_error,
)

MOST_CLUSTERS: Final = 100_000
_DEFAULT_LIMIT: Final = 10


class Fleet:
    """All clusters of one project; whoever looks at one sees it as it is now.

    Args:
        ids: Makes the ids of clusters that come without one.
        timeline: Brings clusters up to the present.
        options: How the list of clusters behaves.
    """

    def __init__(self, ids: Identifiers, timeline: Timeline, options: Options) -> None:
        self._ids = ids
        self._timeline = timeline
        self._options = options
        self._clusters: dict[str, EmulatedCluster] = {}

    @property
    def clusters(self) -> tuple[EmulatedCluster, ...]:
        """All clusters, in the order in which they came."""
        for cluster in self._clusters.values():
            self._timeline.catch_up(cluster)
        return tuple(self._clusters.values())

    @property
    def ids(self) -> tuple[str, ...]:
        """Their ids, in that order."""
        return tuple(self._clusters)

    def add(self, cluster: EmulatedCluster) -> EmulatedCluster:
        """Take a cluster, fill in what it lacks, and give it the options' clock.

        Raises:
            ValueError: If there are 100,000 clusters already.
        """
        if len(self._clusters) >= MOST_CLUSTERS:
            raise ValueError(f"there are {MOST_CLUSTERS} clusters already")
        clock = self._options.clock
        cluster.id = cluster.id or self._ids.uuid()
        cluster.name = cluster.name or f"css-{cluster.id[:4]}"
        cluster.clock = clock
        if cluster.created is None:
            cluster.created = clock()
        self._clusters[cluster.id] = cluster
        self._timeline.catch_up(cluster)
        return cluster

    def add_all(self, clusters: int | Iterable[EmulatedCluster]) -> None:
        """Take clusters, or make that many plain ones."""
        if isinstance(clusters, int):
            clusters = (EmulatedCluster() for _ in range(clusters))
        for cluster in clusters:
            self.add(cluster)

    def get(self, cluster_id: str) -> EmulatedCluster:
        """Return a cluster by id.

        Raises:
            VendorError: If it is missing: 403 CSS.0015, at the site `"otc"` 404.
        """
        try:
            cluster = self._clusters[cluster_id]
        except KeyError:
            raise self._missing() from None
        self._timeline.catch_up(cluster)
        return cluster

    def page(self, query: Mapping[str, str]) -> dict[str, object]:
        """Return a page of clusters, newest first, as `GET /clusters` does.

        Args:
            query: The request's query parameters.

        Raises:
            VendorError: 400 CSS.0001 for a parameter that is out of range.
        """
        engine = query.get("datastoreType", "").lower()
        if engine and engine not in ENGINES:
            raise bad_parameter("datastoreType is unknown")
        newest_first = sorted(
            self._clusters.values(),
            key=lambda cluster: cluster.created or 0.0,
            reverse=True,
        )
        wanted = [row for row in newest_first if engine in ("", row.engine)]
        limit = _integer(query, "limit", _DEFAULT_LIMIT)
        if not 1 <= limit <= self._options.max_limit:
            raise bad_parameter(f"limit is not between 1 and {self._options.max_limit}")
        first = _first(query, self._options.paging) - 1
        shown = wanted[first : first + limit]
        for cluster in shown:
            self._timeline.catch_up(cluster)
        rows = [cluster_row(cluster, self._options) for cluster in shown]
        return {
            **self._total_size(len(wanted)),
            "clusters": repeat_first(rows, self._options),
        }

    def _total_size(self, total: int) -> dict[str, object]:
        shown: dict[str, object] = {"right": total, "wrong": total + 2}
        shown["text"] = str(total)
        how = self._options.total_size
        return {"totalSize": shown[how]} if how in shown else {}

    def _missing(self) -> VendorError:
        if self._options.site == "otc":
            return css_error(404, "CSS.0022")
        return css_error(403, "CSS.0015")


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
    # int() would also read whitespace, signs, underscores and other scripts' digits.
    if not (value.isascii() and value.isdigit()) or len(value) > len("1000000000"):
        raise bad_parameter(f"{name} is not an integer")
    return int(value)
