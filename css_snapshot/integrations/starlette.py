"""A snapshot service in a Starlette application; for FastAPI see `fastapi` beside it.

app = Starlette(routes=..., lifespan=lifespan())
add_error_handlers(app)

async def create(request: Request) -> Response:
    snapshots = snapshot_service(request)
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, TypedDict

from css_snapshot.errors import ConfigurationError, CSSError
from css_snapshot.events import logger
from css_snapshot.integrations.problems import problem_for
from css_snapshot.service import SnapshotService

try:
    from starlette.applications import Starlette
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import JSONResponse, Response
except ImportError as error:
    raise ImportError(
        "this needs Starlette, which the extra css-snapshot[fastapi] brings:"
        " pip install 'css-snapshot[fastapi]'"
    ) from error

_SERVER_ERROR: Final = 500


class ServiceState(TypedDict):
    """What an application's state holds for each request.

    Attributes:
        snapshots: The application's service.
    """

    snapshots: SnapshotService


Lifespan = Callable[[object], AbstractAsyncContextManager[ServiceState]]
"""Opens what an application needs when it starts, and closes it when it stops."""


def lifespan(
    make: Callable[[], SnapshotService] = SnapshotService.from_env,
) -> Lifespan:
    """Make a lifespan that opens a service with the application and closes it after.

    If the application has a lifespan of its own, let it enter this one, and yield
    what this one yields as part of its own state:

        async with lifespan()(app) as state:
            yield {"mine": ..., **state}

    Args:
        make: Makes the service, in the event loop of the application.
    """

    @asynccontextmanager
    async def open_service(_app: object) -> AsyncIterator[ServiceState]:
        async with make() as service:
            yield {"snapshots": service}

    return open_service


def snapshot_service(connection: HTTPConnection) -> SnapshotService:
    """Answer the application's service, for a request or a websocket.

    Raises:
        ConfigurationError: The application was not made with this module's lifespan.
    """
    service = getattr(connection.state, "snapshots", None)
    if not isinstance(service, SnapshotService):
        raise ConfigurationError(
            "no service: make the application with this module's lifespan"
        )
    return service


async def answer_error(request: Request, error: Exception) -> Response:
    """Answer an error of this package as `css_snapshot.integrations.problems` says.

    Args:
        request: The request that failed.
        error: Why; anything but a `CSSError` is raised again.
    """
    if not isinstance(error, CSSError):
        raise error
    problem = problem_for(error)
    if problem.status >= _SERVER_ERROR:
        # The client is told less than the log, which knows the project and the host.
        logger.error(
            "%s %s answered with %d: %s",
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
    """Let an application answer all errors of this package by `answer_error`.

    A handler of your own for one of the subclasses goes before it.

    Args:
        app: A Starlette or FastAPI application.
    """
    app.add_exception_handler(CSSError, answer_error)
