"""The emulator as an ASGI application."""

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Final

import attrs

try:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import Receive, Scope, Send
except ImportError as error:
    raise ImportError(
        "the emulator's web application needs the extra css-snapshot[emulator]: "
        "pip install 'css-snapshot[emulator]'"
    ) from error

from css_snapshot.emulator.cloud.answers import Answer
from css_snapshot.emulator.cloud.calls import CALLS, Call
from css_snapshot.emulator.cloud.faults import Fault
from css_snapshot.emulator.cloud.gateway import BODY_LIMIT, Gateway
from css_snapshot.emulator.cloud.received import Received
from css_snapshot.emulator.cloud.state import EmulatorState
from css_snapshot.emulator.http.admin_calls import ADMIN_CALLS
from css_snapshot.emulator.http.connection import GARBAGE, connection_of

_BODILESS: Final = frozenset((204, 304))
Sleep = Callable[[float], Awaitable[None]]


def create_app(state: EmulatorState, *, sleep: Sleep = asyncio.sleep) -> Starlette:
    """Put an emulated cloud behind HTTP: CSS, its gateway, IAM, and `/_emulator/`.

    Faults on the wire need a server that can break connections: `EmulatorServer` or
    `EmulatorTransport`. Under any other ASGI server they raise `RuntimeError`.

    Args:
        state: The emulated cloud.
        sleep: Waits for a number of seconds, for faults that delay.
    """
    gateway = Gateway(state)
    routes = [
        Route(call.path, _Endpoint(gateway, call, sleep), methods=[call.method])
        for call in (*CALLS, *ADMIN_CALLS)
    ]

    async def refuse_path(request: Request, _error: Exception) -> Response:
        request_id = gateway.request_id()
        answer = gateway.refuse_path(request_id)
        path = _raw_path(request.scope).decode("latin-1")
        state.ledger.answered(request.method, path, answer.status)
        headers = _headers(answer, request_id, state.clock())
        return Response(answer.body, answer.status, dict(headers))

    app = Starlette(
        routes=routes, exception_handlers={404: refuse_path, 405: refuse_path}
    )
    app.router.redirect_slashes = False
    return app


class _Endpoint:
    """Answers one call over ASGI, and lets faults happen."""

    def __init__(self, gateway: Gateway, call: Call, sleep: Sleep) -> None:
        self._gateway = gateway
        self._call = call
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = self._gateway.state
        request_id = self._gateway.request_id()
        body = await _read_body(receive)
        if body is None:
            return
        received = _received(scope, body)
        fault = self._gateway.choose_fault(self._call, received.ids.get("cluster_id"))
        if fault.wait:
            await self._sleep(fault.wait)
        if len(received.body) > BODY_LIMIT:
            answer = self._gateway.refuse_size(request_id)
        else:
            answer = self._gateway.answer(self._call, received, fault, request_id)
        if fault.wait_after:
            await self._sleep(fault.wait_after)
        self._record(received, answer, fault)
        if answer.status in _BODILESS:
            answer = attrs.evolve(answer, body=b"")
        head = {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in _headers(answer, request_id, state.clock())
            ],
        }
        await self._send(scope, send, head, answer.body, fault)

    def _record(self, received: Received, answer: Answer, fault: Fault) -> None:
        if self._call.watched:
            unanswered = fault.ending in {"dropped", "reset", "garbage"}
            self._gateway.state.ledger.answered(
                received.method,
                received.raw_path.decode("latin-1"),
                None if unanswered else answer.status,
            )

    async def _send(
        self,
        scope: Scope,
        send: Send,
        head: dict[str, object],
        body: bytes,
        fault: Fault,
    ) -> None:
        match fault.ending:
            case "whole":
                await send(head)
                await send({"type": "http.response.body", "body": body})
            case "dropped":
                connection_of(scope).close()
            case "reset":
                connection_of(scope).reset()
            case "garbage":
                connection_of(scope).write(GARBAGE)
            case "truncated":
                await _truncate(scope, send, head, body)
            case _:
                await self._drip(scope, send, head, body, fault.interval)

    async def _drip(
        self,
        scope: Scope,
        send: Send,
        head: dict[str, object],
        body: bytes,
        interval: float,
    ) -> None:
        connection = connection_of(scope)
        await send(head)
        for byte in body:
            if not connection.is_open():
                return
            await self._sleep(interval)
            piece = {"body": bytes((byte,)), "more_body": True}
            await send({"type": "http.response.body", **piece})
        await send({"type": "http.response.body"})


async def _truncate(
    scope: Scope, send: Send, head: dict[str, object], body: bytes
) -> None:
    connection = connection_of(scope)
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


def _received(scope: Scope, body: bytes) -> Received:
    return Received(
        method=scope["method"],
        raw_path=_raw_path(scope),
        query=scope["query_string"],
        headers=scope["headers"],
        body=body,
        ids=scope["path_params"],
    )


def _raw_path(scope: Scope) -> bytes:
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw_path


def _headers(answer: Answer, request_id: str, now: float) -> list[tuple[str, str]]:
    return [
        *answer.headers.items(),
        ("Content-Length", str(len(answer.body))),
        ("Date", formatdate(now, usegmt=True)),
        ("X-Request-Id", request_id),
    ]
