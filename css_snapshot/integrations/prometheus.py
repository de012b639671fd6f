"""The coverage of clusters as Prometheus metrics.

    coverages = [one async for one in service.coverage(max_age=26 * 3600)]
    Path("css.prom").write_text(
        openmetrics(coverages, checked=datetime.now(UTC), max_age=26 * 3600)
    )

A process that is scraped registers a `CoverageCollector` instead, and updates it after
each check. All are gauges:

| metric                                      | labels besides the cluster's | value |
|---------------------------------------------|---------|-------|
| `css_snapshot_last_success_timestamp_seconds` |       | when its last usable snapshot began |
| `css_snapshot_coverage_state`               | `state` | 1 for the state it is in, 0 for the others |
| `css_snapshot_cluster_readable`             |         | 1 if it could be looked at |
| `css_snapshot_failures_since_success`       |         | snapshots that failed or lack shards since |
| `css_snapshot_check_timestamp_seconds`      | none    | when the check ran |
| `css_snapshot_check_max_age_seconds`        | none    | the age that a snapshot may have |

Those of the cluster are `cluster_id` and `cluster_name`. A cluster that could not be
looked at has no time of a last success: what was known of it before is no news.

In Grafana, the age of each last snapshot in hours is
`(time() - css_snapshot_last_success_timestamp_seconds) / 3600`.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, get_args

try:
    from prometheus_client import CollectorRegistry, Metric
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.openmetrics.exposition import generate_latest
    from prometheus_client.registry import Collector
except ImportError as exc:
    raise ImportError(
        "this needs the extra css-snapshot[prometheus]:"
        " pip install 'css-snapshot[prometheus]'"
    ) from exc

from css_snapshot.models import Snapshot
from css_snapshot.typing import CoverageState
from css_snapshot.workflows.coverage import Coverage

__all__ = ["CoverageCollector", "openmetrics"]

_CLUSTER: Final = ("cluster_id", "cluster_name")
_STATES: Final[tuple[CoverageState, ...]] = get_args(CoverageState)


class CoverageCollector(Collector):
    """The metrics of the last check, for a `CollectorRegistry`; none before the first."""

    def __init__(self) -> None:
        self._metrics: tuple[Metric, ...] = ()

    def update(
        self, coverages: Iterable[Coverage], *, checked: datetime, max_age: float
    ) -> None:
        """Replace the metrics by those of a new check.

        Args:
            coverages: What it found, one for each cluster.
            checked: When it ran, aware.
            max_age: The seconds that a snapshot may be old.
        """
        found = tuple(coverages)
        self._metrics = (
            _last_success(found),
            _states(found),
            _readable(found),
            _failures(found),
            _gauge("check_timestamp", "When the check ran.", checked.timestamp()),
            _gauge("check_max_age", "The age that a snapshot may have.", max_age),
        )

    def collect(self) -> Iterator[Metric]:
        """Iterate over the metrics, as a registry asks for them."""
        yield from self._metrics


def openmetrics(
    coverages: Iterable[Coverage], *, checked: datetime, max_age: float
) -> str:
    """Return the metrics of a check as OpenMetrics text.

    The text collector of Prometheus's node exporter reads it as well.

    Args:
        coverages: What the check found, one for each cluster.
        checked: When it ran, aware.
        max_age: The seconds that a snapshot may be old.
    """
    collector = CoverageCollector()
    collector.update(coverages, checked=checked, max_age=max_age)
    registry = CollectorRegistry()
    registry.register(collector)
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]  # it has no types
    return text.decode()


def _last_success(coverages: Iterable[Coverage]) -> Metric:
    family = GaugeMetricFamily(
        "css_snapshot_last_success_timestamp",
        "When the last usable snapshot of the cluster began.",
        labels=_CLUSTER,
        unit="seconds",
    )
    for coverage in coverages:
        begun = _begun(coverage.last_good)
        if begun is not None:
            family.add_metric(_labels(coverage), begun.timestamp())
    return family


def _states(coverages: Iterable[Coverage]) -> Metric:
    family = GaugeMetricFamily(
        "css_snapshot_coverage_state",
        "Whether the cluster is in this state: 1 for exactly one of them.",
        labels=(*_CLUSTER, "state"),
    )
    for coverage in coverages:
        for state in _STATES:
            family.add_metric((*_labels(coverage), state), coverage.state == state)
    return family


def _readable(coverages: Iterable[Coverage]) -> Metric:
    family = GaugeMetricFamily(
        "css_snapshot_cluster_readable",
        "Whether the check could look at the cluster.",
        labels=_CLUSTER,
    )
    for coverage in coverages:
        family.add_metric(_labels(coverage), coverage.state != "unreadable")
    return family


def _failures(coverages: Iterable[Coverage]) -> Metric:
    family = GaugeMetricFamily(
        "css_snapshot_failures_since_success",
        "Snapshots that failed or lack shards since the last usable one.",
        labels=_CLUSTER,
    )
    for coverage in coverages:
        if coverage.state != "unreadable":
            family.add_metric(_labels(coverage), coverage.failures_since)
    return family


def _gauge(name: str, text: str, seconds: float) -> Metric:
    return GaugeMetricFamily(
        f"css_snapshot_{name}", text, value=seconds, unit="seconds"
    )


def _labels(coverage: Coverage) -> tuple[str, str]:
    return coverage.cluster_id, coverage.cluster_name


def _begun(snapshot: Snapshot | None) -> datetime | None:
    return None if snapshot is None else snapshot.start_time or snapshot.created
