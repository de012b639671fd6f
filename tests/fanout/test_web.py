"""A run inside a web application, over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import httpx
import uvicorn

from css_snapshot.fanout import FanOut, State, read_status
from css_snapshot.models import Ensured
from tests.support.fanout_bench import Cloud, snapshots_of, targets
from tests.support.web_app import create_app


@attrs.define(eq=False)
class SteppedCloud(Cloud):
    """A cloud that creates at once, and answers each only with a permission."""

    permits: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(0))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await Cloud.handle_async_request(self, request)
        if request.method == "POST":
            await self.permits.acquire()
        return answer


@asynccontextmanager
async def serving(start: Callable[[], FanOut[Ensured]]) -> AsyncIterator[str]:
    """Serve the application by uvicorn, and shut it down as a signal would."""
    config = uvicorn.Config(
        create_app(start), port=0, log_level="error", lifespan="on", ws="none"
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:
        assert not task.done()
        await asyncio.sleep(0.001)  # uvicorn has no event for it
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def test_a_run_outlives_its_listeners_and_ends_with_the_application(
    tmp_path: Path,
) -> None:
    cloud = SteppedCloud()
    journal = tmp_path / "nightly.db"

    def start() -> FanOut[Ensured]:
        return snapshots_of(
            cloud.client(timeout=60.0),
            targets(100),
            limit=4,
            journal=journal,
        )

    async with serving(start) as url, httpx.AsyncClient(base_url=url) as browser:
        async with browser.stream("GET", "/outcomes") as leaving:
            lines = leaving.aiter_lines()
            assert json.loads(await anext(lines)) == {"waiting": 0}
            for _ in range(5):
                cloud.permits.release()
            gone = {json.loads(await anext(lines))["cluster"] for _ in range(5)}

        async with browser.stream("GET", "/outcomes") as staying:
            lines = staying.aiter_lines()
            assert json.loads(await anext(lines)) == {"waiting": 0}
            for _ in range(5):
                cloud.permits.release()
            seen = {json.loads(await anext(lines))["cluster"] for _ in range(5)}
        progress = (await browser.get("/progress")).json()

    status = read_status(journal)
    done = {entry.cluster_id for entry in status.entries(State.ACCEPTED)}
    assert not gone & seen
    assert gone | seen == done
    assert progress["summary"]["created"] == 10
    assert (status.counts[State.ACCEPTED], status.counts[State.INTENT]) == (10, 4)
    assert not status.held

    for _ in range(100):
        cloud.permits.release()
    async with start() as run:
        summary = await run.finish()
    assert (summary.skipped, summary.adopted, summary.created) == (10, 4, 86)
    assert cloud.posts.total() == len(cloud.snapshots) == 100
