"""The parts for Starlette without FastAPI, and what happens without either."""

import logging
import subprocess
import sys

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from css_snapshot import ConnectionLostError, CSSError, SnapshotService
from css_snapshot.auth import TokenAuth
from css_snapshot.emulator import EmulatorState, EmulatorTransport
from css_snapshot.integrations.starlette import (
    add_error_handlers,
    error_response,
    lifespan,
    snapshot_service,
)


class ClosingTransport(EmulatorTransport):
    """Notes that it was closed."""

    closed = False

    async def aclose(self) -> None:
        self.closed = True
        await super().aclose()


class OwningService(SnapshotService):
    """Closes the transport it was given."""

    async def aclose(self) -> None:
        await transport_of(self).aclose()


def transport_of(service: SnapshotService) -> ClosingTransport:
    transport = service._client.transport
    assert isinstance(transport, ClosingTransport)
    return transport


async def count(request: Request) -> Response:
    snapshots = await snapshot_service(request).list(request.path_params["cluster_id"])
    return PlainTextResponse(str(len(snapshots)))


async def lose(request: Request) -> Response:
    raise ConnectionLostError("connection lost: 10.0.0.1")


ROUTES = [Route("/clusters/{cluster_id}", count), Route("/lose", lose)]


def client_of(app: Starlette, state: object = None) -> httpx.AsyncClient:
    async def with_state(scope: object, receive: object, send: object) -> None:
        scope["state"] = state or {}  # type: ignore[index]  # an ASGI scope
        await app(scope, receive, send)  # type: ignore[arg-type]  # likewise

    transport = httpx.ASGITransport(with_state)
    return httpx.AsyncClient(transport=transport, base_url="http://here")


async def test_the_lifespan_opens_the_service_hands_it_out_and_closes_it() -> None:
    emulated = EmulatorState(clusters=1)
    transport = ClosingTransport(emulated)
    opening = lifespan(
        lambda: OwningService(
            endpoint="https://css.emulator.invalid",
            project_id=emulated.project_id,
            auth=TokenAuth(emulated.token),
            transport=transport,
        )
    )
    app = Starlette(routes=ROUTES, lifespan=opening)

    async with opening(app) as state, client_of(app, state) as client:
        answer = await client.get(f"/clusters/{emulated.cluster_ids[0]}")
        closed_while_open = transport.closed

    assert answer.text == "0"
    assert not closed_while_open
    assert transport.closed


async def test_an_application_without_the_lifespan_is_told_what_it_lacks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Starlette(routes=ROUTES)
    add_error_handlers(app)

    async with client_of(app) as client:
        answer = await client.get("/clusters/c1")

    assert answer.status_code == 500
    assert "make the application with this module's lifespan" in caplog.text
    assert "lifespan" not in answer.text


async def test_the_log_knows_more_than_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Starlette(routes=ROUTES)
    add_error_handlers(app)

    async with client_of(app) as client:
        answer = await client.get("/lose")

    assert answer.status_code == 502
    assert "10.0.0.1" not in answer.text
    assert caplog.record_tuples == [
        (
            "css_snapshot",
            logging.ERROR,
            "GET /lose: responded with 502: connection lost: 10.0.0.1",
        )
    ]


async def test_an_applications_own_handler_for_a_subclass_goes_first() -> None:
    async def own(request: Request, error: Exception) -> Response:
        return PlainTextResponse("own", status_code=418)

    app = Starlette(routes=ROUTES, exception_handlers={ConnectionLostError: own})
    add_error_handlers(app)

    async with client_of(app) as client:
        answer = await client.get("/lose")

    assert answer.status_code == 418


async def test_the_handler_raises_what_is_not_of_this_package() -> None:
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": []})

    with pytest.raises(KeyError):
        await error_response(request, KeyError("not ours"))


@pytest.mark.parametrize("module", ["starlette", "fastapi"])
def test_without_its_extra_the_import_names_it(module: str) -> None:
    program = f"""
import sys
sys.modules[{module!r}] = None
import css_snapshot.integrations.{module}
"""

    result = subprocess.run(  # noqa: S603  # this Python and our own program
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert "pip install 'css-snapshot[fastapi]'" in result.stderr


def test_errors_of_this_package_are_what_the_handlers_are_for() -> None:
    app = Starlette()

    add_error_handlers(app)

    assert set(app.exception_handlers) == {CSSError}
