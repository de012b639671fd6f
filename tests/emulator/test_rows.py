"""What the lists show, as one site does it or another."""

from typing import Any

import pytest

from css_snapshot.emulator import EmulatedCluster, EmulatorState
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import create, refusal, rows


def _page(state: EmulatorState, **query: str) -> tuple[dict[str, Any], list[str]]:
    page = state.list_clusters(query)
    clusters: Any = page["clusters"]
    return page, [row["id"] for row in clusters]


@pytest.mark.parametrize(
    ("total_size", "shown"),
    [("right", 3), ("wrong", 5), ("text", "3"), ("missing", None)],
)
def test_the_total_may_not_add_up(
    state: EmulatorState, total_size: Any, shown: object
) -> None:
    state.total_size = total_size
    page, ids = _page(state)
    assert page.get("totalSize") == shown
    assert len(ids) == 3


def test_a_site_may_refuse_a_large_limit(state: EmulatorState) -> None:
    state.max_limit = 100
    assert refusal(state.list_clusters, {"limit": "101"}) == (400, "CSS.0001")
    assert len(_page(state, limit="100")[1]) == 3


def test_a_row_may_be_shown_twice(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    for name in ("first", "second"):
        create(state, cluster_id, name)
        clock.advance(2.0)
    state.repeat_rows = True

    names = [row["name"] for row in rows(state, cluster_id)]

    assert names == ["second", "first", "second"]
    assert _page(state)[1].count(_page(state)[1][0]) == 2
    assert rows(state, state.cluster_ids[1]) == []


def test_odd_values_are_in_optional_fields_alone(
    state: EmulatorState, cluster_id: str
) -> None:
    create(state, cluster_id)
    plain = state.get_cluster(cluster_id), rows(state, cluster_id)[0]
    state.odd_fields = True

    odd = state.get_cluster(cluster_id), rows(state, cluster_id)[0]

    for before, after in zip(plain, odd, strict=True):
        changed = {key for key in before if before[key] != after[key]}
        assert before.keys() == after.keys()
        assert len(changed) >= 6
        assert changed.isdisjoint({"id", "name", "status"})
    assert odd[0]["endpoint"] == ["192.0.2.1:9200", "192.0.2.2:9200"]
    assert odd[1]["totalShards"] == ""


@pytest.mark.parametrize(
    ("nodes", "shown"),
    [(None, ["200"]), ([], []), (["200", "303", "100"], ["200", "303", "100"])],
)
def test_nodes_have_statuses_of_their_own(
    clock: ManualClock, nodes: list[str] | None, shown: list[str]
) -> None:
    cluster = EmulatedCluster(nodes=nodes)
    state = EmulatorState(clock=clock.timestamp, clusters=[cluster])

    instances: Any = state.get_cluster(cluster.id)["instances"]

    assert [row["status"] for row in instances] == shown
    assert len({row["id"] for row in instances}) == len(shown)
    assert {row["type"] for row in instances} <= {"ess"}


def test_a_node_of_logstash_is_of_its_kind(clock: ManualClock) -> None:
    cluster = EmulatedCluster(engine="logstash", status="100")
    state = EmulatorState(clock=clock.timestamp, clusters=[cluster])
    instances: Any = state.get_cluster(cluster.id)["instances"]
    assert [(row["type"], row["status"]) for row in instances] == [("lgs", "100")]


def test_otc_has_ways_of_its_own(clock: ManualClock) -> None:
    state = EmulatorState(clock=clock.timestamp, site="otc")
    cluster_id = state.cluster_ids[0]
    create(state, cluster_id)
    settings = {"bucket": "css-backup", "agency": "agency"}

    (row,) = rows(state, cluster_id)

    assert row["backupFrequency"] == "DAY"
    assert "backupKeepDay" not in row
    assert refusal(state.get_cluster, "unknown") == (404, "CSS.0022")
    assert refusal(state.list_snapshots, "unknown") == (404, "CSS.0022")
    for path in ({}, {"base_path": ""}):
        refused = refusal(state.configure, cluster_id, {**settings, **path})
        assert refused == (400, "CSS.0001")
    state.configure(cluster_id, {**settings, "base_path": "a"})


@pytest.mark.parametrize(
    ("code", "status"), [("CSS.5111", 400), ("CSS.0015", 403), ("CSS.3016", 400)]
)
def test_what_a_second_deletion_is_can_be_chosen(
    clock: ManualClock, code: Any, status: int
) -> None:
    state = EmulatorState(clock=clock.timestamp, unknown_snapshot=code)
    cluster_id = state.cluster_ids[0]
    snapshot = state.add_snapshot(cluster_id, "old", age=60.0)

    state.delete_snapshot(cluster_id, snapshot.id)

    second = refusal(state.delete_snapshot, cluster_id, snapshot.id)
    assert second == (status, code)


@pytest.mark.parametrize("status", [409, 202])
def test_a_deletion_may_keep_its_cluster_from_the_next_one(
    clock: ManualClock, status: int
) -> None:
    state = EmulatorState(
        clock=clock.timestamp, delete_busy_seconds=5.0, busy_status=status
    )
    cluster_id, other, _third = state.cluster_ids
    first, second = (
        state.add_snapshot(cluster_id, name, age=60.0).id for name in ("one", "two")
    )
    elsewhere = state.add_snapshot(other, "one", age=60.0).id

    state.delete_snapshot(cluster_id, first)
    state.delete_snapshot(other, elsewhere)
    clock.advance(4.9)
    busy = refusal(state.delete_snapshot, cluster_id, second)
    clock.advance(0.1)
    state.delete_snapshot(cluster_id, second)

    assert busy == (status, "CSS.0011")
    assert state.snapshots(cluster_id) == ()
    create(state, cluster_id)
