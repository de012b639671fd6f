"""The list of clusters: its pages, its filter, its rows."""

from collections.abc import Mapping

import pytest

from css_snapshot.emulator import EmulatedCluster, EmulatorState
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import START, create, refusal


def _fleet(clock: ManualClock, count: int, **options: str) -> EmulatorState:
    clusters = [
        EmulatedCluster(id=f"cluster-{number}", created=START - number)
        for number in range(count)
    ]
    return EmulatorState(clock=clock.timestamp, clusters=clusters, **options)  # type: ignore[arg-type]  # paging


def _ids(state: EmulatorState, **query: str) -> list[str]:
    clusters = state.list_clusters(query)["clusters"]
    assert isinstance(clusters, list)
    return [row["id"] for row in clusters]


def _names(*numbers: int) -> list[str]:
    return [f"cluster-{number}" for number in numbers]


def test_without_a_limit_ten_are_shown_newest_first_and_all_are_counted(
    clock: ManualClock,
) -> None:
    state = _fleet(clock, 12)
    assert _ids(state) == _names(*range(10))
    assert state.list_clusters()["totalSize"] == 12


@pytest.mark.parametrize("name", ["start", "offset"])
def test_paging_counts_from_one(clock: ManualClock, name: str) -> None:
    state = _fleet(clock, 5)
    assert _ids(state, limit="2", **{name: "1"}) == _names(0, 1)
    assert _ids(state, limit="2", **{name: "3"}) == _names(2, 3)
    assert _ids(state, limit="2", **{name: "5"}) == _names(4)
    assert _ids(state, limit="2", **{name: "6"}) == []


@pytest.mark.parametrize(
    ("paging", "ignored"), [("start", "offset"), ("offset", "start")]
)
def test_the_parameter_a_site_does_not_know_is_ignored(
    clock: ManualClock, paging: str, ignored: str
) -> None:
    state = _fleet(clock, 5, paging=paging)
    assert _ids(state, limit="2", **{ignored: "3"}) == _names(0, 1)
    assert _ids(state, limit="2", **{paging: "3"}) == _names(2, 3)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "x"},
        {"limit": "-1"},
        {"limit": "1_0"},
        {"limit": "٣"},
        {"limit": "9" * 5000},
        {"start": "0"},
        {"offset": "0"},
        {"datastoreType": "solr"},
    ],
    ids=lambda query: str(query)[:30],
)
def test_a_parameter_out_of_range_is_refused(
    state: EmulatorState, query: Mapping[str, str]
) -> None:
    assert refusal(state.list_clusters, query) == (400, "CSS.0001")


def test_an_empty_parameter_is_as_good_as_none(state: EmulatorState) -> None:
    query = {"limit": "", "start": "", "datastoreType": ""}
    assert len(_ids(state, **query)) == 3


def test_the_filter_narrows_the_total_too(clock: ManualClock) -> None:
    kinds = ["elasticsearch", "opensearch", "opensearch", "logstash"]
    clusters = [EmulatedCluster(engine=kind) for kind in kinds]
    state = EmulatorState(clock=clock.timestamp, clusters=clusters)

    page = state.list_clusters({"datastoreType": "opensearch", "limit": "1"})

    assert page["totalSize"] == 2
    assert len(_ids(state, datastoreType="OpenSearch")) == 2


def test_a_cluster_looks_the_same_alone_and_in_the_list(
    state: EmulatorState, cluster_id: str
) -> None:
    create(state, cluster_id)
    state.cluster(cluster_id).tags = {"stage": "prod"}

    row = state.get_cluster(cluster_id)

    clusters = state.list_clusters()["clusters"]
    assert isinstance(clusters, list)
    assert row in clusters
    assert row["status"] == "200"
    assert row["actions"] == ["SNAPSHOTTING"]
    assert row["actionProgress"] == {"SNAPSHOTTING": "0%"}
    assert row["tags"] == [{"key": "stage", "value": "prod"}]
    assert row["created"] == "2026-09-21T14:13:20"


def test_clusters_can_be_added_later(state: EmulatorState) -> None:
    plain = state.add_cluster()
    named = state.add_cluster(EmulatedCluster(id="mine", name="css-mine"))

    assert state.cluster_ids[-2:] == (plain.id, "mine")
    assert named.name == "css-mine"
    create(state, "mine")
