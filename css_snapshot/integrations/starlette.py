"""A snapshot service in a Starlette application; for FastAPI see `fastapi` beside it.

app = Starlette(routes=..., lifespan=lifespan())
add_error_handlers(app)

async def create(request: Request) -> Response:
    snapshots = snapshot_service(request)

async def follow(request: Request) -> Response:
    return event_stream(request, request.state.fleet)  # an `OutcomeFeed`
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, TypedDict, TypeVar

from css_snapshot.errors import ConfigurationError, CSSError
from css_snapshot.events import logger
from css_snapshot.integrations.feed import OutcomeFeed
from css_snapshot.integrations.problems import problem_for
from css_snapshot.service import SnapshotService

try:
    from starlette.applications import Starlette
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
except ImportError as error:
    raise ImportError(
        "this needs Starlette, which the extra css-snapshot[fastapi] brings:"
        " pip install 'css-snapshot[fastapi]'"
    ) from error

T = TypeVar("T")

_SERVER_ERROR: Final = 500
_NO_CONTENT: Final = 204
_EVENT_STREAM_HEADERS: Final = {
    "Cache-Control": "no-store",
    # nginx would collect events before it passes them on.
    "X-Accel-Buffering": "no",
}


class ServiceState(TypedDict):
    """The state of an application, as each request has it.

    Attributes:
        snapshots: The application's service.
    """

    snapshots: SnapshotService


Lifespan = Callable[[object], AbstractAsyncContextManager[ServiceState]]
"""What opens a service when an application starts, and closes it when that stops."""


def lifespan(
    make: Callable[[], SnapshotService] = SnapshotService.from_env,
) -> Lifespan:
    """Return a lifespan that opens a service with the application and closes it after.

    If the application has a lifespan of its own, let it enter this one, and yield
    what this one yields as part of its own state:

        async with lifespan()(app) as state:
            yield {"mine": ..., **state}

    Args:
        make: Creates the service, in the event loop of the application.
    """

    @asynccontextmanager
    async def open_service(_app: object) -> AsyncIterator[ServiceState]:
        async with make() as service:
            yield {"snapshots": service}

    return open_service


def snapshot_service(connection: HTTPConnection) -> SnapshotService:
    """Return the application's service, for a request or a websocket.

    Raises:
        ConfigurationError: If the application does not have this module's lifespan.
    """
    service = getattr(connection.state, "snapshots", None)
    if not isinstance(service, SnapshotService):
        raise ConfigurationError(
            "no service: make the application with this module's lifespan"
        )
    return service


async def error_response(request: Request, error: Exception) -> Response:
    """Respond to an error of this package as `css_snapshot.integrations.problems` says.

    Args:
        request: The request that failed.
        error: The reason; anything but a `CSSError` is raised again.
    """
    if not isinstance(error, CSSError):
        raise error
    problem = problem_for(error)
    if problem.status >= _SERVER_ERROR:
        # The client is told less than the log, which knows the project and the host.
        logger.error(
            "%s %s: responded with %d: %s",
            request.method,
            request.url.path,
            problem.status,
            error,
        )
    return JSONResponse(
        dict(problem.body),
        status_code=problem.status,
        headers=dict(problem.headers),
        media_type="application/problem+json",
    )


def add_error_handlers(app: Starlette) -> None:
    """Let an application respond to all errors of this package by `error_response`.

    A handler of your own for one of the subclasses takes precedence.

    Args:
        app: A Starlette or FastAPI application.
    """
    app.add_exception_handler(CSSError, error_response)


def event_stream(
    request: Request, feed: OutcomeFeed[T], *, heartbeat: float = 15.0
) -> Response:
    """Return a response that streams a run's outcomes as server-sent events.

    A browser follows it by `new EventSource(...)`: it listens for `outcome`, `progress`
    and `end`, and comes back by itself with `Last-Event-ID` if the connection breaks. One
    that has seen the end gets 204, which tells it to stay away.

    Args:
        request: The request to respond to.
        feed: The run, entered by the application's lifespan.
        heartbeat: Seconds between two events `progress`.
    """
    last_event_id = request.headers.get("Last-Event-ID")
    if feed.was_followed_to_its_end(last_event_id):
        return Response(status_code=_NO_CONTENT)
    return StreamingResponse(
        feed.server_sent_events(last_event_id, heartbeat=heartbeat),
        media_type="text/event-stream",
        headers=_EVENT_STREAM_HEADERS,
    )
