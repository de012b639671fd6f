"""Requests from elsewhere: other hosts, pages of other sites, strangers to the admin."""

import httpx
import pytest

from css_snapshot.emulator import EmulatorServer, EmulatorState
from css_snapshot.emulator.http.foreign import Hosts
from tests.support.sockets import connected

FAULTS = "/_emulator/faults"
FAULT = {"fault": "status", "arguments": {"status": 500}}


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.1:8080", "127.9.9.9", "localhost", "LocalHost:1"),
        *("[::1]", "[::1]:8080", "emulator", "Emulator:80"),
    ],
)
def test_this_machine_and_configured_names_are_served(host: str) -> None:
    assert Hosts("127.0.0.1", ["emulator"]).serves(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", "attacker.example", "localhost.attacker.example", "10.0.0.1", "[::2]"),
        *("127.0.0.1.attacker.example", "[", "127.0.0.1@attacker.example", "xemulator"),
        *("a b", "2130706433"),
    ],
)
def test_other_names_and_addresses_are_not_served(host: str) -> None:
    assert not Hosts("127.0.0.1", ["emulator"]).serves(host)


@pytest.mark.parametrize("bound", ["0.0.0.0", "::", "192.168.0.7"])  # noqa: S104 - no socket
def test_what_listens_for_other_machines_serves_addresses_but_no_more_names(
    bound: str,
) -> None:
    hosts = Hosts(bound)
    assert hosts.serves("192.168.0.7:8080")
    assert hosts.serves("[fd00::7]")
    assert hosts.serves("localhost")
    assert not hosts.serves("attacker.example")


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("my-emulator:1", 200), ("attacker.example", 404)],
)
async def test_a_server_responds_under_its_names_alone(
    state: EmulatorState, cluster_path: str, host: str, status: int
) -> None:
    async with (
        EmulatorServer(state, hosts=["my-emulator"]) as server,
        httpx.AsyncClient(base_url=server.endpoint, trust_env=False) as http,
    ):
        headers = {"Host": host, "X-Auth-Token": state.token}
        response = await http.get(cluster_path, headers=headers)

    assert response.status_code == status
    if status == 404:
        assert response.json()["error_code"] == "APIGW.0101"
        assert state.counts == {}


async def test_a_request_without_a_host_is_not_served(state: EmulatorState) -> None:
    async with EmulatorServer(state) as server, connected(server) as (reader, writer):
        writer.write(b"GET /v3 HTTP/1.0\r\n\r\n")
        head = await reader.read()
    assert head.startswith(b"HTTP/1.1 404 ")


PAGES = [
    {"Origin": "https://attacker.example"},
    {"Origin": "null"},
    {"Origin": "https://emulator.invalid"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("page", PAGES, ids=str)
async def test_a_page_of_another_site_is_refused_whatever_it_knows(
    state: EmulatorState,
    client: httpx.AsyncClient,
    cluster_path: str,
    page: dict[str, str],
) -> None:
    admin = await client.post(FAULTS, json=FAULT, headers=page)
    read = await client.get(cluster_path, headers=page)

    assert (admin.status_code, read.status_code) == (403, 403)
    assert admin.json()["error_code"] == "APIGW.0306"
    assert len(state.faults) == 0
    assert state.counts == {}


@pytest.mark.parametrize(
    "page",
    [
        {"Origin": "http://emulator.invalid"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
async def test_the_emulators_own_page_and_an_address_typed_in_are_served(
    client: httpx.AsyncClient, cluster_path: str, page: dict[str, str]
) -> None:
    assert (await client.get(cluster_path, headers=page)).status_code == 200


@pytest.mark.parametrize("token", ["", "wrong", "é", None])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_emulator/"),
        ("POST", FAULTS),
        ("DELETE", FAULTS),
        ("POST", "/_emulator/clusters"),
        ("PATCH", "/_emulator/options"),
    ],
)
async def test_without_the_admin_token_nothing_is_told_or_changed(
    state: EmulatorState,
    anyone: httpx.AsyncClient,
    method: str,
    path: str,
    token: str | None,
) -> None:
    headers = [] if token is None else [(b"X-Emulator-Token", token.encode("latin-1"))]
    response = await anyone.request(
        method, path, json=FAULT, headers=httpx.Headers(headers)
    )
    assert response.status_code == 401
    assert response.json()["error_code"] == "APIGW.0301"
    assert (len(state.faults), len(state.clusters)) == (0, 3)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
async def test_what_a_form_can_send_is_no_admin_call(
    state: EmulatorState, client: httpx.AsyncClient, kind: str
) -> None:
    headers = {"Content-Type": kind}
    response = await client.post(FAULTS, content=b'{"fault": "drop"}', headers=headers)
    assert response.status_code == 415
    assert len(state.faults) == 0


async def test_the_type_of_a_body_may_name_its_encoding(
    state: EmulatorState, client: httpx.AsyncClient
) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    response = await client.post(FAULTS, content=b'{"fault": "drop"}', headers=headers)
    assert response.status_code == 201
    assert len(state.faults) == 1


def test_each_emulator_has_an_admin_token_of_its_own() -> None:
    first, second = EmulatorState(), EmulatorState()
    assert len(first.admin_token) >= 32
    assert first.admin_token != second.admin_token
    assert first.admin_token not in repr(first)
