"""IAM: tokens for passwords and agencies, temporary keys, projects."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from css_snapshot.emulator import EmulatorState, Fault
from css_snapshot.emulator.cloud.state import PASSWORD, USER_NAME
from tests.support.clock import ManualClock

TOKENS = "/v3/auth/tokens?nocatalog=true"
KEYS = "/v3.0/OS-CREDENTIAL/securitytokens"
DOMAIN = "emulator-domain"
AGENCY = {"domain_name": DOMAIN, "agency_name": "css_obs_agency"}

Json = dict[str, Any]


def _password(
    secret: object = PASSWORD, *, user: object = USER_NAME, domain: object = DOMAIN
) -> Json:
    person = {"name": user, "password": secret, "domain": {"name": domain}}
    identity = {"methods": ["password"], "password": {"user": person}}
    return {
        "auth": {
            "identity": identity,
            "scope": {"project": {"name": "cn-north-4"}},
        }
    }


def _agency(**change: object) -> Json:
    role = {**AGENCY, **change}
    identity = {"methods": ["assume_role"], "assume_role": role}
    scope = {"project": {"name": "cn-north-4"}}
    return {"auth": {"identity": identity, "scope": scope}}


async def test_a_password_gives_a_token_that_passes_the_gateway(
    state: EmulatorState, anyone: httpx.AsyncClient
) -> None:
    answer = await anyone.post(TOKENS, json=_password())

    token = answer.headers["x-subject-token"]
    clusters = await anyone.get(
        f"/v1.0/{state.project_id}/clusters", headers={"X-Auth-Token": token}
    )
    assert answer.status_code == 201
    assert answer.json()["token"] == {
        "expires_at": "2026-09-22T14:13:20.000000Z",
        "issued_at": "2026-09-21T14:13:20.000000Z",
        "methods": ["password"],
        "project": {
            "id": state.project_id,
            "name": "cn-north-4",
            "domain": {"id": state.iam.account.domain_id, "name": DOMAIN},
        },
        "roles": [{"id": "0", "name": "css_adm"}],
        "user": {
            "id": "emulator-user",
            "name": USER_NAME,
            "domain": {"id": state.iam.account.domain_id, "name": DOMAIN},
        },
    }
    assert clusters.status_code == 200
    assert state.counts["tokens"] == 1


async def test_a_new_token_does_not_end_the_old_one(
    state: EmulatorState, anyone: httpx.AsyncClient
) -> None:
    answers = [await anyone.post(TOKENS, json=_password()) for _ in range(2)]
    tokens = [answer.headers["x-subject-token"] for answer in answers]
    assert tokens[0] != tokens[1]
    for token in tokens:
        held = state.credentials.check_token(token)
        assert held is not None
        assert held.project_id == state.project_id


async def test_the_catalog_is_left_out_only_on_request(
    anyone: httpx.AsyncClient,
) -> None:
    full = await anyone.post("/v3/auth/tokens", json=_password())
    bare = await anyone.post(TOKENS, json=_password())

    endpoints = {
        service["type"]: service["endpoints"][0]
        for service in full.json()["token"]["catalog"]
    }
    project_id = full.json()["token"]["project"]["id"]
    assert "catalog" not in bare.json()["token"]
    assert set(endpoints) == {"css", "iam", "identity"}
    assert endpoints["css"]["url"] == f"http://iam.invalid/v1.0/{project_id}"
    assert endpoints["css"]["region"] == "cn-north-4"
    assert endpoints["identity"]["url"] == "http://iam.invalid/v3"


async def test_tokens_live_as_long_as_they_are_told(
    state: EmulatorState, anyone: httpx.AsyncClient
) -> None:
    state.token_seconds = 90.5
    answer = await anyone.post(TOKENS, json=_password())
    expires_at = answer.json()["token"]["expires_at"]
    assert expires_at == "2026-09-21T14:14:50.500000Z"


@pytest.mark.parametrize(
    "scope", [{"id": True}, {"name": True}, {"id": True, "name": True}]
)
async def test_the_scope_takes_the_project_by_id_or_name(
    state: EmulatorState, anyone: httpx.AsyncClient, scope: Mapping[str, bool]
) -> None:
    known = {"id": state.project_id, "name": "cn-north-4"}
    body = _password()
    body["auth"]["scope"]["project"] = {key: known[key] for key in scope}
    answer = await anyone.post(TOKENS, json=body)
    assert answer.json()["token"]["project"]["id"] == state.project_id


async def test_without_a_project_the_token_is_for_the_domain(
    state: EmulatorState, anyone: httpx.AsyncClient
) -> None:
    body = _password()
    del body["auth"]["scope"]

    answer = await anyone.post(TOKENS, json=body)
    clusters = await anyone.get(
        f"/v1.0/{state.project_id}/clusters",
        headers={"X-Auth-Token": answer.headers["x-subject-token"]},
    )

    token = answer.json()["token"]
    assert "project" not in token
    assert token["domain"]["name"] == DOMAIN
    assert clusters.status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        _password("wrong"),
        _password(5),
        _password(user="nobody"),
        _password(user=None),
        _password(domain="elsewhere"),
        _password(domain=["a"]),
    ],
    ids=["password", "number", "user", "no user", "domain", "list"],
)
async def test_a_wrong_password_is_a_nested_401(
    anyone: httpx.AsyncClient, body: Json
) -> None:
    answer = await anyone.post(TOKENS, json=body)

    text = "The username or password is wrong."
    assert answer.status_code == 401
    assert answer.json() == {
        "error": {"code": 401, "message": text, "title": "Unauthorized"},
        "error_code": "IAM.0062",
        "error_msg": text,
    }
    assert "x-subject-token" not in answer.headers


async def test_too_many_wrong_passwords_lock_the_user_for_a_while(
    clock: ManualClock, anyone: httpx.AsyncClient
) -> None:
    wrong = [await anyone.post(TOKENS, json=_password("wrong")) for _ in range(6)]
    locked = await anyone.post(TOKENS, json=_password())
    clock.advance(900.0)
    once_more = await anyone.post(TOKENS, json=_password("wrong"))
    right = await anyone.post(TOKENS, json=_password())

    assert {answer.json()["error_code"] for answer in wrong} == {"IAM.0062"}
    assert (locked.status_code, locked.json()["error_code"]) == (401, "IAM.0061")
    assert once_more.json()["error_code"] == "IAM.0062"
    assert right.status_code == 201


def test_a_user_shows_none_of_their_secrets(state: EmulatorState) -> None:
    user = state.users.add(DOMAIN, "mfa", "hidden-word", totp_secret="GEZDGNBV")
    assert "hidden-word" not in repr(user)
    assert "GEZDGNBV" not in repr(user)


async def test_iam_throttles_token_requests(
    state: EmulatorState, anyone: httpx.AsyncClient
) -> None:
    state.iam_throttle = (1, 60.0)
    first = await anyone.post(TOKENS, json=_password())
    second = await anyone.post(TOKENS, json=_password())

    assert first.status_code == 201
    assert second.status_code == 429
    assert second.json()["error_code"] == "IAM.0012"
    assert "1 times per 60 seconds" in second.json()["error_msg"]


async def test_a_fault_can_strike_iam_alone_in_its_dialect(
    state: EmulatorState, client: httpx.AsyncClient, cluster_path: str
) -> None:
    state.faults.add(Fault.status(429, dialect="iam"), operation="tokens")

    list_answer = await client.get(f"{cluster_path}/index_snapshots")
    answer = await client.post(TOKENS, json=_password())

    assert list_answer.status_code == 200
    assert (answer.status_code, answer.json()["error_code"]) == (429, "IAM.0012")
    assert answer.json()["error"]["title"] == "Too Many Requests"


async def test_an_agency_gives_a_token_to_whoever_may_ask(
    state: EmulatorState, client: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    answer = await client.post(TOKENS, json=_agency())
    by_id = await client.post(
        TOKENS,
        json=_agency(domain_name=None, domain_id=state.iam.account.domain_id),
    )
    unasked = await anyone.post(TOKENS, json=_agency())
    strange = await client.post(TOKENS, json=_agency(agency_name="other"))
    elsewhere = await client.post(TOKENS, json=_agency(domain_name="other"))

    assert answer.status_code == by_id.status_code == 201
    assert answer.json()["token"]["methods"] == ["assume_role"]
    assert unasked.status_code == 401
    assert unasked.json()["error"]["code"] == 401
    assert strange.status_code == elsewhere.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"auth": []},
        {"auth": {"identity": {"methods": []}}},
        {"auth": {"identity": {"methods": ["totp"]}}},
        {"auth": {"identity": {"methods": ["password"], "password": {}}}},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [TOKENS, KEYS])
async def test_a_request_that_makes_no_sense_is_a_400_of_iam(
    anyone: httpx.AsyncClient, path: str, body: object
) -> None:
    answer = await anyone.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["title"] == "Bad Request"


@pytest.mark.parametrize(
    ("project", "status"),
    [({"name": "other"}, 401), ({"id": "other"}, 401), ("cn-north-4", 400)],
)
async def test_a_project_that_is_not_there_gives_no_token(
    anyone: httpx.AsyncClient, project: object, status: int
) -> None:
    body = _password()
    body["auth"]["scope"]["project"] = project
    assert (await anyone.post(TOKENS, json=body)).status_code == status


async def test_broken_json_is_a_400_of_iam(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.post(TOKENS, content=b"{")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == 400
