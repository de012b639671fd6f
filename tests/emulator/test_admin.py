"""Driving the emulator from another process."""

from typing import Any

import httpx
import pytest

from css_snapshot.emulator import EmulatorState
from tests.support.emulated_cloud import create

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
