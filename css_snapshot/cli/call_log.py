"""A line for each HTTP call, for people who want to see them."""

import time

import httpx

from css_snapshot.cli.output.output import Output


class LoggedTransport(httpx.AsyncBaseTransport):
    """A transport that tells of each call, never of a header or a body.

    Args:
        transport: What carries the requests; stays its owner's to close.
        output: Where calls are shown.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, output: Output) -> None:
        self._transport = transport
        self._output = output

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; see `httpx.AsyncBaseTransport`."""
        began = time.monotonic()
        try:
            response = await self._transport.handle_async_request(request)
        except BaseException as exc:
            self._tell(request, began, type(exc).__name__, None)
            raise
        request_id = response.headers.get("X-Request-Id")
        self._tell(request, began, response.status_code, request_id)
        return response

    def _tell(
        self,
        request: httpx.Request,
        began: float,
        status: int | str,
        request_id: str | None,
    ) -> None:
        took = round((time.monotonic() - began) * 1000)
        path = request.url.raw_path.decode("ascii")
        self._output.call(
            f"{request.method} {path} {status} {request_id or '-'} {took} ms",
            {
                "kind": "call",
                "method": request.method,
                "path": path,
                "status": status,
                "request_id": request_id,
                "milliseconds": took,
            },
        )
