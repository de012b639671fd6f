"""The emulator as an ASGI application."""

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Final

import attrs

try:
    from starlette import requests, responses
    from starlette.applications import Starlette
    from starlette.routing import Route
    from starlette.types import Receive, Scope, Send
except ImportError as error:
    raise ImportError(
        "the emulator's web application needs the extra css-snapshot[emulator]: "
        "pip install 'css-snapshot[emulator]'"
    ) from error

from css_snapshot.emulator.cloud.faults import Fault
from css_snapshot.emulator.cloud.request import Request
from css_snapshot.emulator.cloud.response import Response
from css_snapshot.emulator.cloud.state import EmulatorState
from css_snapshot.emulator.cloud.vendor_errors import gateway_error
from css_snapshot.emulator.http.admin import ADMIN_CALLS
from css_snapshot.emulator.http.calls import CALLS, Call
from css_snapshot.emulator.http.connection import GARBAGE, connection_of
from css_snapshot.emulator.http.foreign import Hosts, refuse_foreign
from css_snapshot.emulator.http.gateway import BODY_LIMIT, Gateway
from css_snapshot.emulator.http.rendering import render_error

_BODILESS: Final = frozenset((204, 304))
Sleep = Callable[[float], Awaitable[None]]


def create_app(
    state: EmulatorState,
    *,
    sleep: Sleep = asyncio.sleep,
    hosts: Hosts | None = None,
) -> Starlette:
    """Put an emulated cloud behind HTTP: CSS, its gateway, IAM, and `/_emulator/`.

    Faults on the wire need a server that can break connections: `EmulatorServer` or
    `EmulatorTransport`. Under any other ASGI server they raise `RuntimeError`.

    Args:
        state: The emulated cloud.
        sleep: Waits for a number of seconds, for faults that delay.
        hosts: The names to respond under, `None` for every one.
    """
    gateway = Gateway(state)
    routes = [
        Route(call.path, _Endpoint(gateway, call, sleep, hosts), methods=[call.method])
        for call in (*CALLS, *ADMIN_CALLS)
    ]

    async def refuse_path(
        request: requests.Request, _error: Exception
    ) -> responses.Response:
        request_id = gateway.request_id()
        text = "The API does not exist or has not been published in the environment"
        refusal = render_error(gateway_error(404, "APIGW.0101", text), request_id)
        raw_path = _raw_path(request.scope)
        state.ledger.record(request.method, raw_path.decode("latin-1"), refusal.status)
        headers = _headers(refusal, request_id, raw_path, state.clock())
        return responses.Response(refusal.body, refusal.status, dict(headers))

    app = Starlette(
        routes=routes, exception_handlers={404: refuse_path, 405: refuse_path}
    )
    app.router.redirect_slashes = False
    return app


@attrs.frozen
class _Endpoint:
    """Serves one call over ASGI, and lets faults happen."""

    gateway: Gateway
    call: Call
    sleep: Sleep
    hosts: Hosts | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self.gateway.request_id()
        request = _request(scope)
        foreign = refuse_foreign(request, self.hosts)
        if foreign is not None:
            response = render_error(foreign, request_id)
            head = self._head(request, response, request_id)
            await _send_whole(send, head, response)
            return
        body = await _read_body(receive)
        if body is None:
            return
        request = attrs.evolve(request, body=body)
        fault = self.gateway.choose_fault(self.call, request.ids.get("cluster_id"))
        if fault.wait:
            await self.sleep(fault.wait)
        response = self.gateway.respond(self.call, request, fault, request_id)
        if fault.wait_after:
            await self.sleep(fault.wait_after)
        self._record(request, response, fault)
        if response.status in _BODILESS:
            response = attrs.evolve(response, body=b"")
        head = self._head(request, response, request_id)
        await self._send(scope, send, head, response, fault)

    def _record(self, request: Request, response: Response, fault: Fault) -> None:
        if self.call.counted:
            unanswered = fault.ending in {"dropped", "reset", "garbage"}
            self.gateway.state.ledger.record(
                request.method,
                request.raw_path.decode("latin-1"),
                None if unanswered else response.status,
            )

    def _head(
        self, request: Request, response: Response, request_id: str
    ) -> dict[str, object]:
        now = self.gateway.state.clock()
        return {
            "type": "http.response.start",
            "status": response.status,
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in _headers(response, request_id, request.raw_path, now)
            ],
        }

    async def _send(
        self,
        scope: Scope,
        send: Send,
        head: dict[str, object],
        response: Response,
        fault: Fault,
    ) -> None:
        match fault.ending:
            case "whole":
                await _send_whole(send, head, response)
            case "dropped":
                connection_of(scope).close()
            case "reset":
                connection_of(scope).reset()
            case "garbage":
                connection_of(scope).write(GARBAGE)
            case "truncated":
                await _send_half(scope, send, head, response)
            case _:
                await self._drip(scope, send, head, response, fault.interval)

    async def _drip(
        self,
        scope: Scope,
        send: Send,
        head: dict[str, object],
        response: Response,
        interval: float,
    ) -> None:
        connection = connection_of(scope)
        await send(head)
        for byte in response.body:
            if not connection.is_open():
                return
            await self.sleep(interval)
            piece = {"body": bytes((byte,)), "more_body": True}
            await send({"type": "http.response.body", **piece})
        await send({"type": "http.response.body"})


async def _send_whole(send: Send, head: dict[str, object], response: Response) -> None:
    await send(head)
    await send({"type": "http.response.body", "body": response.body})


async def _send_half(
    scope: Scope, send: Send, head: dict[str, object], response: Response
) -> None:
    connection = connection_of(scope)
    body = response.body
    if body:
        await send(head)
        half = {"body": body[: len(body) // 2], "more_body": True}
        await send({"type": "http.response.body", **half})
    connection.close()


async def _read_body(receive: Receive) -> bytes | None:
    pieces: list[bytes] = []
    size = 0
    while size <= BODY_LIMIT:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece: bytes = message.get("body", b"")
        pieces.append(piece)
        size += len(piece)
        if not message.get("more_body", False):
            break
    return b"".join(pieces)


def _request(scope: Scope) -> Request:
    return Request(
        method=scope["method"],
        raw_path=_raw_path(scope),
        query=scope["query_string"],
        headers=scope["headers"],
        ids=scope["path_params"],
        scheme=scope.get("scheme", "http"),
    )


def _raw_path(scope: Scope) -> bytes:
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw_path


def _headers(
    response: Response, request_id: str, raw_path: bytes, now: float
) -> list[tuple[str, str]]:
    trace = [("X-IAM-Trace-Id", request_id)] if raw_path.startswith(b"/v3") else []
    return [
        *response.headers.items(),
        ("Content-Length", str(len(response.body))),
        ("Date", formatdate(now, usegmt=True)),
        ("X-Request-Id", request_id),
        *trace,
    ]
