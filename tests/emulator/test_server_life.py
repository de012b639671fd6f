"""How the emulator's server starts and ends, and where it can be put."""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator

import httpx
import pytest
import trustme

from css_snapshot.emulator import EmulatorServer, EmulatorState, Fault
from css_snapshot.emulator.cloud.state import PASSWORD
from tests.support.sockets import connected, get_request


@pytest.fixture
async def server(state: EmulatorState) -> AsyncIterator[EmulatorServer]:
    async with EmulatorServer(state) as server:
        yield server


async def test_stopping_does_not_wait_for_an_answer_that_drips(
    state: EmulatorState, cluster_path: str
) -> None:
    state.faults.add(Fault.drip(3600.0))
    async with EmulatorServer(state) as server, connected(server) as streams:
        reader, writer = streams
        writer.write(get_request(state, cluster_path))
        head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")


async def test_stopping_does_not_wait_for_idle_or_busy_connections(
    state: EmulatorState, cluster_path: str
) -> None:
    arrived = asyncio.Event()

    async def never(_seconds: float) -> None:
        arrived.set()
        await asyncio.Event().wait()

    state.faults.add(Fault.delay(1.0), nth=2)
    server = EmulatorServer(state, sleep=never)

    async with server, connected(server) as (reader, writer), connected(server):
        writer.write(get_request(state, cluster_path))
        answer = await reader.readuntil(b"\r\n\r\n")
        writer.write(get_request(state, cluster_path))
        await arrived.wait()
        await server.__aexit__(None, None, None)
        rest = await reader.read()

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"HTTP/1.1" not in rest


async def test_the_port_is_free_again_afterwards(state: EmulatorState) -> None:
    async with EmulatorServer(state) as first:
        port = httpx.URL(first.endpoint).port
    async with EmulatorServer(state, port=port or 0) as second:
        assert httpx.URL(second.endpoint).port == port


async def test_without_running_there_is_no_endpoint(state: EmulatorState) -> None:
    server = EmulatorServer(state)
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.endpoint
    await server.__aexit__(None, None, None)


async def test_the_description_is_all_a_client_needs(server: EmulatorServer) -> None:
    described = json.loads(json.dumps(server.description()))
    state = server.state
    assert described == {
        "endpoint": server.endpoint,
        "project_id": state.project_id,
        "access_key": state.access_key,
        "secret_key": state.secret_key,
        "token": state.token,
        "user": "emulator-user",
        "password": PASSWORD,
        "domain": "emulator-domain",
        "project": "cn-north-4",
        "admin_token": state.admin_token,
        "clusters": list(state.cluster_ids),
    }
    assert server.endpoint.startswith("http://127.0.0.1:")


async def test_a_server_without_a_state_makes_a_plain_one() -> None:
    async with EmulatorServer() as server:
        assert len(server.description()["clusters"]) == 3


@pytest.mark.parametrize("kind", ["context", "files"])
async def test_https_is_served_with_a_certificate(
    state: EmulatorState,
    cluster_path: str,
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    if kind == "context":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        server = EmulatorServer(state, ssl_context=context)
    else:
        folder = tmp_path_factory.mktemp("tls")
        pem = folder / "chain.pem"
        key = folder / "key.pem"
        certificate.cert_chain_pems[0].write_to_path(pem)
        certificate.private_key_pem.write_to_path(key)
        server = EmulatorServer(state, certfile=pem, keyfile=key)
    headers = {"X-Auth-Token": state.token}
    state.faults.add(Fault.reset(), nth=2)

    async with (
        server,
        httpx.AsyncClient(
            base_url=server.endpoint, verify=trusting, headers=headers
        ) as http,
    ):
        answer = await http.get(cluster_path)
        with pytest.raises(httpx.ReadError):
            await http.get(cluster_path)
        scheme = httpx.URL(server.endpoint).scheme

    assert (scheme, answer.status_code) == ("https", 200)


async def test_ipv6_loopback_is_served_too(
    state: EmulatorState, cluster_path: str
) -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    async with (
        EmulatorServer(state, host="::1") as server,
        httpx.AsyncClient(base_url=server.endpoint, trust_env=False) as http,
    ):
        answer = await http.get(cluster_path)
        assert server.endpoint.startswith("http://[::1]:")
    assert answer.status_code == 401


def test_a_server_in_a_thread_serves_code_that_blocks(
    state: EmulatorState, cluster_path: str
) -> None:
    before = threading.active_count()
    headers = {"X-Auth-Token": state.token}
    with EmulatorServer(state).run_in_thread() as server:
        url = server.endpoint + cluster_path
        answer = httpx.get(url, headers=headers, trust_env=False)
    assert answer.status_code == 200
    assert threading.active_count() == before


def test_a_thread_whose_port_is_taken_says_so_and_ends(state: EmulatorState) -> None:
    before = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(OSError, match="address already in use"),
            EmulatorServer(state, port=port).run_in_thread(),
        ):
            pass
    assert threading.active_count() == before
