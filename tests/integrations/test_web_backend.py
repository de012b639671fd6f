"""The example web backend under a real uvicorn, with clients that come and go."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from css_snapshot import SnapshotService
from css_snapshot.auth import TokenAuth
from css_snapshot.emulator import (
    EmulatorServer,
    EmulatorState,
    EmulatorTransport,
    Fault,
)
from css_snapshot.emulator.emulated_time import EmulatedTime
from tests.integrations.examples.web_backend import create_app
from tests.support.server_sent_events import SentEvent, sent_events

EXAMPLES: Final = Path(__file__).parent / "examples"


class Gate(httpx.AsyncBaseTransport):
    """Lets creations of one cluster through only when it is opened."""

    def __init__(self, state: EmulatorState) -> None:
        self._emulator = EmulatorTransport(state)
        self.closed_for = ""
        self.opened = asyncio.Event()
        self.reached = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        creates = request.method == "POST" and self.closed_for in request.url.path
        if creates and self.closed_for:
            self.reached.set()
            await self.opened.wait()
        return await self._emulator.handle_async_request(request)


@pytest.fixture
def time() -> EmulatedTime:
    return EmulatedTime(began=1_770_000_000.0)


@pytest.fixture
def state(time: EmulatedTime) -> EmulatorState:
    return EmulatorState(clusters=10, build_seconds=0.0, clock=time.timestamp)


@pytest.fixture
def gate(state: EmulatorState) -> Gate:
    return Gate(state)


@pytest.fixture
def make(
    state: EmulatorState, gate: Gate, time: EmulatedTime
) -> Callable[[], SnapshotService]:
    return lambda: SnapshotService(
        endpoint="https://css.emulator.invalid",
        project_id=state.project_id,
        auth=TokenAuth(state.token),
        transport=gate,
        clock=time.clock(),
    )


@contextlib.asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    # No patience at all with requests that are open when the server is to stop.
    config = uvicorn.Config(
        app, log_config=None, ws="none", lifespan="on", timeout_graceful_shutdown=0
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    async with httpx.AsyncClient(
        base_url=f"http://{host}:{port}", trust_env=False, timeout=20.0
    ) as client:
        try:
            yield client
        finally:
            server.should_exit = True
            await task


async def read_lines(client: httpx.AsyncClient, start: int = 0) -> list[dict[str, str]]:
    response = await client.get("/fleet", params={"start": start})
    return [json.loads(line) for line in response.text.splitlines()]


async def test_concurrent_clients_that_want_the_same_snapshot_get_the_same_one(
    state: EmulatorState, make: Callable[[], SnapshotService], tmp_path: Path
) -> None:
    async with serving(create_app(make, tmp_path / "fleet.db")) as client:
        await read_lines(client)
        answers = await asyncio.gather(
            *(
                client.put(f"/clusters/{cluster_id}/snapshots/wanted")
                for cluster_id in state.cluster_ids
                for _ in range(5)
            )
        )

    for cluster_id in state.cluster_ids:
        ids = {
            answer.json()["id"]
            for answer in answers
            if cluster_id in answer.request.url.path
        }
        (held,) = (row for row in state.snapshots(cluster_id) if row.name == "wanted")
        assert ids == {held.id}
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses == {201: 10, 200: 40}


async def test_errors_arrive_as_honest_answers(
    state: EmulatorState, make: Callable[[], SnapshotService], tmp_path: Path
) -> None:
    cluster_id = state.cluster_ids[0]
    path = f"/clusters/{cluster_id}/snapshots"
    async with serving(create_app(make, tmp_path / "fleet.db")) as client:
        await read_lines(client)
        state.faults.add(Fault.throttle(limit=60, seconds=60.0), operation="list")
        throttled = await client.get(path)
        state.faults.add(Fault.status(403), operation="list")
        forbidden = await client.get(path)
        invalid = await client.put(f"{path}/NOT-A-NAME")

    assert throttled.status_code == 503
    assert throttled.headers["retry-after"] == "1"
    assert throttled.headers["content-type"] == "application/problem+json"
    assert throttled.json()["vendor"]["code"] == "APIGW.0308"
    assert forbidden.status_code == 502
    assert forbidden.json()["vendor"]["request_id"]
    assert state.project_id not in forbidden.text
    assert invalid.status_code == 422
    assert invalid.json()["field"] == "name"
    assert invalid.json()["outcome"] == "not_sent"


async def test_a_client_that_goes_away_disturbs_neither_the_run_nor_other_readers(
    state: EmulatorState,
    make: Callable[[], SnapshotService],
    gate: Gate,
    tmp_path: Path,
) -> None:
    gate.closed_for = state.cluster_ids[4]
    async with serving(create_app(make, tmp_path / "fleet.db")) as client:
        async with client.stream("GET", "/fleet") as response:
            lines = response.aiter_lines()
            seen = [json.loads(await anext(lines)) for _ in range(9)]
        staying = asyncio.create_task(read_lines(client))
        gate.opened.set()
        everything = await staying
        late = await read_lines(client, start=9)

    assert gate.closed_for not in {line["cluster_id"] for line in seen}
    assert everything[:9] == seen
    assert [line["cluster_id"] for line in everything[9:]] == [gate.closed_for]
    assert late == everything[9:]
    assert {line["outcome"] for line in everything} == {"completed"}
    assert state.creations == 10


async def test_a_shutdown_in_the_middle_leaves_a_run_that_the_next_start_finishes(
    state: EmulatorState,
    make: Callable[[], SnapshotService],
    gate: Gate,
    tmp_path: Path,
) -> None:
    gate.closed_for = state.cluster_ids[7]
    done: list[str] = []
    read = asyncio.Event()

    async def read_on(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", "/fleet") as response:
            async for line in response.aiter_lines():
                done.append(json.loads(line)["cluster_id"])
                if len(done) == 9:
                    read.set()

    async with serving(create_app(make, tmp_path / "fleet.db")) as client:
        reader = asyncio.create_task(read_on(client))
        await gate.reached.wait()
        await read.wait()
    with pytest.raises(httpx.RemoteProtocolError):
        await reader
    gate.opened.set()

    async with serving(create_app(make, tmp_path / "fleet.db")) as client:
        resumed = {line["cluster_id"]: line for line in await read_lines(client)}

    assert len(resumed) == 10
    assert {resumed[cluster_id]["outcome"] for cluster_id in done} == {"skipped"}
    assert resumed[gate.closed_for]["outcome"] == "completed"
    assert state.creations == 10


async def without_progress(response: httpx.Response) -> AsyncIterator[SentEvent]:
    async for event in sent_events(response.aiter_text()):
        if event.kind != "progress":
            yield event


async def read_events(
    client: httpx.AsyncClient, last_event_id: str = ""
) -> list[SentEvent]:
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    async with client.stream("GET", "/events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        return [event async for event in without_progress(response)]


async def test_a_browser_that_was_cut_off_goes_on_where_it_was(
    state: EmulatorState,
    make: Callable[[], SnapshotService],
    gate: Gate,
    tmp_path: Path,
) -> None:
    gate.closed_for = state.cluster_ids[4]
    async with serving(create_app(make, tmp_path / "fleet.db")) as client:
        async with client.stream("GET", "/events") as response:
            incoming = without_progress(response)
            seen = [await anext(incoming) for _ in range(6)]
        gate.opened.set()
        rest = await read_events(client, seen[-1].id)
        whole = await read_events(client)
        again = await client.get("/events", headers={"Last-Event-ID": rest[-1].id})

    assert [event.kind for event in rest] == ["outcome"] * 4 + ["end"]
    assert [*seen, *rest] == whole
    assert {event.data["cluster_id"] for event in whole[:-1]} == set(state.cluster_ids)
    summary = whole[-1].data["summary"]
    assert isinstance(summary, dict)
    assert summary["completed"] == 10
    assert again.status_code == 204
    assert again.content == b""


BROWSER: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
async def test_a_real_browser_follows_the_page(
    make: Callable[[], SnapshotService], tmp_path: Path
) -> None:
    async with serving(create_app(make, tmp_path / "fleet.db")) as client:
        process = await asyncio.create_subprocess_exec(
            *(str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=10000"),
            *("--dump-dom", str(client.base_url)),
            stdout=asyncio.subprocess.PIPE,
        )
        shown, _ = await process.communicate()

    assert b"over: 10 done, 0 missing" in shown
    assert shown.count(b": completed</li>") == 10


async def test_a_run_that_can_not_begin_keeps_the_application_from_starting(
    make: Callable[[], SnapshotService],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    journal = tmp_path / "fleet.db"
    journal.write_text("not a journal")
    config = uvicorn.Config(
        create_app(make, journal), log_config=None, ws="none", lifespan="on", port=0
    )
    server = uvicorn.Server(config)

    # Newer releases of uvicorn leave by it.
    with contextlib.suppress(SystemExit):
        await server.serve()

    assert not server.started
    assert "JournalError" in caplog.text


async def test_the_command_of_the_example_serves_and_stops_when_it_is_told_to(
    tmp_path: Path,
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    state = EmulatorState(clusters=3, build_seconds=0.0)
    async with EmulatorServer(state) as emulator:
        environment = {
            **os.environ,
            "CSS_ENDPOINT": emulator.endpoint,
            "HUAWEICLOUD_SDK_AK": state.access_key,
            "HUAWEICLOUD_SDK_SK": state.secret_key,
            "HUAWEICLOUD_SDK_PROJECT_ID": state.project_id,
            "PYTHONPATH": str(EXAMPLES),
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "uvicorn", "--factory", "web_backend:create_app"),
            *("--fd", str(listener.fileno()), "--timeout-graceful-shutdown", "1"),
            pass_fds=[listener.fileno()],
            cwd=tmp_path,
            env=environment,
            stderr=asyncio.subprocess.PIPE,
        )
        host, port = listener.getsockname()
        listener.close()
        async with httpx.AsyncClient(
            base_url=f"http://{host}:{port}", trust_env=False, timeout=30.0
        ) as client:
            outcomes = await read_lines(client)
        process.send_signal(signal.SIGTERM)
        _, log = await process.communicate()

    assert [line["outcome"] for line in outcomes] == ["completed"] * 3
    assert state.creations == 3
    assert b"Application shutdown complete" in log
    assert b"Traceback" not in log
