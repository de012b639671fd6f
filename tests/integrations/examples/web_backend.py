"""A web backend that makes snapshots, and runs a whole fleet of them in the background.

pip install 'css-snapshot[fastapi]' uvicorn
uvicorn --factory web_backend:create_app --timeout-graceful-shutdown 5
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from css_snapshot import Ensured, SnapshotService
from css_snapshot.fanout import Target
from css_snapshot.integrations.fastapi import (
    OutcomeFeed,
    Snapshots,
    add_error_handlers,
    event_stream,
    lifespan,
    outcome_record,
)

PAGE = """<!doctype html>
<title>Fleet</title>
<ol id="outcomes"></ol>
<p id="end">going on</p>
<script>
  const source = new EventSource("/events");
  source.addEventListener("outcome", event => {
    const outcome = JSON.parse(event.data);
    const item = document.createElement("li");
    item.textContent = `${outcome.cluster_id}: ${outcome.outcome}`;
    document.getElementById("outcomes").append(item);
  });
  source.addEventListener("end", event => {
    source.close();
    const { created } = JSON.parse(event.data).summary;
    document.getElementById("end").textContent = `over: ${created} created`;
  });
</script>
"""


async def every_cluster(snapshots: SnapshotService) -> AsyncIterator[Target]:
    async for cluster in snapshots.clusters():
        yield Target(cluster.id, "before-release")


async def as_lines(fleet: OutcomeFeed[Ensured], start: int) -> AsyncIterator[str]:
    async for outcome in fleet.follow(start):
        yield json.dumps(outcome_record(outcome)) + "\n"


def create_app(
    make: Callable[[], SnapshotService] = SnapshotService.from_env,
    journal: Path = Path("fleet.db"),
) -> FastAPI:
    @asynccontextmanager
    async def open_all(app: FastAPI) -> AsyncIterator[Mapping[str, object]]:
        async with lifespan(make)(app) as state:
            snapshots = state["snapshots"]
            run = snapshots.fan_out(every_cluster(snapshots), journal=journal, limit=50)
            async with OutcomeFeed(run) as fleet:
                yield {"fleet": fleet, **state}

    app = FastAPI(lifespan=open_all)
    add_error_handlers(app)

    @app.put("/clusters/{cluster_id}/snapshots/{name}")
    async def back_up(
        cluster_id: str, name: str, snapshots: Snapshots, response: Response
    ) -> dict[str, str]:
        ensured = await snapshots.ensure(cluster_id, name)
        response.status_code = 201 if ensured.how == "created" else 200
        return {"id": ensured.backup.id, "how": ensured.how}

    @app.get("/clusters/{cluster_id}/snapshots")
    async def show(cluster_id: str, snapshots: Snapshots) -> list[dict[str, str]]:
        return [
            {"id": snapshot.id, "name": snapshot.name, "status": snapshot.status}
            for snapshot in await snapshots.list(cluster_id)
        ]

    @app.get("/fleet")
    async def follow(request: Request, start: int = 0) -> StreamingResponse:
        lines = as_lines(request.state.fleet, start)
        return StreamingResponse(lines, media_type="application/x-ndjson")

    @app.get("/events")
    async def events(request: Request) -> Response:
        return event_stream(request, request.state.fleet)

    @app.get("/", response_class=HTMLResponse)
    async def page() -> str:
        return PAGE

    return app
