"""Index names: what is asked for, what is saved, what is restored."""

import pytest

from css_snapshot.emulator import EmulatedCluster, EmulatorState
from css_snapshot.emulator.cloud.indices import rename, resolve, select_restored
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import refusal, rows

ALIASES = {
    "orders": ["orders-000007"],
    "logs-app": [".ds-logs-app-2026.01.01-000001"],
    "both": ["a", "b1"],
}
HELD = ["a", "b1", "b2", ".kibana_1", "secret-only"]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("*", "a,b1,b2,.kibana_1,secret-only"),
        ("_all", "a,b1,b2,.kibana_1,secret-only"),
        ("a", "a"),
        ("b2,a", "b2,a"),
        ("a,a", "a"),
        ("b*", "b1,b2"),
        ("missing,b*", "b1,b2"),
        ("missing", ""),
        ("orders", "orders-000007"),
        ("logs-app,a", ".ds-logs-app-2026.01.01-000001,a"),
        ("both,b1", "a,b1"),
        ("b*,-b1", "b2"),
        ("*,-b*,-.*", "a,secret-only"),
    ],
)
def test_patterns_and_aliases_stand_for_indices(asked: str, shown: str) -> None:
    assert resolve(asked, HELD, ALIASES) == shown


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("*", "*"), ("a,b*", "a,b*"), ("orders,x", "orders-000007,x"), ("_all", "_all")],
)
def test_where_nothing_is_known_of_indices_what_was_asked_for_is_shown(
    asked: str, shown: str
) -> None:
    assert resolve(asked, None, ALIASES) == shown


def test_a_cluster_without_indices_saves_none() -> None:
    assert resolve("*", [], {}) == ""


@pytest.mark.parametrize(
    ("asked", "restored"),
    [
        ("*", ["a", "b1"]),
        (".kibana_1,b*", [".kibana_1", "b1"]),
        (".kibana*", []),
        ("z", []),
    ],
)
def test_system_indices_are_restored_by_their_names_alone(
    asked: str, restored: list[str]
) -> None:
    saved = "a,b1,.kibana_1,.opendistro_security"
    assert select_restored(asked, saved) == restored


def test_of_patterns_nothing_is_known_and_nothing_restored() -> None:
    assert select_restored("*", "*") == []
    assert select_restored("*", "logs-*,a") == ["a"]
    assert select_restored("*", "") == []


@pytest.mark.parametrize(
    ("pattern", "text", "renamed"),
    [
        ("(.+)", "restored_$1", ["restored_index_1", "restored_other"]),
        ("index_(.+)", "new-$1", ["new-1", "other"]),
        ("index", "restored_index_$1", ["restored_index__1", "other"]),
        ("(x)?other", "$1y$2", ["index_1", "y"]),
        ("(.)(.+)", "$2$1", ["ndex_1i", "thero"]),
        ("index", None, ["index_1", "other"]),
        (None, "b", ["index_1", "other"]),
    ],
)
def test_matches_are_replaced_if_both_halves_are_given(
    pattern: str | None, text: str | None, renamed: list[str]
) -> None:
    assert rename(["index_1", "other"], pattern, text) == renamed


def _two_clusters(
    clock: ManualClock, target: EmulatedCluster
) -> tuple[EmulatorState, str, str]:
    source = EmulatedCluster(indices=["orders-1", "orders-2"], version="7.10.2")
    state = EmulatorState(clock=clock.timestamp, clusters=[source, target])
    snapshot = state.add_snapshot(source.id, "nightly", age=60.0)
    return state, source.id, snapshot.id


def test_a_restoration_brings_indices_once_it_has_ended(clock: ManualClock) -> None:
    target = EmulatedCluster(indices=["mine"])
    state, source, snapshot_id = _two_clusters(clock, target)

    state.restore_snapshot(source, snapshot_id, {"target_cluster": target.id})
    clock.advance(1.9)
    before = state.cluster(target.id).index_names
    clock.advance(0.1)

    assert before == ("mine",)
    assert state.cluster(target.id).index_names == ("mine", "orders-1", "orders-2")
    assert state.cluster(target.id).restorations == []
    saved = state.add_snapshot(target.id, "of-all", age=1.0)
    assert saved.indices == "mine,orders-1,orders-2"


def test_what_is_restored_can_be_chosen_and_renamed(clock: ManualClock) -> None:
    target = EmulatedCluster(indices=[])
    state, source, snapshot_id = _two_clusters(clock, target)
    body = {
        "target_cluster": target.id,
        "indices": "orders-2",
        "rename_pattern": "(.+)",
        "rename_replacement": "drill_$1",
    }

    state.restore_snapshot(source, snapshot_id, body)
    clock.advance(2.0)

    assert state.cluster(target.id).index_names == ("drill_orders-2",)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "failed"),
        ({"rename_pattern": "(.+)"}, "failed"),
        ({"rename_replacement": "new-$1"}, "failed"),
        ({"replace_exist_indices": False}, "failed"),
        ({"replace_exist_indices": True}, "success"),
        ({"indices": "orders-1"}, "success"),
        ({"rename_pattern": "(.+)", "rename_replacement": "new-$1"}, "success"),
    ],
    ids=str,
)
def test_an_index_that_is_there_already_lets_the_restoration_fail(
    clock: ManualClock, change: dict[str, object], status: str
) -> None:
    target = EmulatedCluster(indices=["orders-2"])
    state, source, snapshot_id = _two_clusters(clock, target)

    body = {"target_cluster": target.id, **change}
    state.restore_snapshot(source, snapshot_id, body)
    during = rows(state, source)[0]["restoreStatus"]
    clock.advance(2.0)

    assert during == "restoring"
    assert rows(state, source)[0]["restoreStatus"] == status


def test_a_second_restoration_meets_what_the_first_one_brought(
    clock: ManualClock,
) -> None:
    target = EmulatedCluster()
    state, source, snapshot_id = _two_clusters(clock, target)
    ends = []
    for _ in range(2):
        state.restore_snapshot(source, snapshot_id, {"target_cluster": target.id})
        clock.advance(2.0)
        ends.append(rows(state, source)[0]["restoreStatus"])

    assert ends == ["success", "failed"]
    assert state.cluster(target.id).restored == ("orders-1", "orders-2")


def test_a_failed_restoration_brings_nothing(clock: ManualClock) -> None:
    target = EmulatedCluster(indices=[])
    state, source, snapshot_id = _two_clusters(clock, target)
    state.next_restore(source, "failed")

    state.restore_snapshot(source, snapshot_id, {"target_cluster": target.id})
    clock.advance(2.0)

    assert state.cluster(target.id).index_names == ()


@pytest.mark.parametrize(
    ("version", "engine", "allowed"),
    [
        ("7.10.2", "elasticsearch", True),
        ("7.10.10", "elasticsearch", True),
        ("8.1.3", "elasticsearch", True),
        ("7.9.3", "elasticsearch", False),
        ("7.10", "elasticsearch", False),
        ("6.5.4", "elasticsearch", False),
        ("1.3.6", "opensearch", True),
    ],
)
def test_a_snapshot_goes_into_no_older_version(
    clock: ManualClock, version: str, engine: str, allowed: bool
) -> None:
    target = EmulatedCluster(version=version, engine=engine)
    state, source, snapshot_id = _two_clusters(clock, target)
    body = {"target_cluster": target.id}

    if allowed:
        state.restore_snapshot(source, snapshot_id, body)
    else:
        refused = refusal(state.restore_snapshot, source, snapshot_id, body)
        assert refused == (400, "CSS.6012")
    assert bool(target.restorations) is allowed


def test_the_list_may_separate_indices_otherwise(clock: ManualClock) -> None:
    state = EmulatorState(clock=clock.timestamp, indices_separator=", ")
    cluster_id = state.cluster_ids[0]
    body = {"name": "snapshot_001", "indices": "spaced1,spaced2"}
    state.create_snapshot(cluster_id, body)
    assert rows(state, cluster_id)[0]["indices"] == "spaced1, spaced2"


def test_a_creation_shows_what_an_alias_stands_for(clock: ManualClock) -> None:
    cluster = EmulatedCluster(aliases=ALIASES)
    state = EmulatorState(clock=clock.timestamp, clusters=[cluster])
    state.create_snapshot(cluster.id, {"name": "snapshot_001", "indices": "orders"})
    assert rows(state, cluster.id)[0]["indices"] == "orders-000007"
