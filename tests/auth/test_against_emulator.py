"""The plugins against an emulated cloud that checks signatures and tokens by itself."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from css_snapshot.auth import (
    AgencyAuth,
    AkSkAuth,
    Credentials,
    MetadataCredentials,
    PasswordAuth,
    TokenAuth,
)
from css_snapshot.emulator import EmulatorServer, EmulatorState
from css_snapshot.emulator.cloud.options import Authenticator, MetadataMode
from css_snapshot.errors import AuthenticationError

USER = "emulator-user"
PASSWORD = "emulator-password-for-tests-only"
DOMAIN = "emulator-domain"
TOKENS = "/v3/auth/tokens"


@pytest.fixture
async def cloud() -> AsyncIterator[EmulatorServer]:
    async with EmulatorServer(EmulatorState(clusters=1)) as server:
        yield server


def password_auth(cloud: EmulatorServer, password: str = PASSWORD) -> PasswordAuth:
    return PasswordAuth(
        USER, password, DOMAIN, "cn-north-4", iam_endpoint=cloud.endpoint
    )


def fixed_keys(cloud: EmulatorServer) -> Credentials:
    return Credentials(cloud.state.access_key, cloud.state.secret_key)


async def status(cloud: EmulatorServer, auth: httpx.Auth, times: int = 1) -> set[int]:
    path = f"/v1.0/{cloud.state.project_id}/clusters"
    async with httpx.AsyncClient(
        base_url=cloud.endpoint, auth=auth, trust_env=False
    ) as client:
        answers = [await client.get(path) for _ in range(times)]
    return {answer.status_code for answer in answers}


def paths(cloud: EmulatorServer, prefix: str) -> int:
    return sum(request.path.startswith(prefix) for request in cloud.state.requests)


async def test_a_signed_creation_is_accepted(cloud: EmulatorServer) -> None:
    project, cluster = cloud.state.project_id, cloud.state.cluster_ids[0]
    auth = AkSkAuth(fixed_keys(cloud))

    async with httpx.AsyncClient(trust_env=False, auth=auth) as client:
        answer = await client.post(
            f"{cloud.endpoint}/v1.0/{project}/clusters/{cluster}/index_snapshot",
            json={"name": "snap_001", "description": "täglich 日本"},
            headers={"X-Project-Id": project},
        )

    assert answer.status_code == 201, answer.text
    assert cloud.state.creations == 1


async def test_a_signed_query_is_accepted(cloud: EmulatorServer) -> None:
    auth = AkSkAuth(fixed_keys(cloud))

    async with httpx.AsyncClient(trust_env=False, auth=auth) as client:
        answer = await client.get(
            f"{cloud.endpoint}/v1.0/{cloud.state.project_id}/clusters",
            params={"start": 1, "limit": 10, "datastoreType": "open search"},
        )

    assert answer.status_code != 401, answer.text


async def test_a_wrong_secret_key_is_noticed(cloud: EmulatorServer) -> None:
    auth = AkSkAuth(Credentials(cloud.state.access_key, "another-secret-key"))

    assert await status(cloud, auth) == {401}
    assert len(cloud.state.requests) == 1


@pytest.mark.parametrize("ahead", [timedelta(hours=-3), timedelta(hours=3)])
async def test_a_wrong_clock_is_corrected(
    cloud: EmulatorServer, ahead: timedelta
) -> None:
    auth = AkSkAuth(fixed_keys(cloud), clock=lambda: datetime.now(UTC) + ahead)

    assert await status(cloud, auth, times=3) == {200}
    assert len(cloud.state.requests) == 4


async def test_a_token_is_accepted(cloud: EmulatorServer) -> None:
    assert await status(cloud, TokenAuth(cloud.state.token)) == {200}


@pytest.mark.parametrize("authenticator", ["gateway", "css"])
async def test_a_password_gives_a_token_that_is_renewed_when_it_is_refused(
    cloud: EmulatorServer, authenticator: Authenticator
) -> None:
    cloud.state.authenticator = authenticator
    async with password_auth(cloud) as auth:
        assert await status(cloud, auth, times=2) == {200}
        assert await auth.project_id() == cloud.state.project_id
        assert paths(cloud, TOKENS) == 1

        token = await auth.access_token()
        cloud.state.credentials.revoke_token(token.token.reveal())

        assert await status(cloud, auth, times=2) == {200}
        assert paths(cloud, TOKENS) == 2


async def test_a_wrong_password_is_tried_once(cloud: EmulatorServer) -> None:
    auth = password_auth(cloud, "wrong")

    for _ in range(3):
        with pytest.raises(AuthenticationError, match="password is wrong"):
            await status(cloud, auth)

    assert paths(cloud, TOKENS) == 1
    assert len(cloud.state.requests) == 1


async def test_an_agency_gives_a_token(cloud: EmulatorServer) -> None:
    auth = AgencyAuth(
        password_auth(cloud),
        agency_name="css_obs_agency",
        domain=DOMAIN,
        project="cn-north-4",
        iam_endpoint=cloud.endpoint,
    )

    assert await status(cloud, auth) == {200}
    assert paths(cloud, TOKENS) == 2


@pytest.mark.parametrize("mode", ["both", "token", "tokenless"])
async def test_an_instance_gives_keys_that_are_renewed_when_they_are_gone(
    cloud: EmulatorServer, mode: MetadataMode
) -> None:
    cloud.state.metadata_mode = mode
    provider = MetadataCredentials(endpoint=cloud.endpoint)
    keys: list[Credentials] = []

    async def recording(*, force_refresh: bool = False) -> Credentials:
        keys.append(await provider(force_refresh=force_refresh))
        return keys[-1]

    auth = AkSkAuth(recording)
    assert await status(cloud, auth, times=2) == {200}
    cloud.state.credentials.revoke_pair(keys[0].access_key)

    assert await status(cloud, auth, times=2) == {200}
    assert len(keys) == 2
