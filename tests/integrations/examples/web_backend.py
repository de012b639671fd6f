"""A web backend that makes snapshots, and runs a whole fleet of them in the background.

pip install 'css-snapshot[fastapi]' uvicorn
uvicorn --factory web_backend:create_app --timeout-graceful-shutdown 5
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from css_snapshot import Ensured, SnapshotService
from css_snapshot.fanout import Target
from css_snapshot.integrations.fastapi import (
    OutcomeFeed,
    Snapshots,
    add_error_handlers,
    lifespan,
    outcome_record,
)


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

    return app
