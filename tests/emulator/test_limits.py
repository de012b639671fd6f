"""What strangers can't make the emulator keep: connections, requests, keys, rules."""

import asyncio
import contextlib

import httpx
import pytest

from css_snapshot.emulator import EmulatorServer, EmulatorState, Fault
from css_snapshot.emulator.cloud import credentials
from tests.support.emulated_cloud import refusal
from tests.support.signed import received
from tests.support.sockets import connected, get_request


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /v3/auth/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
    ],
    ids=["nothing", "half a line", "half a head", "half a body"],
)
async def test_a_request_that_does_not_arrive_is_not_waited_for(
    state: EmulatorState, sent: bytes
) -> None:
    server = EmulatorServer(state, request_seconds=0.05)
    async with server, connected(server) as (reader, writer):
        writer.write(sent)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""


async def test_the_second_request_of_a_connection_has_to_arrive_as_well(
    state: EmulatorState, cluster_path: str
) -> None:
    server = EmulatorServer(state, request_seconds=0.05)
    async with server, connected(server) as (reader, writer):
        writer.write(get_request(state, cluster_path))
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"GET / HTTP/1.1\r\nHo")
        with contextlib.suppress(ConnectionResetError):
            rest = await reader.read()
            assert b"HTTP/1.1" not in rest
    assert head.startswith(b"HTTP/1.1 200 OK")


async def test_a_response_may_take_longer_than_a_request(
    state: EmulatorState, cluster_path: str
) -> None:
    state.faults.add(Fault.delay(0.2))
    server = EmulatorServer(state, request_seconds=0.05)
    async with server, connected(server) as (reader, writer):
        writer.write(get_request(state, cluster_path))
        head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")


async def test_a_connection_too_many_is_dropped_and_the_others_work_on(
    state: EmulatorState, cluster_path: str
) -> None:
    server = EmulatorServer(state, max_connections=1)
    async with server, connected(server) as (reader, writer):
        writer.write(get_request(state, cluster_path))
        await reader.readuntil(b"\r\n\r\n")
        async with connected(server) as (refused, _):
            with contextlib.suppress(ConnectionResetError):
                assert await refused.read() == b""
        writer.write(get_request(state, cluster_path))
        again = await reader.readuntil(b"\r\n\r\n")
    assert b"HTTP/1.1 200 OK" in again


async def test_a_connection_that_ended_makes_room(
    state: EmulatorState, cluster_path: str
) -> None:
    async with EmulatorServer(state, max_connections=1) as server:
        for _ in range(3):
            async with httpx.AsyncClient(trust_env=False) as http:
                await _get_until_served(http, server.endpoint + cluster_path)


async def _get_until_served(http: httpx.AsyncClient, url: str) -> None:
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(httpx.TransportError):
                assert (await http.get(url)).status_code == 401
                return


def test_of_requests_the_latest_are_kept_and_of_paths_the_beginning(
    state: EmulatorState,
) -> None:
    for _ in range(10_001):
        state.ledger.record("GET", "/" + "x" * 60_000, 404)
    assert len(state.requests) == 10_000
    assert {len(request.path) for request in state.requests} == {1_024}


def test_of_tokens_and_temporary_keys_the_latest_are_kept(
    state: EmulatorState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "_MOST", 5)
    given = state.credentials

    tokens = [given.issue_token(None, seconds=60.0).text for _ in range(9)]
    pairs = [given.temporary_pair(60.0).access_key for _ in range(9)]

    assert [given.check_token(text) is not None for text in tokens] == [
        number >= 5 for number in range(9)
    ]
    assert [given.pair(key) is not None for key in pairs] == [
        number >= 5 for number in range(9)
    ]
    assert given.check_token(state.token) is not None
    assert given.pair(state.access_key) is not None


def test_of_metadata_tokens_the_latest_are_kept(
    state: EmulatorState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "_MOST", 2)
    state.metadata_mode = "token"
    ask = received({"X-Metadata-Token-Ttl-Seconds": "60"}, method="PUT")
    tokens = [state.metadata.create_token(ask) for _ in range(3)]

    first, *others = [received({"X-Metadata-Token": token}) for token in tokens]

    assert refusal(state.metadata.security_key, first)[0] == 401
    for request in others:
        assert state.metadata.security_key(request)["credential"]


def test_a_fault_that_is_spent_is_forgotten(state: EmulatorState) -> None:
    state.faults.add(Fault.drop(), times=2)
    state.faults.add(Fault.reset(), times=None)
    for _ in range(2):
        state.faults.choose("create")
    assert len(state.faults) == 1


def test_clusters_and_snapshots_have_an_upper_bound(
    state: EmulatorState, cluster_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("css_snapshot.emulator.cloud.fleet.MOST_CLUSTERS", 4)
    state.add_cluster()
    with pytest.raises(ValueError, match="4 clusters already"):
        state.add_cluster()

    calls = "css_snapshot.emulator.cloud.snapshot_calls.MOST_SNAPSHOTS"
    monkeypatch.setattr(calls, 1)
    state.add_snapshot(cluster_id, "old", age=60.0)
    refused = refusal(state.create_snapshot, cluster_id, {"name": "snapshot_001"})
    assert refused == (413, "CSS.0030")
