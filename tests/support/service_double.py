"""A service that responds from a script, and notes what it was asked."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import httpx

Reply: TypeAlias = (
    httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]
)


class ServiceDouble(httpx.AsyncBaseTransport):
    """A transport that stands for the service and the network in between.

    Replies are used up in their order, and the last one of a script repeats. Where
    state matters (what was created shows in the list), the emulator is the double.

    Args:
        *replies: The script for all requests for which there is no other.
        **by_method: Scripts for methods by their names in lower case.

    Attributes:
        requests: The requests, in the order in which they arrived.
        closed: How often the transport was closed.
    """

    def __init__(self, *replies: Reply, **by_method: Sequence[Reply]) -> None:
        self._scripts = {name: list(script) for name, script in by_method.items()}
        self._script = list(replies)
        self.requests: list[httpx.Request] = []
        self.closed = 0

    def sent(self, method: str) -> list[httpx.Request]:
        """Return the requests of one method."""
        return [request for request in self.requests if request.method == method]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        script = self._scripts.get(request.method.lower(), self._script)
        reply = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(reply, Exception):
            raise reply
        if callable(reply):
            return reply(request)
        # Anew each time, as the body of a response can be read once.
        return httpx.Response(
            reply.status_code, headers=reply.headers, content=reply.content
        )

    async def aclose(self) -> None:
        self.closed += 1
