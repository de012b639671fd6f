"""Coverage as Prometheus metrics: names, units, states, and what is not known."""

import importlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from css_snapshot import Coverage, Snapshot, SnapshotStatus
from css_snapshot.integrations.prometheus import CoverageCollector, openmetrics
from css_snapshot.typing import CoverageState

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
BEGUN = NOW - timedelta(hours=4)
DAY = 86400.0

Samples = Mapping[tuple[str, str, str], float]


def coverage(cluster_id: str, state: CoverageState, **more: object) -> Coverage:
    return Coverage(
        cluster_id=cluster_id,
        cluster_name=f"name-of-{cluster_id}",
        state=state,
        **more,  # type: ignore[arg-type]  # of the tests below
    )


def good(**more: object) -> Snapshot:
    return Snapshot(
        id="s1",
        name="nightly",
        status=SnapshotStatus.COMPLETED,
        **more,  # type: ignore[arg-type]  # of the tests below
    )


def samples(*coverages: Coverage) -> Samples:
    """Return the values by metric, cluster and state, as a strict parser reads them."""
    text = openmetrics(coverages, checked=NOW, max_age=DAY)
    return {
        (
            sample.name,
            sample.labels.get("cluster_id", ""),
            sample.labels.get("state", ""),
        ): sample.value
        for family in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]  # it has no types
        for sample in family.samples
    }


FRESH = coverage("c1", "fresh", last_good=good(start_time=BEGUN), failures_since=2)
UNREADABLE = coverage("c2", "unreadable", why="403")


def test_the_last_success_is_a_time() -> None:
    found = samples(
        FRESH,
        coverage("c3", "stale", last_good=good(created=BEGUN)),
        coverage("c4", "stale", last_good=good()),
        coverage("c5", "never"),
    )

    name = "css_snapshot_last_success_timestamp_seconds"
    assert {key: value for key, value in found.items() if key[0] == name} == {
        (name, "c1", ""): BEGUN.timestamp(),
        (name, "c3", ""): BEGUN.timestamp(),
    }


@pytest.mark.parametrize(
    "state", ["fresh", "stale", "never", "stuck", "off", "unreadable"]
)
def test_exactly_one_state_is_1(state: CoverageState) -> None:
    found = samples(coverage("c1", state))

    states = {
        key[2]: value
        for key, value in found.items()
        if key[0] == "css_snapshot_coverage_state"
    }
    assert len(states) == 6
    assert {key for key, value in states.items() if value} == {state}


def test_what_can_t_be_looked_at_is_told_and_nothing_else_of_it() -> None:
    found = samples(FRESH, UNREADABLE)

    assert found["css_snapshot_cluster_readable", "c1", ""] == 1
    assert found["css_snapshot_cluster_readable", "c2", ""] == 0
    assert found["css_snapshot_failures_since_success", "c1", ""] == 2
    assert ("css_snapshot_failures_since_success", "c2", "") not in found
    assert ("css_snapshot_last_success_timestamp_seconds", "c2", "") not in found


def test_the_check_itself_is_told() -> None:
    found = samples()

    assert found == {
        ("css_snapshot_check_timestamp_seconds", "", ""): NOW.timestamp(),
        ("css_snapshot_check_max_age_seconds", "", ""): DAY,
    }


def test_a_name_with_quotes_and_line_breaks_is_escaped() -> None:
    odd = 'a "quoted"\\name\nof two lines'
    cluster = Coverage(cluster_id="c1", cluster_name=odd, state="fresh")

    text = openmetrics([cluster], checked=NOW, max_age=DAY)

    names = {
        sample.labels["cluster_name"]
        for family in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]  # it has no types
        for sample in family.samples
        if "cluster_name" in sample.labels
    }
    assert names == {odd}


def test_a_collector_shows_the_last_check() -> None:
    collector = CoverageCollector()
    registry = CollectorRegistry(auto_describe=True)
    registry.register(collector)
    labels = {"cluster_id": "c1", "cluster_name": "name-of-c1"}
    readable = "css_snapshot_cluster_readable"

    assert registry.get_sample_value(readable, labels) is None
    collector.update([FRESH], checked=NOW, max_age=DAY)
    assert registry.get_sample_value(readable, labels) == 1
    collector.update([], checked=NOW, max_age=DAY)
    assert registry.get_sample_value(readable, labels) is None


def test_the_names_follow_prometheus_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: the package prometheus)")
    text = openmetrics([FRESH, UNREADABLE], checked=NOW, max_age=DAY)

    checked = subprocess.run(  # noqa: S603  # the tool that was found
        [promtool, "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "css_snapshot.integrations.prometheus"
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    with pytest.raises(ImportError, match=r"css-snapshot\[prometheus\]"):
        importlib.import_module(name)
