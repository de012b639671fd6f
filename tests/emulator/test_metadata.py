"""The metadata service of a cloud server."""

import httpx
import pytest

from css_snapshot.emulator import EmulatorState
from tests.support.clock import ManualClock

TOKEN = "/meta-data/latest/api/token"
KEYS = "/openstack/latest/securitykey"
LIFETIME = "X-Metadata-Token-Ttl-Seconds"


async def _token(client: httpx.AsyncClient, seconds: str = "21600") -> str:
    answer = await client.put(TOKEN, headers={LIFETIME: seconds})
    assert answer.status_code == 200
    return answer.text


async def test_keys_come_for_a_token_until_it_ends(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    headers = {"X-Metadata-Token": await _token(client, "60")}

    answer = await client.get(KEYS, headers=headers)
    clock.advance(60.0)
    late = await client.get(KEYS, headers=headers)

    credential = answer.json()["credential"]
    assert set(credential) == {"access", "secret", "securitytoken", "expires_at"}
    assert credential["expires_at"] == "2026-09-22T14:13:20.000000Z"
    assert late.status_code == 401


async def test_each_request_gives_new_keys(
    client: httpx.AsyncClient, state: EmulatorState
) -> None:
    answers = [await client.get(KEYS) for _ in range(2)]
    keys = [answer.json()["credential"]["access"] for answer in answers]
    assert keys[0] != keys[1]
    assert all(state.credentials.pair(key) is not None for key in keys)
    assert state.counts["metadata_keys"] == 2


async def test_a_server_may_demand_the_token(
    client: httpx.AsyncClient, state: EmulatorState
) -> None:
    state.metadata_mode = "token"
    headers = {"X-Metadata-Token": await _token(client)}
    assert (await client.get(KEYS)).status_code == 401
    assert (await client.get(KEYS, headers=headers)).status_code == 200


async def test_a_server_may_know_no_token(
    client: httpx.AsyncClient, state: EmulatorState
) -> None:
    state.metadata_mode = "tokenless"
    answer = await client.put(TOKEN, headers={LIFETIME: "21600"})
    assert answer.status_code == 404
    assert (await client.get(KEYS)).status_code == 200


async def test_a_server_without_an_agency_says_so(
    client: httpx.AsyncClient, state: EmulatorState
) -> None:
    state.metadata_mode = "no_agency"
    answer = await client.get(KEYS)
    assert answer.status_code == 401
    assert "Please configure Cloud Service Agency first" in answer.text


async def test_tokens_can_be_revoked(
    client: httpx.AsyncClient, state: EmulatorState
) -> None:
    headers = {"X-Metadata-Token": await _token(client)}
    state.metadata.revoke_tokens()
    assert (await client.get(KEYS, headers=headers)).status_code == 401


@pytest.mark.parametrize("seconds", ["", "0", "21601", "-1", "x", "1" * 5000])
async def test_a_lifetime_out_of_range_gives_no_token(
    client: httpx.AsyncClient, seconds: str
) -> None:
    answer = await client.put(TOKEN, headers={LIFETIME: seconds})
    assert answer.status_code == 400


async def test_keys_live_as_long_as_they_are_told(
    client: httpx.AsyncClient, state: EmulatorState
) -> None:
    state.metadata_seconds = 600.0
    credential = (await client.get(KEYS)).json()["credential"]
    assert credential["expires_at"] == "2026-09-21T14:23:20.000000Z"
