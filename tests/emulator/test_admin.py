"""Driving the emulator from another process."""

import itertools
from typing import Any

import httpx
import pytest

from css_snapshot.emulator import EmulatorState, Fault
from tests.support.emulated_cloud import START, create

FAULTS = "/_emulator/faults"
CLUSTERS = "/_emulator/clusters"


async def test_the_summary_shows_what_really_is(
    state: EmulatorState, client: httpx.AsyncClient, cluster_id: str, cluster_path: str
) -> None:
    state.list_lag = 60.0
    create(state, cluster_id)
    listed = await client.get(f"{cluster_path}/index_snapshots")

    summary = (await client.get("/_emulator/")).json()

    cluster = summary["clusters"][cluster_id]
    assert listed.json() == {"backups": []}
    assert [row["name"] for row in cluster["snapshots"]] == ["snapshot_001"]
    assert cluster["actions"] == ["SNAPSHOTTING"]
    assert set(summary["clusters"]) == set(state.cluster_ids)
    assert summary["counts"] == {"list": 1}
    assert summary["creations"] == 1


@pytest.mark.parametrize(
    ("fault", "arguments", "status"),
    [
        ("status", {"status": 503, "dialect": "gateway"}, 503),
        ("status_after_commit", {"status": 500}, 500),
        ("throttle", {}, 429),
        ("redirect", {"location": "https://elsewhere.invalid"}, 307),
        ("body", {"status": 201, "body": "{"}, 201),
        ("delay", {"seconds": 0}, 200),
    ],
)
async def test_a_fault_can_be_put_in_force_from_outside(
    client: httpx.AsyncClient,
    cluster_path: str,
    fault: str,
    arguments: dict[str, Any],
    status: int,
) -> None:
    body = {"fault": fault, "arguments": arguments, "operation": "cluster"}

    added = await client.post(FAULTS, json=body)
    struck = await client.get(cluster_path)
    after = await client.get(cluster_path)

    assert added.status_code == 201
    assert (struck.status_code, after.status_code) == (status, 200)


async def test_a_fault_from_outside_takes_all_its_conditions(
    state: EmulatorState, client: httpx.AsyncClient, cluster_id: str, cluster_path: str
) -> None:
    body = {
        "fault": "status",
        "arguments": {"status": 500},
        "cluster_id": cluster_id,
        "times": 2,
        "nth": 2,
        "probability": 1,
    }
    await client.post(FAULTS, json=body)
    statuses = [(await client.get(cluster_path)).status_code for _ in range(3)]
    other = cluster_path.replace(cluster_id, state.cluster_ids[1])

    assert statuses == [200, 500, 200]
    assert (await client.get(other)).status_code == 200


async def test_faults_can_be_cleared_from_outside(
    client: httpx.AsyncClient, cluster_path: str
) -> None:
    body = {"fault": "status", "arguments": {"status": 500}, "times": None}
    await client.post(FAULTS, json=body)
    struck = await client.get(cluster_path)

    cleared = await client.delete(FAULTS)

    assert (struck.status_code, cleared.status_code) == (500, 200)
    assert (await client.get(cluster_path)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"fault": "explode"},
        {"fault": ["drop"]},
        {"fault": "drop", "arguments": []},
        {"fault": "drop", "arguments": {"x": 1}},
        {"fault": "status", "arguments": {"status": "500"}},
        {"fault": "status", "arguments": {"status": 999}},
        {"fault": "delay", "arguments": {"seconds": "long"}},
        {"fault": "body", "arguments": {"status": 200, "body": 5}},
        {"fault": "throttle", "arguments": {"limit": 1, "seconds": "x"}},
        {"fault": "drop", "operation": 5},
        {"fault": "drop", "times": "x"},
        {"fault": "drop", "times": -1},
        {"fault": "drop", "nth": True},
        {"fault": "drop", "probability": "x"},
    ],
    ids=str,
)
async def test_a_fault_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, cluster_path: str, body: object
) -> None:
    answer = await client.post(FAULTS, json=body)
    assert answer.status_code == 400
    assert answer.json()["errCode"] == "CSS.0001"
    assert (await client.get(cluster_path)).status_code == 200


async def test_clusters_can_be_added_from_outside(
    state: EmulatorState, client: httpx.AsyncClient
) -> None:
    answer = await client.post(CLUSTERS, json={"count": 2, "engine": "opensearch"})

    ids = answer.json()["clusters"]
    assert answer.status_code == 201
    assert state.cluster_ids[-2:] == tuple(ids)
    assert state.cluster(ids[0]).engine == "opensearch"


@pytest.mark.parametrize(
    "body", [[], {"count": "x"}, {"count": 10_001}, {"engine": "solr"}, {"engine": 1}]
)
async def test_clusters_that_make_no_sense_are_refused(
    state: EmulatorState, client: httpx.AsyncClient, body: object
) -> None:
    answer = await client.post(CLUSTERS, json=body)
    assert answer.status_code == 400
    assert len(state.clusters) == 3


async def test_outcomes_can_be_set_from_outside(
    state: EmulatorState, client: httpx.AsyncClient, cluster_id: str
) -> None:
    path = "/_emulator/outcomes"
    body = {"cluster_id": cluster_id, "outcomes": ["FAILED", "STUCK"]}

    answer = await client.post(path, json=body)
    bad = await client.post(path, json={"cluster_id": cluster_id, "outcomes": ["X"]})
    lost = await client.post(path, json={"outcomes": ["FAILED"]})

    assert [answer.status_code, bad.status_code, lost.status_code] == [200, 400, 403]
    assert list(state.cluster(cluster_id).outcomes) == ["FAILED", "STUCK"]


async def test_a_cluster_is_described_from_outside_down_to_its_past(
    state: EmulatorState, client: httpx.AsyncClient
) -> None:
    body = {
        "name": "css-orders",
        "tags": {"stage": "prod"},
        "age": 3600,
        "indices": ["orders-1"],
        "policy": {"enabled": True, "frequency": "HOUR"},
        "snapshots": [{"name": "nightly", "age": 600, "outcome": "FAILED"}],
    }

    (cluster_id,) = (await client.post(CLUSTERS, json=body)).json()["clusters"]

    cluster = state.cluster(cluster_id)
    (snapshot,) = state.snapshots(cluster_id)
    assert (cluster.name, cluster.tags) == ("css-orders", {"stage": "prod"})
    assert cluster.created == START - 3600
    assert (cluster.policy.enabled, cluster.policy.frequency) == (True, "HOUR")
    assert (snapshot.status, snapshot.created) == ("FAILED", START - 600)
    assert snapshot.indices == "orders-1"


async def test_a_cluster_is_changed_from_outside(
    state: EmulatorState, client: httpx.AsyncClient, cluster_id: str
) -> None:
    path = f"{CLUSTERS}/{cluster_id}"
    body = {"name": "css-new", "tags": {"a": "b"}, "status": "303", "nodes": ["303"]}

    changed = await client.patch(path, json=body)
    refused = [
        await client.patch(path, json={"engine": "solr"}),
        await client.patch(path, json={"id": "other"}),
        await client.patch(path, json={"created": 0}),
        await client.patch(path, json={"name": 1}),
    ]
    lost = await client.patch(f"{CLUSTERS}/unknown", json=body)

    cluster = state.cluster(cluster_id)
    assert changed.status_code == 200
    assert (cluster.name, cluster.status, cluster.tags) == (
        "css-new",
        "303",
        {"a": "b"},
    )
    assert {response.status_code for response in refused} == {400}
    assert cluster.engine == "elasticsearch"
    assert lost.status_code == 403


async def test_snapshots_of_the_past_are_added_and_vanish_from_outside(
    state: EmulatorState, client: httpx.AsyncClient, cluster_id: str
) -> None:
    path = f"{CLUSTERS}/{cluster_id}/snapshots"
    past = {"name": "old", "age": 86400, "automatic": True, "description": "of old"}

    added = await client.post(path, json=past)
    (snapshot,) = state.snapshots(cluster_id)
    vanished = await client.delete(f"{path}/{snapshot.id}")

    assert (added.status_code, added.json()) == (201, {"id": snapshot.id})
    assert (snapshot.automatic, snapshot.description) == (True, "of old")
    assert vanished.status_code == 200
    assert state.snapshots(cluster_id) == ()


async def test_options_are_changed_from_outside(
    state: EmulatorState, client: httpx.AsyncClient
) -> None:
    path = "/_emulator/options"

    changed = await client.patch(path, json={"site": "otc", "throttle": [5, 1]})
    refused = [
        await client.patch(path, json={"site": "mars"}),
        await client.patch(path, json={"clock": 5}),
        await client.patch(path, json={"secret_key": "x"}),
        await client.patch(path, json={"throttle": [5]}),
        await client.patch(path, json=[]),
    ]

    assert changed.status_code == 200
    assert (state.site, state.throttle) == ("otc", (5, 1.0))
    assert {response.status_code for response in refused} == {400}


async def test_rules_are_put_in_force_and_cleared_from_outside(
    state: EmulatorState, client: httpx.AsyncClient, cluster_id: str
) -> None:
    path = "/_emulator/rules"

    added = await client.post(path, json={"outcome": "FAILED", "name": "night*"})
    refused = await client.post(path, json={"outcome": "GREAT"})
    create(state, cluster_id, "nightly")
    (snapshot,) = state.snapshots(cluster_id)
    cleared = await client.delete(path)

    assert [added.status_code, refused.status_code] == [201, 400]
    assert snapshot.outcome == "FAILED"
    assert cleared.status_code == 200
    assert len(state.outcomes) == 0


async def test_more_rules_than_anyone_needs_are_refused(
    state: EmulatorState, client: httpx.AsyncClient, cluster_id: str
) -> None:
    for _ in range(1_000):
        state.outcomes.add("FAILED", times=0)
        state.faults.add(Fault.drop(), operation="none")
    state.cluster(cluster_id).outcomes.extend(itertools.repeat("FAILED", 10_000))

    refused = [
        await client.post("/_emulator/rules", json={"outcome": "FAILED"}),
        await client.post(FAULTS, json={"fault": "drop"}),
        await client.post(
            "/_emulator/outcomes",
            json={"cluster_id": cluster_id, "outcomes": ["FAILED"]},
        ),
    ]

    assert [response.status_code for response in refused] == [400, 400, 400]
    assert "already" in refused[0].json()["externalMessage"]
