"""Tokens, projects and rate at the gateway."""

import httpx
import pytest

from css_snapshot.emulator import EmulatorState, EmulatorTransport, VendorError
from css_snapshot.emulator.cloud.access import Access
from tests.support.clock import ManualClock
from tests.support.signed import received

Headers = dict[str, str]


def _refused(access: Access, headers: Headers, **ids: str) -> tuple[int, str, str]:
    with pytest.raises(VendorError) as caught:
        access.check(received(headers, ids=ids))
    error = caught.value
    return error.status, error.code, error.message.rpartition(": ")[2]


def test_the_well_known_token_passes_and_does_not_age(
    state: EmulatorState, clock: ManualClock
) -> None:
    clock.advance(10 * 365 * 86400.0)
    request = received({"X-Auth-Token": state.token})
    assert state.access.identify(request) == state.project_id


def test_no_credentials_at_all_are_refused(state: EmulatorState) -> None:
    expected = (401, "APIGW.0301", "x-auth-token not found")
    assert _refused(state.access, {}) == expected
    assert _refused(state.access, {"authorization": "Basic eDp5"}) == expected


def test_a_wrong_token_cannot_be_decrypted(state: EmulatorState) -> None:
    refused = _refused(state.access, {"X-Auth-Token": "wrong"})
    assert refused == (401, "APIGW.0301", "decrypt token fail")


def test_a_token_holds_until_it_expires_and_then_must_be_updated(
    state: EmulatorState, clock: ManualClock
) -> None:
    token = state.credentials.issue_token(state.project_id, seconds=60.0)
    headers = {"X-Auth-Token": token.text}

    clock.advance(59.9)
    before = state.access.identify(received(headers))
    clock.advance(0.1)

    assert before == state.project_id
    expired = _refused(state.access, headers)
    assert expired == (401, "APIGW.0307", "The token must be updated")


def test_a_revoked_token_must_be_updated_and_others_hold(state: EmulatorState) -> None:
    token = state.credentials.issue_token(state.project_id)

    state.credentials.revoke_token(state.token)
    state.credentials.revoke_token("never issued")

    refused = _refused(state.access, {"X-Auth-Token": state.token})
    assert refused == (401, "APIGW.0307", "The token must be updated")
    state.access.check(received({"X-Auth-Token": token.text}))


@pytest.mark.parametrize("headers", [{}, {"X-Auth-Token": "wrong"}])
def test_css_itself_can_refuse_tokens(state: EmulatorState, headers: Headers) -> None:
    state.authenticator = "css"
    with pytest.raises(VendorError) as caught:
        state.access.check(received(headers))
    assert (caught.value.status, caught.value.code) == (400, "CSS.0045")
    assert caught.value.dialect == "css"


def test_css_itself_can_refuse_an_expired_token(state: EmulatorState) -> None:
    state.authenticator = "css"
    state.credentials.revoke_token(state.token)
    status, code, _text = _refused(state.access, {"X-Auth-Token": state.token})
    assert (status, code) == (400, "CSS.0045")


def test_another_project_is_forbidden(state: EmulatorState) -> None:
    mine = {"X-Auth-Token": state.token}
    strange = state.credentials.issue_token("other-project").text
    unscoped = state.credentials.issue_token(None).text
    access = state.access

    state.access.check(received(mine, ids={"project_id": state.project_id}))
    refusals = [
        _refused(access, mine, project_id="other-project"),
        _refused(access, {**mine, "X-Project-Id": "other-project"}),
        _refused(access, {"X-Auth-Token": strange}),
        _refused(access, {"X-Auth-Token": strange}, project_id="other-project"),
        _refused(access, {"X-Auth-Token": unscoped}),
    ]

    assert {(status, code) for status, code, _text in refusals} == {(403, "APIGW.0310")}


async def test_the_gateway_throttles_in_windows_and_says_so(
    clock: ManualClock, cluster_id: str
) -> None:
    state = EmulatorState(clock=clock.timestamp, throttle=(2, 60.0))
    path = f"/v1.0/{state.project_id}/clusters"
    async with httpx.AsyncClient(
        transport=EmulatorTransport(state),
        base_url="http://emulator.invalid",
        headers={"X-Auth-Token": state.token},
    ) as client:
        statuses = [(await client.get(path)).status_code for _ in range(3)]
        clock.advance(59.9)
        refused = await client.get(path)
        clock.advance(0.1)
        again = await client.get(path)

    assert statuses == [200, 200, 429]
    assert refused.json() == {
        "error_code": "APIGW.0308",
        "error_msg": (
            "The throttling threshold has been reached: policy user over ratelimit,"
            "limit:2,time:60 second"
        ),
        "request_id": refused.headers["x-request-id"],
    }
    assert again.status_code == 200
