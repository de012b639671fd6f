"""A loopback server that answers any request with a created snapshot.

It is started as a process of its own, so that its CPU is nobody's else, and prints
its port. As little as HTTP/1.1 allows: the client is what is measured.

    python -m benchmarks.server 0.02    # answers after 20 ms
"""

import asyncio
import re
import sys
from typing import Final, cast

from benchmarks.creation import ANSWER, ANSWER_HEADERS

_HEAD: Final = b"\r\n".join(
    [b"HTTP/1.1 201 Created", *(b": ".join(header) for header in ANSWER_HEADERS)]
)
_WHOLE_ANSWER: Final = _HEAD + b"\r\n\r\n" + ANSWER
_LENGTH: Final = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_END: Final = b"\r\n\r\n"


class _Connection(asyncio.Protocol):
    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._unread = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (size := _request_size(self._unread)) is not None:
            self._unread = self._unread[size:]
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_WHOLE_ANSWER)


def _request_size(data: bytes) -> int | None:
    head = data.find(_END)
    if head < 0:
        return None
    length = _LENGTH.search(data, 0, head)
    size = head + len(_END) + (int(length[1]) if length else 0)
    return size if len(data) >= size else None


async def serve(delay: float) -> None:
    """Serve until cancelled, the port being the first line of output.

    Args:
        delay: Seconds before each answer.
    """
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(delay), "127.0.0.1", 0, backlog=2048
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
