"""The emulator over HTTP, without a socket: routes, dialects, limits, robustness."""

import json
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from css_snapshot.emulator import (
    EmulatorState,
    Fault,
    RecordedRequest,
    create_app,
)
from css_snapshot.emulator.http.connection import EXTENSION
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import START, create

CREATE = {"name": "snapshot_001", "indices": "a,b"}


async def test_every_call_of_the_contract_answers_its_documented_status(
    state: EmulatorState,
    client: httpx.AsyncClient,
    cluster_path: str,
    clock: ManualClock,
) -> None:
    one = f"{cluster_path}/index_snapshot"
    target = {"target_cluster": state.cluster_ids[1]}
    policy = {
        "enable": "true",
        "prefix": "auto",
        "keepday": 3,
        "period": "16:00 GMT+08:00",
    }
    settings_ = {"bucket": "css-backup", "agency": "agency"}
    v2 = cluster_path.replace("v1.0", "v2.0") + "/snapshots/policy"

    async def call(method: str, path: str, body: object = None) -> tuple[int, bytes]:
        answer = await client.request(method, path, json=body)
        return answer.status_code, answer.content

    status, body = await call("POST", one, CREATE)
    snapshot_id = json.loads(body)["backup"]["id"]
    clock.advance(2.0)
    answers = {
        "list": await call("GET", f"{one}s"),
        "restore": await call("POST", f"{one}/{snapshot_id}/restore", target),
        "set": await call("POST", f"{one}/policy", policy),
        "get": await call("GET", f"{one}/policy"),
        "setting": await call("POST", f"{one}/setting", settings_),
        "auto": await call("POST", f"{one}/auto_setting"),
        "open": await call("POST", f"{v2}/open", policy),
        "close": await call("PUT", f"{v2}/close"),
        "clusters": await call("GET", cluster_path.rpartition("/")[0]),
        "cluster": await call("GET", cluster_path),
    }
    clock.advance(2.0)
    answers["delete"] = await call("DELETE", f"{one}/{snapshot_id}")
    answers["disable"] = await call("DELETE", f"{one}s")

    assert status == 201
    with_body = {"list", "get", "clusters", "cluster"}
    assert {name for name, answer in answers.items() if answer[1]} == with_body
    assert answers["restore"][0] == 201
    assert {answer[0] for name, answer in answers.items() if name != "restore"} == {200}
    assert set(state.counts.values()) == {1}
    assert len(state.counts) == 13


async def test_every_answer_has_a_request_id_and_the_states_time(
    client: httpx.AsyncClient, cluster_path: str
) -> None:
    answers = [
        await client.get(cluster_path),
        await client.get("/nowhere"),
        await client.post(cluster_path),
        await client.get(cluster_path, headers={"X-Auth-Token": "wrong"}),
        await client.get("/_emulator/"),
    ]

    ids = [answer.headers["x-request-id"] for answer in answers]
    assert [answer.status_code for answer in answers] == [200, 404, 404, 401, 200]
    assert len(set(ids)) == len(ids)
    for answer in answers:
        date = parsedate_to_datetime(answer.headers["date"])
        assert date.timestamp() == START


async def test_css_and_the_gateway_speak_their_own_dialects(
    client: httpx.AsyncClient, cluster_path: str
) -> None:
    bad = await client.post(f"{cluster_path}/index_snapshot", json={"name": "NO"})
    lost = await client.get(f"{cluster_path}x")
    nowhere = await client.get("/v1.0/nowhere")

    assert (bad.status_code, lost.status_code) == (400, 403)
    assert bad.json() == {
        "errCode": "CSS.0001",
        "externalMessage": "CSS.0001 : Incorrect parameters. (name is invalid)",
    }
    assert lost.json() == {
        "errCode": "CSS.0015",
        "externalMessage": "No resources are found or the access is denied.",
    }
    assert nowhere.json()["error_code"] == "APIGW.0101"
    assert nowhere.json()["request_id"] == nowhere.headers["x-request-id"]


@pytest.mark.parametrize(
    "path",
    [
        "/index_snapshot/",
        "/index_snapshots/",
        "/index_snapshot/a/b",
        "/index_snapshot/%0A/restore/x",
        "x%0A/y",
    ],
)
async def test_a_path_that_no_call_has_is_404_and_not_redirected(
    client: httpx.AsyncClient, cluster_path: str, path: str
) -> None:
    answer = await client.delete(cluster_path + path)
    assert answer.status_code == 404
    assert answer.json()["error_code"] == "APIGW.0101"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "CSS.0006"),
        (b"  ", "CSS.0006"),
        (b"{", "CSS.0001"),
        (b"\xff\xfe", "CSS.0001"),
        (b"[" * 100_000, "CSS.0001"),
        (b'{"name": ' + b"9" * 5000 + b"}", "CSS.0001"),
        (b'{"name": "\\ud800abc"}', "CSS.0001"),
        (b'{"name": NaN}', "CSS.0001"),
    ],
    ids=["empty", "blank", "half", "bytes", "deep", "number", "surrogate", "nan"],
)
async def test_a_body_that_is_not_json_is_a_bad_parameter(
    client: httpx.AsyncClient, cluster_path: str, content: bytes, code: str
) -> None:
    answer = await client.post(f"{cluster_path}/index_snapshot", content=content)
    assert answer.status_code == 400
    assert answer.json()["errCode"] == code


async def test_a_body_above_twelve_megabytes_is_refused(
    state: EmulatorState, client: httpx.AsyncClient, cluster_path: str
) -> None:
    answer = await client.post(
        f"{cluster_path}/index_snapshot", content=b" " * (12 * 1024 * 1024 + 1)
    )
    assert answer.status_code == 413
    assert answer.json()["error_code"] == "APIGW.0201"
    assert state.creations == 0


async def test_requests_are_recorded_with_their_answers(
    state: EmulatorState, client: httpx.AsyncClient, cluster_path: str
) -> None:
    path = f"{cluster_path}/index_snapshot"
    state.faults.add(Fault.drop_after_commit(), operation="create")

    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(path, json=CREATE)
    await client.get(f"{path}s?x=1")
    await client.get("/nowhere")

    assert list(state.requests) == [
        RecordedRequest("POST", path, None),
        RecordedRequest("GET", f"{path}s", 200),
        RecordedRequest("GET", "/nowhere", 404),
    ]
    assert state.counts == {"create": 1, "list": 1}


async def test_an_error_in_a_success_status_keeps_the_dialect(
    state: EmulatorState, client: httpx.AsyncClient, cluster_path: str, cluster_id: str
) -> None:
    state.busy_status = 202
    create(state, cluster_id, "other")
    answer = await client.post(f"{cluster_path}/index_snapshot", json=CREATE)
    assert answer.status_code == 202
    assert answer.json()["errCode"] == "CSS.0011"


async def test_a_plain_asgi_server_cannot_break_connections(
    state: EmulatorState, cluster_path: str
) -> None:
    app = create_app(state)
    state.faults.add(Fault.reset())
    assert isinstance(app, Starlette)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://emulator.invalid"
    ) as client:
        with pytest.raises(RuntimeError, match="EmulatorServer"):
            await client.get(cluster_path)


class _Caller:
    """Speaks ASGI by hand, and leaves when it is told to."""

    def __init__(self, state: EmulatorState, *messages: dict[str, Any]) -> None:
        self.sent: list[Any] = []
        self._state = state
        self._messages = [*messages, {"type": "http.disconnect"}]
        self._patience = 2

    async def call(self, method: str, path: str) -> None:
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(b"x-auth-token", self._state.token.encode())],
            "extensions": {EXTENSION: self},
        }
        await create_app(self._state)(scope, self._receive, self._send)

    def is_open(self) -> bool:
        self._patience -= 1
        return self._patience >= 0

    def close(self) -> None:
        raise NotImplementedError

    reset = close

    def write(self, data: bytes) -> None:
        raise NotImplementedError

    async def _receive(self) -> dict[str, Any]:
        return self._messages.pop(0)

    async def _send(self, message: object) -> None:
        self.sent.append(message)


async def test_a_request_whose_client_leaves_half_way_is_not_carried_out(
    state: EmulatorState, cluster_path: str
) -> None:
    half = {"type": "http.request", "body": b'{"name":', "more_body": True}
    caller = _Caller(state, half)

    await caller.call("POST", f"{cluster_path}/index_snapshot")

    assert caller.sent == []
    assert state.counts == {}


async def test_dripping_stops_when_the_client_has_left(
    state: EmulatorState, cluster_path: str
) -> None:
    state.faults.add(Fault.drip(0.0))
    caller = _Caller(state, {"type": "http.request"})

    await caller.call("GET", cluster_path)

    _head, first, second = caller.sent
    assert [first["body"], second["body"]] == [b"{", b'"']
