"""A loopback server that answers any request with a created snapshot.

It is started as a process of its own, so that its CPU is nobody else's, and prints its
port. As little as HTTP/1.1 allows: the client is what is measured.

    python -m benchmarks.server --delay 0.02    # answers after 20 ms
"""

import argparse
import asyncio
import re
import ssl
from pathlib import Path
from typing import Final, cast

import attrs

from benchmarks.creation import ANSWER
from benchmarks.file_limit import raise_file_limit

_LENGTH: Final = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_END: Final = b"\r\n\r\n"
_BACKLOG: Final = 4096


@attrs.frozen(kw_only=True)
class Behaviour:
    """How the server answers.

    Attributes:
        delay: Seconds before each answer.
        certificate: Its key and certificate, if it speaks TLS.
        closes: Whether it closes each connection after the answer, and says so in it.
        body: A file that it answers with, instead of a created snapshot.
    """

    delay: float = 0.0
    certificate: Path | None = None
    closes: bool = False
    body: Path | None = None

    def arguments(self) -> list[str]:
        """Return the arguments that start a server like this."""
        return [
            f"--delay={self.delay}",
            *([f"--certificate={self.certificate}"] if self.certificate else []),
            *(["--closes"] if self.closes else []),
            *([f"--body={self.body}"] if self.body else []),
        ]

    def answer(self) -> bytes:
        """Return the answer, head and body."""
        body = self.body.read_bytes() if self.body else ANSWER
        lines = [
            b"HTTP/1.1 200 OK" if self.body else b"HTTP/1.1 201 Created",
            b"Content-Type: application/json",
            b"X-Request-Id: 0f6d3b1f2a114f1e0a6c0b1f4f219a4f",
            b"Content-Length: %d" % len(body),
            *([b"Connection: close"] if self.closes else []),
        ]
        return b"\r\n".join(lines) + _END + body


AT_ONCE: Final = Behaviour()


class _Connection(asyncio.Protocol):
    def __init__(self, behaviour: Behaviour, answer: bytes) -> None:
        self._behaviour = behaviour
        self._whole_answer = answer
        self._unread = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (size := request_size(self._unread)) is not None:
            self._unread = self._unread[size:]
            if self._behaviour.delay:
                loop = asyncio.get_running_loop()
                loop.call_later(self._behaviour.delay, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._whole_answer)
            if self._behaviour.closes:
                self._transport.close()


def request_size(data: bytes) -> int | None:
    """Return the size of the first request in some bytes; `None` if it is not whole."""
    head = data.find(_END)
    if head < 0:
        return None
    length = _LENGTH.search(data, 0, head)
    size = head + len(_END) + (int(length[1]) if length else 0)
    return size if len(data) >= size else None


async def serve(behaviour: Behaviour) -> None:
    """Serve until cancelled, the port being the first line of output."""
    raise_file_limit()
    loop, answer, context = asyncio.get_running_loop(), behaviour.answer(), None
    if behaviour.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(behaviour.certificate)
    server = await loop.create_server(
        lambda: _Connection(behaviour, answer),
        *("127.0.0.1", 0),
        backlog=_BACKLOG,
        ssl=context,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _behaviour() -> Behaviour:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server")
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--closes", action="store_true")
    parser.add_argument("--body", type=Path)
    return Behaviour(**vars(parser.parse_args()))


if __name__ == "__main__":
    asyncio.run(serve(_behaviour()))
