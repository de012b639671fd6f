"""IAM: temporary keys, and the projects of a caller."""

from typing import Any

import httpx
import pytest

from css_snapshot.emulator import EmulatorState
from tests.support.emulated_cloud import START
from tests.support.signed import signed_headers

KEYS = "/v3.0/OS-CREDENTIAL/securitytokens"
AGENCY = {"domain_name": "emulator-domain", "agency_name": "css_obs_agency"}

Json = dict[str, Any]


@pytest.mark.parametrize(
    "identity",
    [
        {"methods": ["token"]},
        {"methods": ["token"], "token": {"duration_seconds": 3600}},
        {"methods": ["assume_role"], "assume_role": AGENCY},
    ],
    ids=["token", "duration", "agency"],
)
async def test_temporary_keys_sign_requests_that_pass(
    state: EmulatorState, client: httpx.AsyncClient, identity: Json
) -> None:
    answer = await client.post(KEYS, json={"auth": {"identity": identity}})

    credential = answer.json()["credential"]
    path = f"/v1.0/{state.project_id}/clusters"
    headers = {
        "X-Auth-Token": "",
        "X-Security-Token": credential["securitytoken"],
        **signed_headers(
            credential["access"], credential["secret"], at=START, path=path
        ),
    }
    assert answer.status_code == 201
    duration = 3600 if "token" in identity else 900
    minute = 13 + duration // 60
    assert credential["expires_at"] == (
        f"2026-09-21T{14 + minute // 60}:{minute % 60}:20.000000Z"
    )
    assert (await client.get(path, headers=headers)).status_code == 200


async def test_a_token_in_the_body_gives_temporary_keys_too(
    state: EmulatorState, anyone: httpx.AsyncClient
) -> None:
    def body(token: str) -> Json:
        identity = {"methods": ["token"], "token": {"id": token}}
        return {"auth": {"identity": identity}}

    good = await anyone.post(KEYS, json=body(state.token))
    bad = await anyone.post(KEYS, json=body("wrong"))

    assert (good.status_code, bad.status_code) == (201, 401)


@pytest.mark.parametrize("seconds", [899, 86401, "900", None])
async def test_temporary_keys_live_a_quarter_of_an_hour_to_a_day(
    client: httpx.AsyncClient, seconds: object
) -> None:
    identity = {"methods": ["token"], "token": {"duration_seconds": seconds}}
    answer = await client.post(KEYS, json={"auth": {"identity": identity}})
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/v3/projects", "/v3/auth/projects"])
async def test_projects_are_found_by_name(
    state: EmulatorState, client: httpx.AsyncClient, path: str
) -> None:
    every = await client.get(path)
    named = await client.get(path, params={"name": "cn-north-4"})
    other = await client.get(path, params={"name": "eu-de"})

    assert every.json() == named.json()
    (project,) = named.json()["projects"]
    assert (project["id"], project["enabled"]) == (state.project_id, True)
    assert other.json()["projects"] == []


async def test_projects_are_for_callers_with_credentials(
    anyone: httpx.AsyncClient,
) -> None:
    answer = await anyone.get("/v3/projects")
    assert answer.status_code == 401
    assert answer.json()["error"]["title"] == "Unauthorized"
