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

from css_snapshot import Ensured, SnapshotService, to_dict
from css_snapshot.fanout import Target
from css_snapshot.integrations.fastapi import (
    OutcomeFeed,
    Snapshots,
    add_error_handlers,
    event_stream,
    lifespan,
)

PAGE = """<!doctype html>
<title>Fleet</title>
<p id="state"></p>
<ol id="outcomes"></ol>
<script>
  const source = new EventSource("/events");
  source.addEventListener("outcome", event => {
    const outcome = JSON.parse(event.data);
    const item = document.createElement("li");
    const name = outcome.cluster_name ?? outcome.cluster_id;
    item.textContent = `${name}: ${outcome.outcome}`;
    document.getElementById("outcomes").append(item);
  });
  const state = text => document.getElementById("state").textContent = text;
  source.addEventListener("progress", event => {
    const { summary, building } = JSON.parse(event.data);
    state(`${summary.good} done, ${summary.bad} missing, ${building} building`);
  });
  source.addEventListener("end", event => {
    source.close();
    const { good, bad } = JSON.parse(event.data).summary;
    state(`over: ${good} done, ${bad} missing`);
  });
</script>
"""


async def every_cluster(snapshots: SnapshotService) -> AsyncIterator[Target]:
    async for cluster in snapshots.clusters():
        yield Target.of(cluster, "before-release")


async def as_lines(fleet: OutcomeFeed[Ensured], start: int) -> AsyncIterator[str]:
    async for outcome in fleet.follow(start):
        yield json.dumps(to_dict(outcome)) + "\n"


def create_app(
    make: Callable[[], SnapshotService] = SnapshotService.from_env,
    journal: Path = Path("fleet.db"),
) -> FastAPI:
    @asynccontextmanager
    async def open_all(app: FastAPI) -> AsyncIterator[Mapping[str, object]]:
        async with lifespan(make)(app) as state:
            snapshots = state["snapshots"]
            run = snapshots.fan_out(
                every_cluster(snapshots), until="completed", journal=journal, limit=50
            )
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
