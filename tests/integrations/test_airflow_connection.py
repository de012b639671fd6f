"""From the fields of an Airflow connection to a service; no Airflow is needed."""

import json
import subprocess
import sys

import attrs
import pytest

from css_snapshot import ConfigurationError, SnapshotService
from css_snapshot.emulator import EmulatorServer, EmulatorState
from css_snapshot.emulator.cloud.state import PASSWORD, USER_NAME
from css_snapshot.integrations import airflow
from css_snapshot.integrations.airflow.connection import service_for
from css_snapshot.integrations.airflow.provider import provider_info

SECRET = "a-secret-that-must-not-show"


@attrs.define
class Connection:
    conn_id: str = "css_default"
    login: str | None = "AK"
    password: str | None = SECRET
    extra: str | None = '{"region": "cn-north-4", "project_id": "p1"}'


async def count_clusters(service: SnapshotService) -> int:
    async with service:
        return len([cluster async for cluster in service.clusters()])


@pytest.fixture
def state() -> EmulatorState:
    return EmulatorState(clusters=3)


async def test_permanent_keys_sign_requests(state: EmulatorState) -> None:
    async with EmulatorServer(state) as server:
        where = {"endpoint": server.endpoint, "project_id": state.project_id}
        connection = Connection(
            login=state.access_key, password=state.secret_key, extra=json.dumps(where)
        )

        assert await count_clusters(service_for(connection)) == 3


async def test_temporary_keys_come_with_their_token(state: EmulatorState) -> None:
    pair = state.credentials.temporary_pair(3600.0)
    async with EmulatorServer(state) as server:
        extra = {
            "endpoint": server.endpoint,
            "project_id": state.project_id,
            "security_token": pair.security_token,
        }
        connection = Connection(
            login=pair.access_key, password=pair.secret_key, extra=json.dumps(extra)
        )

        assert await count_clusters(service_for(connection)) == 3


async def test_an_iam_user_gets_a_token_and_needs_no_project_id(
    state: EmulatorState,
) -> None:
    account = state.iam.account
    async with EmulatorServer(state) as server:
        extra = {
            "endpoint": server.endpoint,
            "iam_endpoint": server.endpoint,
            "domain": account.domain,
            "region": account.project_name,
        }
        connection = Connection(
            login=USER_NAME, password=PASSWORD, extra=json.dumps(extra)
        )

        assert await count_clusters(service_for(connection)) == 3


@pytest.mark.parametrize(
    ("connection", "complaint"),
    [
        (Connection(login=None), "login and password are needed"),
        (Connection(password=""), "login and password are needed"),
        (Connection(extra=f'{{"region": "{SECRET}'), "not a JSON object"),
        (Connection(extra='["cn-north-4"]'), "not a JSON object"),
        (Connection(extra='{"regoin": "cn-north-4"}'), "unknown in the extra: regoin"),
        (Connection(extra=None), "region or endpoint"),
        (
            Connection(extra='{"domain": "d", "endpoint": "https://x.invalid"}'),
            "region",
        ),
    ],
)
def test_a_connection_that_can_not_be_used_says_why_but_no_secret(
    connection: Connection, complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as refused:
        service_for(connection)

    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_a_field_that_is_empty_counts_as_left_out() -> None:
    extra = {"region": "cn-north-4", "project_id": "p1", "endpoint": "", "domain": None}

    service = service_for(Connection(extra=json.dumps(extra)))

    assert "cn-north-4" in repr(service)
    assert SECRET not in repr(service)


def test_airflow_is_told_of_the_connection_type_without_being_imported() -> None:
    told = json.loads(json.dumps(provider_info()))

    (connection,) = told["connection-types"]
    assert connection["connection-type"] == "css_snapshot"
    assert connection["hook-class-name"] == (
        "css_snapshot.integrations.airflow.hook.SnapshotHook"
    )


def test_without_airflow_the_import_names_the_extra() -> None:
    program = f"""
import sys
sys.modules["airflow"] = None
from css_snapshot.integrations import airflow
for name in {vars(airflow)["__all__"]!r}:
    try:
        getattr(airflow, name)
    except ImportError as error:
        print(error)
"""

    result = subprocess.run(  # noqa: S603  # this Python and our own program
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert result.stdout.count("pip install 'css-snapshot[airflow]'") == 9


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = airflow.Nothing  # type: ignore[attr-defined]  # that is the test
