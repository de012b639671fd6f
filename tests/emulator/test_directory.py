"""IAM for OpenStack-style clients: ways to log in, and what can be looked up."""

from typing import Any

import httpx
import pytest

from css_snapshot.emulator import EmulatorState
from css_snapshot.emulator.cloud.account import ID_TOKEN, IDP_ID
from css_snapshot.emulator.cloud.state import PASSWORD, USER_NAME
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import START
from tests.support.signed import signed_headers

TOKENS = "/v3/auth/tokens"
ID_TOKENS = "/v3.0/OS-AUTH/id-token/tokens"
DOMAIN = "emulator-domain"
DOMAIN_ID = "d0000000000000000000000000000001"
TOTP = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

Json = dict[str, Any]


def _login(user: Json, scope: object = None, **more: object) -> Json:
    identity: Json = {"methods": ["password"], "password": {"user": user}, **more}
    return {"auth": {"identity": identity, "scope": scope}}


def _by_name(**change: object) -> Json:
    return {
        "name": USER_NAME,
        "domain": {"name": DOMAIN},
        "password": PASSWORD,
        **change,
    }


@pytest.mark.parametrize(
    "user",
    [
        {"id": USER_NAME, "password": PASSWORD},
        _by_name(),
        _by_name(domain={"id": DOMAIN_ID}),
        _by_name(domain={"id": DOMAIN_ID, "name": DOMAIN}),
    ],
    ids=["id", "domain name", "domain id", "both"],
)
async def test_a_user_logs_in_by_id_or_by_name_and_domain(
    anyone: httpx.AsyncClient, user: Json
) -> None:
    answer = await anyone.post(TOKENS, json=_login(user))
    assert answer.status_code == 201
    assert answer.json()["token"]["user"]["id"] == USER_NAME


@pytest.mark.parametrize(
    "user",
    [
        {"id": "stranger", "password": PASSWORD},
        {"id": 5, "password": PASSWORD},
        {"id": USER_NAME},
        _by_name(domain={"id": "other"}),
        _by_name(domain={"id": DOMAIN_ID, "name": "other"}),
        _by_name(domain={}),
        _by_name(domain=DOMAIN),
        _by_name(name="stranger"),
    ],
    ids=str,
)
async def test_a_user_who_is_not_known_so_is_refused(
    anyone: httpx.AsyncClient, user: Json
) -> None:
    answer = await anyone.post(TOKENS, json=_login(user))
    assert (answer.status_code, answer.json()["error_code"]) == (401, "IAM.0062")


PROJECT = {"name": "cn-north-4"}


@pytest.mark.parametrize(
    ("scope", "status", "is_for"),
    [
        (None, 201, "domain"),
        ("unscoped", 201, "domain"),
        ({}, 201, "domain"),
        ({"domain": {"id": DOMAIN_ID}}, 201, "domain"),
        ({"domain": {"name": DOMAIN}}, 201, "domain"),
        ({"project": PROJECT}, 201, "project"),
        ({"project": {**PROJECT, "domain": {"name": DOMAIN}}}, 201, "project"),
        ({"project": {**PROJECT, "domain": {"id": DOMAIN_ID}}}, 201, "project"),
        ({"project": PROJECT, "domain": {"name": DOMAIN}}, 201, "project"),
        ({"domain": {"name": "other"}}, 401, ""),
        ({"domain": DOMAIN}, 400, ""),
        ({"project": {**PROJECT, "domain": {"name": "other"}}}, 401, ""),
    ],
    ids=str,
)
async def test_a_token_is_for_what_its_scope_says(
    anyone: httpx.AsyncClient, scope: object, status: int, is_for: str
) -> None:
    answer = await anyone.post(TOKENS, json=_login(_by_name(), scope))
    assert answer.status_code == status
    if not is_for:
        message = answer.json()["error"]["message"]
        assert message.startswith(("scope.domain is", "The domain of"))
    else:
        token = answer.json()["token"]
        assert ("project" in token) is (is_for == "project")
        assert ("domain" in token) is (is_for == "domain")


async def test_a_token_gives_another_one_with_another_scope(
    state: EmulatorState, anyone: httpx.AsyncClient
) -> None:
    plain = await anyone.post(TOKENS, json=_login(_by_name()))
    identity = {
        "methods": ["token"],
        "token": {"id": plain.headers["x-subject-token"]},
    }
    body: Json = {"auth": {"identity": identity, "scope": {"project": PROJECT}}}

    scoped = await anyone.post(TOKENS, json=body)
    identity["token"] = {"id": "never given out"}
    refused = await anyone.post(TOKENS, json=body)

    clusters = await anyone.get(
        f"/v1.0/{state.project_id}/clusters",
        headers={"X-Auth-Token": scoped.headers["x-subject-token"]},
    )
    token = scoped.json()["token"]
    assert (token["methods"], token["user"]["name"]) == (["token"], USER_NAME)
    assert clusters.status_code == 200
    assert refused.status_code == 401


@pytest.mark.parametrize(
    ("moment", "code"),
    # The vectors of RFC 6238, appendix B, for SHA-1; six digits instead of eight.
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
    ],
)
def test_a_passcode_is_that_of_the_standard(
    state: EmulatorState, moment: float, code: str
) -> None:
    user = state.users.add(DOMAIN, "mfa", "secret", totp_secret=TOTP)
    assert user.passcode(moment) == code


async def test_a_user_with_a_second_factor_needs_both(
    state: EmulatorState, anyone: httpx.AsyncClient, clock: ManualClock
) -> None:
    user = state.users.add(DOMAIN, "mfa", "secret", user_id="m-1", totp_secret=TOTP)
    password = {"id": "m-1", "password": "secret"}

    async def status(passcode: object, user_id: str = "m-1") -> int:
        second = {"user": {"id": user_id, "passcode": passcode}}
        body = _login(password, methods=["password", "totp"], totp=second)
        return (await anyone.post(TOKENS, json=body)).status_code

    now, before = (
        user.passcode(clock.timestamp()),
        user.passcode(clock.timestamp() - 30),
    )
    statuses = {
        "now": await status(now),
        "half a minute ago": await status(before),
        "long ago": await status(user.passcode(clock.timestamp() - 90)),
        "another's": await status(now, USER_NAME),
        "a number": await status(int(now)),
        "none": (await anyone.post(TOKENS, json=_login(password))).status_code,
    }

    assert {name for name, code in statuses.items() if code == 201} == {
        "now",
        "half a minute ago",
    }
    assert {code for code in statuses.values() if code != 201} == {401}


async def test_wrong_passcodes_lock_the_user_like_wrong_passwords(
    state: EmulatorState, anyone: httpx.AsyncClient
) -> None:
    user = state.users.add(DOMAIN, "mfa", "secret", totp_secret=TOTP)
    person = {"id": user.id, "password": "secret"}
    second = {"user": {"id": user.id, "passcode": "no"}}
    body = _login(person, methods=["password", "totp"], totp=second)

    answers = [await anyone.post(TOKENS, json=body) for _ in range(7)]

    codes = [answer.json().get("error_code") for answer in answers]
    assert codes == [*[None] * 6, "IAM.0061"]


async def test_a_user_without_a_second_factor_may_send_one(
    anyone: httpx.AsyncClient,
) -> None:
    body = _login(_by_name(), methods=["password", "totp"], totp={})
    assert (await anyone.post(TOKENS, json=body)).status_code == 201


@pytest.mark.parametrize("methods", [["totp"], ["token", "password"], ["saml2"]])
async def test_a_method_that_iam_does_not_have_is_refused(
    anyone: httpx.AsyncClient, methods: list[str]
) -> None:
    body = _login(_by_name(), methods=methods)
    answer = await anyone.post(TOKENS, json=body)
    assert answer.status_code == 400
    assert methods[0] in answer.json()["error"]["message"]


async def test_an_id_token_of_a_known_provider_gives_a_token_and_keys(
    state: EmulatorState, anyone: httpx.AsyncClient
) -> None:
    body: Json = {"auth": {"id_token": {"id": ID_TOKEN}}}
    scoped = {"auth": {**body["auth"], "scope": {"project": PROJECT}}}

    plain = await anyone.post(ID_TOKENS, json=body, headers={"X-Idp-Id": IDP_ID})
    full = await anyone.post(ID_TOKENS, json=scoped, headers={"X-Idp-Id": IDP_ID})
    token = {"id": plain.headers["x-subject-token"], "duration_seconds": 900}
    keys = await anyone.post(
        "/v3.0/OS-CREDENTIAL/securitytokens",
        json={"auth": {"identity": {"methods": ["token"], "token": token}}},
    )

    assert (plain.status_code, full.status_code, keys.status_code) == (201, 201, 201)
    assert plain.json()["token"]["methods"] == ["mapped"]
    assert "project" not in plain.json()["token"]
    assert full.json()["token"]["project"]["id"] == state.project_id


@pytest.mark.parametrize(
    ("provider", "token"),
    [(IDP_ID, "wrong"), ("other", ID_TOKEN), ("", ID_TOKEN), ("other", None)],
)
async def test_an_id_token_nobody_vouches_for_is_refused(
    anyone: httpx.AsyncClient, provider: str, token: object
) -> None:
    body = {"auth": {"id_token": {"id": token}}}
    answer = await anyone.post(ID_TOKENS, json=body, headers={"X-Idp-Id": provider})
    assert answer.status_code == 401


async def test_calls_for_tokens_share_a_limit(
    state: EmulatorState, anyone: httpx.AsyncClient
) -> None:
    state.iam_throttle = (1, 60.0)
    body = {"auth": {"id_token": {"id": ID_TOKEN}}}
    first = await anyone.post(ID_TOKENS, json=body, headers={"X-Idp-Id": IDP_ID})
    second = await anyone.post(TOKENS, json=_login(_by_name()))
    assert (first.status_code, second.status_code) == (201, 429)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_token_is_shown_to_a_caller_with_credentials(
    state: EmulatorState,
    client: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    method: str,
    clock: ManualClock,
) -> None:
    path = f"{TOKENS}?nocatalog=true"
    given = await anyone.post(path, json=_login(_by_name(), {"project": PROJECT}))
    subject = {"X-Subject-Token": given.headers["x-subject-token"]}

    shown = await client.request(method, path, headers=subject)
    lost = await client.request(method, TOKENS, headers={"X-Subject-Token": "no"})
    unasked = await anyone.request(method, TOKENS, headers=subject)
    forever = await client.get(TOKENS, headers={"X-Subject-Token": state.token})
    clock.advance(86400.0)
    expired = await client.request(method, TOKENS, headers=subject)

    assert (shown.status_code, shown.headers["x-subject-token"]) == (
        200,
        subject["X-Subject-Token"],
    )
    if method == "GET":
        assert shown.json() == given.json()
    assert [lost.status_code, unasked.status_code, expired.status_code] == [
        404,
        401,
        404,
    ]
    assert forever.json()["token"]["expires_at"].startswith("9999-12-31T")


async def test_versions_are_shown_to_anyone_with_the_address_that_was_asked(
    anyone: httpx.AsyncClient,
) -> None:
    root = await anyone.get("/")
    version = await anyone.get("/v3")
    slash = await anyone.get("/v3/")

    (row,) = root.json()["versions"]["values"]
    assert (root.status_code, version.status_code) == (300, 200)
    assert row == version.json()["version"] == slash.json()["version"]
    assert row["links"] == [{"rel": "self", "href": "http://iam.invalid/v3/"}]


async def test_the_account_and_its_users_are_looked_up(
    state: EmulatorState, client: httpx.AsyncClient
) -> None:
    state.users.add(DOMAIN, "other", "secret", user_id="u-2")
    domains = await client.get("/v3/auth/domains")
    domain = await client.get(f"/v3/domains/{DOMAIN_ID}")
    user = await client.get("/v3/users/u-2")
    lost = [await client.get("/v3/domains/x"), await client.get("/v3/users/x")]

    assert domains.json()["domains"] == [domain.json()["domain"]]
    assert (domain.json()["domain"]["name"], domain.json()["domain"]["id"]) == (
        DOMAIN,
        DOMAIN_ID,
    )
    assert user.json()["user"]["name"] == "other"
    assert user.json()["user"]["domain_id"] == DOMAIN_ID
    assert {response.status_code for response in lost} == {404}
    assert all("x-iam-trace-id" in response.headers for response in lost)


async def test_the_catalog_of_a_caller_is_that_of_its_token(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    unscoped = await anyone.post(TOKENS, json=_login(_by_name()))
    header = {"X-Auth-Token": unscoped.headers["x-subject-token"]}

    mine = (await client.get("/v3/auth/catalog")).json()["catalog"]
    theirs = (await anyone.get("/v3/auth/catalog", headers=header)).json()["catalog"]

    assert [service["type"] for service in mine] == ["identity", "iam", "css"]
    assert [service["type"] for service in theirs] == ["identity", "iam"]


@pytest.mark.parametrize(
    "path",
    [
        *("/v3/projects", "/v3/auth/domains", "/v3/auth/catalog"),
        *(f"/v3/domains/{DOMAIN_ID}", f"/v3/users/{USER_NAME}"),
        *("/v3.0/OS-AGENCY/agencies", "/v3.0/OS-AGENCY/agencies/x"),
    ],
)
async def test_nothing_is_looked_up_without_credentials(
    anyone: httpx.AsyncClient, path: str
) -> None:
    answer = await anyone.get(path)
    assert answer.status_code == 401
    assert answer.json()["error"]["title"] == "Unauthorized"


async def test_a_signature_looks_up_the_project_of_a_region(
    state: EmulatorState, anyone: httpx.AsyncClient
) -> None:
    headers = signed_headers(
        state.access_key,
        state.secret_key,
        at=START,
        path="/v3/projects",
        query=[("name", "cn-north-4")],
    )
    answer = await anyone.get("/v3/projects?name=cn-north-4", headers=headers)
    assert [row["id"] for row in answer.json()["projects"]] == [state.project_id]
