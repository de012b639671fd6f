"""What a server says beyond one response never becomes the response to the next request.

On real sockets, over every transport, with and without TLS.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import httpx
import pytest
import trustme

from css_snapshot import SnapshotService
from css_snapshot.errors import InvalidResponseError
from tests.support.fault_server import (
    BACKUP,
    FaultServer,
    Script,
    Wire,
    answer,
    tunnel_to,
)

MakeService = Callable[..., SnapshotService]
MakeTrusting = Callable[[str], httpx.AsyncBaseTransport]

ID: Final = "9dc4f5c9-33c0-45c7"
FOREIGN: Final = answer(201, BACKUP.replace(ID.encode(), b"foreign"))
READ_SIZE: Final = 65536
"""How much httpcore reads at once."""


def _followed_by(after: bytes) -> Script:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(answer(201, BACKUP) + after)
        await wire.client_gone()

    return script


async def in_a_write_of_its_own(wire: Wire) -> None:
    """Send the second in a packet of its own, which under TLS is its own record too."""
    await wire.request()
    wire.writer.writelines([answer(201, BACKUP)])
    await wire.send(FOREIGN)
    await wire.client_gone()


async def after_chunks(wire: Wire) -> None:
    await wire.request()
    head = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BACKUP), BACKUP)
    await wire.send(head + body + FOREIGN)
    await wire.client_gone()


async def where_a_read_ends(wire: Wire) -> None:
    """Fill up what is read at once, so that the second is left to a later read."""
    await wire.request()
    padding = READ_SIZE - len(answer(201, BACKUP, "X-Pad: "))
    full = answer(201, BACKUP, f"X-Pad: {'x' * (padding // 8)}")
    body = BACKUP + b" " * (READ_SIZE - len(full))
    while len(answer(201, body)) > READ_SIZE:
        body = body[:-1]
    while len(answer(201, body)) < READ_SIZE:
        body += b" "
    await wire.send(answer(201, body) + FOREIGN)
    await wire.client_gone()


async def before_the_request_was_read(wire: Wire) -> None:
    """Respond to the first byte of a request, and again when the rest has arrived."""
    first = await wire.reader.readexactly(1)
    await wire.send(answer(201, BACKUP))
    rest = await wire.reader.readuntil(b"}")
    assert (first, rest[-1:]) == (b"P", b"}")
    await wire.send(FOREIGN)
    await wire.client_gone()


TWICE: Final[dict[str, Script]] = {
    "in-one-packet": _followed_by(FOREIGN),
    "three-times": _followed_by(FOREIGN + FOREIGN),
    "in-a-write-of-its-own": in_a_write_of_its_own,
    "after-chunks": after_chunks,
    "where-a-read-ends": where_a_read_ends,
    "before-the-request-was-read": before_the_request_was_read,
    "half-of-it": _followed_by(FOREIGN[:40]),
    "one-byte": _followed_by(b"H"),
    "blank-lines-first": _followed_by(b"\r\n\r\n" + FOREIGN),
    "interim": _followed_by(b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.fixture(params=["http", "https"])
async def server(
    request: pytest.FixtureRequest, authority: trustme.CA
) -> AsyncIterator[FaultServer]:
    tls = None
    if request.param == "https":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(tls)
    async with FaultServer(tls=tls) as server:
        yield server


@pytest.fixture
def service(
    server: FaultServer,
    make_service: MakeService,
    make_trusting: MakeTrusting,
    transport_kind: str,
) -> SnapshotService:
    return make_service(make_trusting(transport_kind), endpoint=server.endpoint)


async def _ids(*calls: Awaitable[object]) -> list[str]:
    """Return the ids of the backups that calls return, one call after the other."""
    return [str(getattr(await call, "id", "")) for call in calls]


@pytest.mark.parametrize("script", TWICE.values(), ids=TWICE)
async def test_a_second_answer_goes_to_nobody(
    server: FaultServer, service: SnapshotService, script: Script
) -> None:
    server.plan(script)

    ids = await _ids(
        service.create("c1", "snapshot_001"), service.create("c2", "snapshot_001")
    )

    assert ids == [ID, ID]
    assert server.connections == 2
    assert server.requests[-1].connection == 1


async def test_what_comes_between_two_requests_goes_to_nobody(
    server: FaultServer, service: SnapshotService
) -> None:
    answered, spoken = asyncio.Event(), asyncio.Event()

    async def late(wire: Wire) -> None:
        await wire.request()
        await wire.send(answer(201, BACKUP))
        await answered.wait()
        await wire.send(FOREIGN)
        spoken.set()
        await wire.client_gone()

    server.plan(late)
    first = await _ids(service.create("c1", "snapshot_001"))
    answered.set()
    await spoken.wait()

    second = await _ids(service.create("c2", "snapshot_001"))

    assert first + second == [ID, ID]
    assert server.connections == 2


async def test_what_comes_between_two_requests_is_noticed_later_too(
    server: FaultServer, service: SnapshotService
) -> None:
    answered, spoken = asyncio.Event(), asyncio.Event()

    async def late(wire: Wire) -> None:
        await wire.request()
        await wire.send(answer(201, BACKUP))
        await answered.wait()
        await wire.send(FOREIGN)
        spoken.set()
        await wire.client_gone()

    server.plan(late)
    first = await _ids(service.create("c1", "snapshot_001"))
    answered.set()
    await spoken.wait()
    # The event loop has time to read it, where a transport lets it.
    for _ in range(20):
        await asyncio.sleep(0)

    second = await _ids(service.create("c2", "snapshot_001"))

    assert first + second == [ID, ID]
    assert server.connections == 2


async def test_an_answer_that_is_not_read_to_its_end_is_no_beginning_of_the_next(
    server: FaultServer, service: SnapshotService
) -> None:
    async def oversized(wire: Wire) -> None:
        await wire.request()
        await wire.send(answer(201, b" " * (1024 * 1024 + 1) + BACKUP) + FOREIGN)
        await wire.client_gone()

    server.plan(oversized)
    with pytest.raises(InvalidResponseError):
        await service.create("c1", "snapshot_001")

    assert await _ids(service.create("c2", "snapshot_001")) == [ID]
    assert server.connections == 2


async def test_junk_behind_an_answer_leaves_it_open_or_goes_to_nobody(
    server: FaultServer, service: SnapshotService
) -> None:
    server.plan(_followed_by(b"\x16\x03 not HTTP at all\r\n\r\n"))

    first = await _ids(service.create("c1", "snapshot_001"))

    assert first + await _ids(service.create("c2", "snapshot_001")) == [ID, ID]
    assert server.connections == 2


async def test_an_honest_connection_is_kept(
    server: FaultServer, service: SnapshotService
) -> None:
    ids = await _ids(*(service.create(f"c{n}", "snapshot_001") for n in range(5)))

    assert ids == [ID] * 5
    assert (server.connections, len(server.requests)) == (1, 5)


async def test_a_tunnel_is_kept_or_not_like_any_connection(
    make_service: MakeService,
    make_trusting: MakeTrusting,
    transport_kind: str,
    authority: trustme.CA,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("css.example").configure_cert(tls)
    async with (
        FaultServer(tls=tls) as server,
        FaultServer(healthy=tunnel_to(server)) as proxy,
    ):
        server.plan(in_a_write_of_its_own)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        transport = make_trusting(transport_kind)
        service = make_service(transport)
        ids = await _ids(*(service.create(f"c{n}", "snapshot_001") for n in range(4)))
        await transport.aclose()

    assert ids == [ID] * 4
    assert (proxy.connections, server.connections) == (2, 2)
