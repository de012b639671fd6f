"""The requests of the Terraform providers, as these send them, and what they look for.

Of huaweicloud/terraform-provider-huaweicloud the resources `css_snapshot`,
`css_snapshot_restore`, `css_snapshot_setting` and `css_agency`, and the data source
`css_clusters`; of opentelekomcloud/gophertelekomcloud the package of its snapshots.
"""

import json
from typing import Any, Final

import httpx
import pytest

from css_snapshot.emulator import EmulatorState
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import START
from tests.support.signed import HOST, signed_headers

JSON: Final = {"Content-Type": "application/json", "Accept": "application/json"}
BUCKET: Final = {"agency": "css_obs_agency", "bucket": "my-bucket"}
POLICY: Final = {
    "enable": "true",
    "indices": "a*",
    "prefix": "auto",
    "period": "16:00 GMT+08:00",
    "keepday": 7,
    "frequency": "DAY",
}
DOMAIN_ID: Final = "d0000000000000000000000000000001"


@pytest.fixture
def provider(client: httpx.AsyncClient) -> httpx.AsyncClient:
    client.headers.update(JSON)
    return client


async def row_of(
    provider: httpx.AsyncClient, path: str, snapshot_id: str
) -> dict[str, Any]:
    listed = await provider.get(f"{path}/index_snapshots")
    assert listed.status_code == 200
    (row,) = (row for row in listed.json()["backups"] if row["id"] == snapshot_id)
    return dict(row)


async def test_a_snapshot_is_created_waited_for_read_and_destroyed(
    provider: httpx.AsyncClient, cluster_path: str, clock: ManualClock
) -> None:
    # Its fields are left out where they are empty.
    body = {"name": "nightly", "description": "by Terraform", "indices": "a,b"}
    made = await provider.post(f"{cluster_path}/index_snapshot", json=body)
    snapshot_id = made.json()["backup"]["id"]

    building = await row_of(provider, cluster_path, snapshot_id)
    clock.advance(600.0)
    row = await row_of(provider, cluster_path, snapshot_id)
    gone = await provider.delete(f"{cluster_path}/index_snapshot/{snapshot_id}")

    assert made.status_code == 201
    assert (building["status"], row["status"]) == ("BUILDING", "COMPLETED")
    read = ("name", "description", "indices", "clusterId", "clusterName")
    assert {**body, "clusterId": row["clusterId"]}.items() <= row.items()
    assert all(row[field] for field in read)
    assert row["backupMethod"] == "manual"
    assert gone.status_code in {200, 202, 204}
    listed = await provider.get(f"{cluster_path}/index_snapshots")
    assert listed.json()["backups"] == []


async def test_what_was_destroyed_by_hand_is_told_by_403_and_its_code(
    provider: httpx.AsyncClient, state: EmulatorState
) -> None:
    lost = f"/v1.0/{state.project_id}/clusters/lost"

    answers = [
        await provider.get(f"{lost}/index_snapshots"),
        await provider.get(lost),
        await provider.get(f"{lost}/index_snapshot/policy"),
        await provider.delete(f"{lost}/index_snapshots"),
        await provider.delete(f"{lost}/index_snapshot/x"),
    ]

    assert [(one.status_code, one.json()["errCode"]) for one in answers] == [
        (403, "CSS.0015")
    ] * 5


async def test_a_restoration_is_waited_for_by_the_targets_state(
    provider: httpx.AsyncClient,
    state: EmulatorState,
    cluster_path: str,
    clock: ManualClock,
) -> None:
    source, target, *_ = state.cluster_ids
    state.cluster(source).indices = ["a", "b"]
    saved = state.add_snapshot(source, "nightly", age=3600.0)

    begun = await provider.post(
        f"{cluster_path}/index_snapshot/{saved.id}/restore",
        json={
            "targetCluster": target,
            "indices": "a",
            "renamePattern": "(.+)",
            "renameReplacement": "old_$1",
        },
    )

    async def is_ready() -> bool:
        listed = await provider.get(
            f"/v1.0/{state.project_id}/clusters", params={"start": 1, "limit": 10}
        )
        (row,) = (row for row in listed.json()["clusters"] if row["id"] == target)
        nodes = {node["status"] for node in row["instances"]}
        return row["status"] == "200" and not row["actions"] and nodes == {"200"}

    assert begun.status_code == 201
    assert not await is_ready()
    clock.advance(600.0)
    assert await is_ready()
    assert [*state.cluster(target).restored] == ["old_a"]


async def setting_read(provider: httpx.AsyncClient, path: str) -> dict[str, Any] | None:
    """Read the resource as the provider does; `None` for one that is gone."""
    cluster = await provider.get(path)
    if not cluster.json()["backupAvailable"]:
        return None
    policy = await provider.get(f"{path}/index_snapshot/policy")
    assert policy.status_code == 200
    return dict(policy.json())


async def test_a_setting_is_created_updated_switched_off_and_destroyed(
    provider: httpx.AsyncClient, cluster_path: str
) -> None:
    setting = f"{cluster_path}/index_snapshot/setting"
    snapshots = f"{cluster_path}/index_snapshots"
    rates = {
        "max_snapshot_bytes_per_seconds": "80mb",
        "max_restore_bytes_per_seconds": "0",
    }

    made = await provider.post(setting, json={**BUCKET, "base_path": "a/b"})
    plain = await setting_read(provider, cluster_path)
    on = await provider.post(setting, json={**BUCKET, **rates, **POLICY})
    with_policy = await setting_read(provider, cluster_path)
    off = await provider.post(
        setting, json={**BUCKET, **rates, "enable": "false", "delete_auto": "true"}
    )
    without = await setting_read(provider, cluster_path)
    destroyed = await provider.delete(snapshots)
    gone = await setting_read(provider, cluster_path)
    again = await provider.delete(snapshots)

    assert {one.status_code for one in (made, on, off, destroyed)} == {200}
    assert plain is not None
    assert (plain["basePath"], plain["enable"]) == ("a/b", "false")
    assert with_policy is not None
    assert POLICY.items() <= with_policy.items()
    assert with_policy["maxSnapshotBytesPerSeconds"] == "80mb"
    assert with_policy["maxRestoreBytesPerSeconds"] == "0"
    assert without is not None
    assert without.items() >= {**POLICY, "enable": "false"}.items()
    assert gone is None
    assert (again.status_code, again.json()["errCode"]) == (415, "CSS.0004")


async def test_an_agency_is_made_found_shown_and_destroyed(
    provider: httpx.AsyncClient, state: EmulatorState
) -> None:
    state.agencies, state.check_agencies = (), True
    domain = {"domain_id": DOMAIN_ID, "domain_name": "emulator-domain"}
    agencies = "/v3.0/OS-AGENCY/agencies"
    setting = (
        f"/v1.0/{state.project_id}/clusters/{state.cluster_ids[0]}"
        "/index_snapshot/setting"
    )
    wanted = {"domain_id": DOMAIN_ID, "name": "css_obs_agency"}

    none = await provider.get(agencies, params=wanted)
    made = await provider.post(
        f"/v1.0/{state.project_id}/agency/create", json={**domain, "type": "obs"}
    )
    (found,) = (await provider.get(agencies, params=wanted)).json()["agencies"]
    other = await provider.get(agencies, params={**wanted, "name": "css_elb_agency"})
    shown = await provider.get(f"{agencies}/{found['id']}")
    usable = await provider.post(setting, json=BUCKET)
    destroyed = await provider.delete(f"{agencies}/{found['id']}")
    gone = await provider.get(f"{agencies}/{found['id']}")
    unusable = await provider.post(setting, json=BUCKET)

    assert none.json() == other.json() == {"agencies": []}
    assert (made.status_code, usable.status_code) == (200, 200)
    assert shown.json() == {"agency": found}
    assert (found["name"], found["domain_id"]) == ("css_obs_agency", DOMAIN_ID)
    assert (destroyed.status_code, destroyed.content) == (204, b"")
    assert (gone.status_code, unusable.status_code) == (404, 400)
    assert state.agencies == ()


@pytest.mark.parametrize("total", [10, 12, 20])
async def test_all_clusters_come_page_by_page(
    provider: httpx.AsyncClient, state: EmulatorState, total: int
) -> None:
    while len(state.clusters) < total:
        state.add_cluster()
    seen: list[str] = []
    start = 1
    while True:
        page = await provider.get(
            f"/v1.0/{state.project_id}/clusters", params={"start": start, "limit": 10}
        )
        rows = page.json()["clusters"]
        if not rows:
            break
        seen += [row["id"] for row in rows]
        start += 10

    assert sorted(seen) == sorted(state.cluster_ids)


async def test_headers_that_are_added_after_signing_are_accepted(
    anyone: httpx.AsyncClient, state: EmulatorState, cluster_path: str
) -> None:
    pair = state.credentials.temporary_pair(900)
    body = json.dumps({"name": "nightly"})
    headers = signed_headers(
        pair.access_key,
        pair.secret_key,
        at=START,
        method="POST",
        path=f"{cluster_path}/index_snapshot",
        headers={**JSON, "User-Agent": "HuaweiCloud-Terraform"},
        body=body,
    )
    unsigned = {
        "Host": HOST,
        "X-Project-Id": state.project_id,
        "X-Security-Token": str(pair.security_token),
    }

    made = await anyone.post(
        f"{cluster_path}/index_snapshot", content=body, headers={**headers, **unsigned}
    )

    assert made.status_code == 201


async def test_gophertelekomcloud_has_its_own_spellings(
    provider: httpx.AsyncClient, state: EmulatorState, cluster_path: str
) -> None:
    state.site = "otc"
    setting = f"{cluster_path}/index_snapshot/setting"
    policy = f"{cluster_path}/index_snapshot/policy"
    body = {**BUCKET, "basePath": "css_repository/one", "snapshotCmkId": "key-1"}
    automatic = {"prefix": "auto", "period": "16:00 GMT+08:00", "keepday": 7}

    answers = [
        await provider.post(setting, json=body),
        await provider.post(policy, json={**automatic, "enable": "true"}),
        await provider.post(
            policy, json={**automatic, "enable": "false", "deleteAuto": "true"}
        ),
        await provider.post(f"{cluster_path}/index_snapshot/auto_setting"),
        await provider.delete(f"{cluster_path}/index_snapshots"),
    ]
    refused = await provider.post(setting, json=BUCKET)

    assert [one.status_code for one in answers] == [200] * 5
    assert refused.status_code == 400
    assert "bath path is empty" in refused.json()["externalMessage"]
