"""A loopback server that closes each connection a moment after its answer.

It does not say that it will, as many servers and load balancers don't. A GET returns
how often each path was posted to, as JSON, and begins anew.

    python -m benchmarks.stale_server 0.004    # after 4 ms at most
"""

import asyncio
import json
import random
import sys
from collections import Counter
from typing import Final, cast

from benchmarks.server import AT_ONCE, request_size

_SEED: Final = 17


class _Server:
    def __init__(self, most: float) -> None:
        self._most = most
        self._random = random.Random(_SEED)  # noqa: S311  # the same in each run
        self._arrived: Counter[str] = Counter()
        self._answer = AT_ONCE.answer()

    def answer_to(self, request: bytes) -> bytes:
        method, path, _ = request.decode().split(" ", 2)
        if method == "POST":
            self._arrived[path] += 1
            return self._answer
        body = json.dumps(self._arrived).encode()
        self._arrived.clear()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    def patience(self) -> float:
        return self._random.uniform(0.0, self._most)


class _Connection(asyncio.Protocol):
    def __init__(self, server: _Server) -> None:
        self._server = server
        self._unread = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        size = request_size(self._unread)
        if size is None or self._transport is None:
            return
        request, self._unread = self._unread[:size], self._unread[size:]
        self._transport.write(self._server.answer_to(request))
        loop = asyncio.get_running_loop()
        loop.call_later(self._server.patience(), self._transport.close)


async def serve(most: float) -> None:
    """Serve until cancelled, the port being the first line of output.

    Args:
        most: Seconds between an answer and the end of its connection, at most.
    """
    behind, loop = _Server(most), asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(behind), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
