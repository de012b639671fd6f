"""The emulator on a real socket, with real faults."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from css_snapshot.emulator import EmulatorServer, EmulatorState, Fault
from tests.support.sockets import connected, get_request

CREATE = {"name": "snapshot_001"}


@pytest.fixture
async def server(state: EmulatorState) -> AsyncIterator[EmulatorServer]:
    async with EmulatorServer(state) as server:
        yield server


@pytest.fixture
async def http(
    server: EmulatorServer, state: EmulatorState
) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=server.endpoint,
        headers={"X-Auth-Token": state.token},
        trust_env=False,
    ) as client:
        yield client


async def test_a_snapshot_is_made_over_a_socket(
    state: EmulatorState,
    http: httpx.AsyncClient,
    cluster_path: str,
    cluster_id: str,
) -> None:
    answer = await http.post(f"{cluster_path}/index_snapshot", json=CREATE)
    listed = await http.get(f"{cluster_path}/index_snapshots")

    (snapshot,) = state.snapshots(cluster_id)
    assert answer.status_code == 201
    assert answer.json()["backup"]["id"] == snapshot.id
    assert [row["id"] for row in listed.json()["backups"]] == [snapshot.id]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.drop(), (httpx.RemoteProtocolError, 0)),
        (Fault.drop_after_commit(), (httpx.RemoteProtocolError, 1)),
        (Fault.reset(), (httpx.ReadError, 0)),
        (Fault.reset_after_commit(), (httpx.ReadError, 1)),
        (Fault.truncate(), (httpx.RemoteProtocolError, 1)),
        (Fault.garbage(), (httpx.RemoteProtocolError, 1)),
    ],
    ids=["drop", "drop after", "reset", "reset after", "truncate", "garbage"],
)
async def test_a_connection_really_breaks_and_the_next_one_is_sound(
    state: EmulatorState,
    http: httpx.AsyncClient,
    cluster_path: str,
    fault: Fault,
    expected: tuple[type[httpx.TransportError], int],
) -> None:
    error, creations = expected
    state.faults.add(fault)

    with pytest.raises(error) as caught:
        await http.post(f"{cluster_path}/index_snapshot", json=CREATE)

    assert type(caught.value) is error
    assert state.creations == creations
    assert (await http.get(cluster_path)).status_code == 200


async def test_a_reset_is_a_tcp_reset_and_a_drop_is_a_plain_end(
    state: EmulatorState, server: EmulatorServer, cluster_path: str
) -> None:
    state.faults.add(Fault.drop())
    state.faults.add(Fault.reset())

    async with connected(server) as (reader, writer):
        writer.write(get_request(state, cluster_path))
        dropped = await reader.read()
    async with connected(server) as (reader, writer):
        writer.write(get_request(state, cluster_path))
        with pytest.raises(ConnectionResetError):
            await reader.read()

    assert dropped == b""


@pytest.mark.parametrize("status", [204, 304, 500, 599])
async def test_every_status_can_be_sent(
    state: EmulatorState, http: httpx.AsyncClient, cluster_path: str, status: int
) -> None:
    state.faults.add(Fault.body(status, "x"))
    state.faults.add(Fault.status(status))
    answers = [await http.get(cluster_path) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert bool(answers[1].content) is (status >= 500)


async def test_a_truncated_answer_has_its_head_and_half_its_body(
    state: EmulatorState, server: EmulatorServer, cluster_path: str
) -> None:
    state.faults.add(Fault.truncate())
    async with connected(server) as (reader, writer):
        writer.write(get_request(state, cluster_path))
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    fields = dict(line.split(b": ") for line in head.split(b"\r\n")[1:])
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert len(body) == int(fields[b"content-length"]) // 2


async def test_a_dripping_answer_comes_in_many_pieces(
    state: EmulatorState, http: httpx.AsyncClient, cluster_path: str
) -> None:
    whole = await http.get(cluster_path)
    state.faults.add(Fault.drip(0.0))
    async with http.stream("GET", cluster_path) as answer:
        pieces = [piece async for piece in answer.aiter_raw()]
    assert b"".join(pieces) == whole.content
    assert len(pieces) > 1


async def test_what_is_not_http_is_refused_in_the_gateways_dialect(
    server: EmulatorServer,
) -> None:
    async with connected(server) as (reader, writer):
        writer.write(b"\x00\x01 nonsense\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    answer = json.loads(body)
    assert head.startswith(b"HTTP/1.1 400 Bad Request")
    assert answer["error_code"] == "APIGW.0201"
    assert f"X-Request-Id: {answer['request_id']}".encode() in head


async def test_nonsense_in_a_body_just_ends_the_connection(
    server: EmulatorServer,
) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with connected(server) as (reader, writer):
        writer.write(head + b"nonsense\r\n")
        answer = await reader.read()
    assert answer == b""


async def test_a_long_token_fits(
    state: EmulatorState, server: EmulatorServer, cluster_path: str
) -> None:
    token = state.credentials.issue_token(state.project_id, text="t" * 20_000)
    headers = {"X-Auth-Token": token.text}
    async with httpx.AsyncClient(base_url=server.endpoint, trust_env=False) as http:
        answer = await http.get(cluster_path, headers=headers)
    assert answer.status_code == 200


async def test_a_large_body_is_read_whole_before_it_is_refused(
    http: httpx.AsyncClient, cluster_path: str
) -> None:
    path = f"{cluster_path}/index_snapshot"
    content = b" " * (12 * 1024 * 1024 + 1)
    refused = await http.post(path, content=content)
    after = await http.get(cluster_path)
    assert (refused.status_code, after.status_code) == (413, 200)
