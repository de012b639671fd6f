"""A snapshot service in a FastAPI application.

app = FastAPI(lifespan=lifespan())
add_error_handlers(app)

@app.put("/clusters/{cluster_id}/snapshots/{name}")
async def back_up(cluster_id: str, name: str, snapshots: Snapshots) -> ...:
    return await snapshots.ensure(cluster_id, name)

@app.get("/events")
async def follow(request: Request) -> Response:
    return event_stream(request, request.state.fleet)  # an `OutcomeFeed`
"""

from typing import Annotated

from css_snapshot.integrations.feed import OutcomeFeed
from css_snapshot.integrations.problems import Problem, problem_for
from css_snapshot.integrations.starlette import (
    Lifespan,
    ServiceState,
    add_error_handlers,
    error_response,
    event_stream,
    lifespan,
    snapshot_service,
)
from css_snapshot.service import SnapshotService

try:
    from fastapi import Depends
except ImportError as error:
    raise ImportError(
        "this needs the extra css-snapshot[fastapi]:"
        " pip install 'css-snapshot[fastapi]'"
    ) from error

__all__ = [
    "Lifespan",
    "OutcomeFeed",
    "Problem",
    "ServiceState",
    "Snapshots",
    "add_error_handlers",
    "error_response",
    "event_stream",
    "lifespan",
    "problem_for",
    "snapshot_service",
]

Snapshots = Annotated[SnapshotService, Depends(snapshot_service)]
"""The application's service, as a parameter of an endpoint."""
