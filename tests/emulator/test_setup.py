"""Setting the emulated cloud up by a file."""

import json
from pathlib import Path

import pytest

from css_snapshot.emulator import EmulatorState, SetupError, load_setup
from css_snapshot.emulator.cloud.setup import create_state
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import START, create

TOML = """
[options]
build_seconds = 60
site = "otc"
seed = 5
throttle = [100, 1.5]

[[clusters]]
id = "orders"
name = "css-orders"
count = 1
age = 86400
nodes = ["200", "303"]
indices = ["orders-000007"]
outcomes = ["FAILED"]
build_seconds = 30.0
[clusters.tags]
stage = "prod"
[clusters.aliases]
orders = ["orders-000007"]
[clusters.policy]
enabled = true
keep_day = 3
[clusters.repository]
bucket = "my-bucket"
[[clusters.snapshots]]
name = "nightly-1"
age = 3600
outcome = "PART_FAILED"
total_shards = 10
failed_shards = 2
indices = "orders"
build_seconds = 600

[[clusters]]
engine = "opensearch"
count = 2

[[outcomes]]
outcome = "FAILED"
name = "nightly-*"
share = 1

[[faults]]
fault = "status"
operation = "list"
times = 2
[faults.arguments]
status = 500
"""


@pytest.fixture
def setup(tmp_path: Path) -> Path:
    file = tmp_path / "fleet.toml"
    file.write_text(TOML)
    return file


def test_a_file_sets_everything_up(setup: Path, clock: ManualClock) -> None:
    state = load_setup(setup, clock=clock.timestamp, clusters=7, list_lag=4.0, seed=1)

    assert (state.build_seconds, state.site, state.seed) == (60.0, "otc", 5)
    assert (state.throttle, state.list_lag) == ((100, 1.5), 4.0)
    orders, *others = state.clusters
    assert [cluster.engine for cluster in others] == ["opensearch", "opensearch"]
    assert (orders.id, orders.name, orders.nodes) == (
        "orders",
        "css-orders",
        ("200", "303"),
    )
    assert orders.created == START - 86400
    assert (orders.tags, orders.policy.keep_day) == ({"stage": "prod"}, 3)
    assert orders.repository.bucket == "my-bucket"
    (snapshot,) = orders.snapshots
    assert (snapshot.status, snapshot.failed_shards) == ("PART_FAILED", 2)
    assert (snapshot.indices, snapshot.ends) == ("orders-000007", START - 3000)
    assert list(orders.outcomes) == ["FAILED"]
    assert (len(state.outcomes), len(state.faults)) == (1, 1)
    create(state, "orders")
    assert orders.snapshots[-1].build_seconds == 30.0


def test_json_says_the_same(setup: Path, tmp_path: Path, clock: ManualClock) -> None:
    file = tmp_path / "fleet.json"
    file.write_text(
        json.dumps({"clusters": [{"name": "one"}], "options": {"quota": 5}})
    )
    state = load_setup(file, clock=clock.timestamp)
    assert ([cluster.name for cluster in state.clusters], state.quota) == (["one"], 5)


def test_without_a_file_or_clusters_the_defaults_hold(tmp_path: Path) -> None:
    file = tmp_path / "fleet.json"
    file.write_text("{}")
    assert len(load_setup(file, clusters=7).clusters) == 7
    assert len(load_setup(None, clusters=2).clusters) == 2
    assert load_setup(None).clusters != ()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "set-up: is not an object"),
        ({"cluster": []}, "set-up: 'cluster' is not one of options, clusters, "),
        ({"options": []}, "options: is not an object"),
        ({"options": {"site": "mars"}}, "options.site: is not one of huawei, otc"),
        ({"options": {"clock": 1}}, "options: 'clock' is not one of site, "),
        ({"options": {"clusters": 1}}, "options: 'clusters' is not one of "),
        ({"options": {"quota": True}}, "options.quota: is not a whole number"),
        ({"options": {"quota": 1.5}}, "options.quota: is not a whole number"),
        ({"options": {"quota": -1}}, "options.quota: is not from 0 to "),
        ({"options": {"list_lag": "1"}}, "options.list_lag: is not a number"),
        ({"options": {"list_lag": float("nan")}}, "options.list_lag: is not from 0 to"),
        ({"options": {"list_lag": 10**400}}, "options.list_lag: is not from 0 to "),
        ({"options": {"busy_lock": 1}}, "options.busy_lock: is not true or false"),
        ({"options": {"throttle": 5}}, "options.throttle: is not a list"),
        ({"options": {"throttle": [5]}}, "options.throttle: does not have 2 items"),
        ({"options": {"agencies": [5]}}, "options.agencies[0]: is not text"),
        ({"clusters": {}}, "clusters: is not a list"),
        ({"clusters": [5]}, "clusters[0]: is not an object"),
        ({"clusters": [{}, {"nam": "x"}]}, "clusters[1]: 'nam' is not one of id, "),
        ({"clusters": [{"count": 10_001}]}, "clusters[0].count: is not from 0 to"),
        ({"clusters": [{"engine": "solr"}]}, "clusters[0]: 'engine' must be in "),
        ({"clusters": [{"tags": {"a": 1}}]}, "clusters[0].tags.a: is not text"),
        ({"clusters": [{"tags": []}]}, "clusters[0].tags: is not an object"),
        ({"clusters": [{"outcomes": ["X"]}]}, "clusters[0].outcomes[0]: is not one"),
        (
            {"clusters": [{"policy": {"period": "1"}}]},
            "clusters[0].policy: 'period' must match regex",
        ),
        ({"clusters": [{"repository": {}}]}, "clusters[0].repository: lacks bucket"),
        ({"clusters": [{"snapshots": {}}]}, "clusters[0].snapshots: is not a list"),
        ({"clusters": [{"snapshots": [{}]}]}, "clusters[0].snapshots[0]: lacks name"),
        (
            {"clusters": [{"snapshots": [{"name": "a", "age": -1}]}]},
            "clusters[0].snapshots[0].age: is not from 0 to ",
        ),
        ({"outcomes": [{"outcome": "X"}]}, "outcomes[0].outcome: is not one of "),
        ({"faults": [{"fault": "x"}]}, "faults[0]: fault must be one of status, "),
        (
            {"faults": [{"fault": "drop", "arguments": {"x": 1}}]},
            "faults[0]: arguments don't fit the fault",
        ),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_with_its_place(document: object, message: str) -> None:
    with pytest.raises(SetupError) as caught:
        create_state(document)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["bad.json", "bad.toml"])
def test_a_malformed_file_is_named(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"\xff{")
    with pytest.raises(SetupError) as caught:
        load_setup(file)
    assert str(caught.value).startswith(f"{file}: ")


def test_deep_json_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "deep.json"
    file.write_text("[" * 100_000)
    with pytest.raises(SetupError):
        load_setup(file)


def test_a_number_of_clusters_too_many_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("css_snapshot.emulator.cloud.fleet.MOST_CLUSTERS", 2)
    with pytest.raises(SetupError, match=r"clusters\[0\]: there are 2 clusters"):
        create_state({"clusters": [{"count": 3}]})


def test_a_set_up_makes_a_plain_state_of_nothing() -> None:
    assert isinstance(create_state({}), EmulatorState)
