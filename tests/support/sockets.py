"""Bare connections to an emulator's server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx

from css_snapshot.emulator import EmulatorServer, EmulatorState

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def connected(server: EmulatorServer) -> AsyncIterator[Streams]:
    url = httpx.URL(server.endpoint)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def get_request(state: EmulatorState, path: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: {state.token}\r\n\r\n"
    ).encode()
