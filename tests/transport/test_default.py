import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import trustme

from css_snapshot import (
    ClientTransport,
    SnapshotService,
    default_transport,
)
from css_snapshot.errors import (
    ConfigurationError,
    ConnectFailedError,
    CSSError,
    ForbiddenError,
    InvalidResponseError,
    UnexpectedStatusError,
)
from css_snapshot.transport.default import check_tls_environment
from tests.support.fault_server import (
    FaultServer,
    Script,
    Wire,
    endless_body,
    proper_answer,
    redirect,
    silent,
)

MakeService = Callable[..., SnapshotService]
MakeTransport = Callable[..., httpx.AsyncBaseTransport]


@pytest.mark.parametrize("kind", ["requests", "HTTPX", ""])
def test_an_unknown_kind_of_transport_is_refused(kind: str) -> None:
    with pytest.raises(ConfigurationError, match="unknown transport kind"):
        default_transport(kind)  # type: ignore[arg-type]  # what a caller may write


@pytest.mark.parametrize("connections", [0, -1])
def test_a_transport_without_connections_is_refused(connections: int) -> None:
    with pytest.raises(ConfigurationError, match="connections: must be at least 1"):
        default_transport(connections=connections)


@pytest.fixture
def certificates(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Let the environment name the certificate of `authority`."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> list[ssl.SSLContext]:
    """List the contexts that are made out of certificates."""
    made: list[ssl.SSLContext] = []
    make = ssl.create_default_context

    def noting(cafile: str | None = None, **options: object) -> ssl.SSLContext:
        made.append(make(cafile=cafile, **options))  # type: ignore[arg-type]  # passed on as they came
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", noting)
    return made


def _together(count: int) -> Script:
    """Make a script that answers when so many requests are in flight."""
    together = asyncio.Barrier(count)

    async def script(wire: Wire) -> None:
        received = await wire.request()
        await together.wait()
        await wire.send(proper_answer(received))

    return script


@pytest.mark.usefixtures("certificates")
async def test_connections_to_https_share_one_tls_context_of_the_environment(
    *,
    make_service: MakeService,
    make_transport: MakeTransport,
    authority: trustme.CA,
    contexts: list[ssl.SSLContext],
    transport_kind: str,
) -> None:
    speaking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(speaking)
    transport = make_transport(transport_kind, connections=8)
    assert contexts == []

    async with FaultServer(tls=speaking, healthy=_together(8)) as server:
        service = make_service(transport, endpoint=server.endpoint)
        await asyncio.gather(*(service.list("c1") for _ in range(8)))

    assert server.connections == 8
    assert len(contexts) == 1


async def test_where_nobody_speaks_tls_no_certificate_is_read(
    make_service: MakeService,
    make_transport: MakeTransport,
    contexts: list[ssl.SSLContext],
    monkeypatch: pytest.MonkeyPatch,
    transport_kind: str,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such.pem")
    transport = make_transport(transport_kind, connections=20)

    async with FaultServer(healthy=_together(20)) as server:
        service = make_service(transport, endpoint=server.endpoint)
        await asyncio.gather(*(service.list("c1") for _ in range(20)))

    assert server.connections == 20
    assert contexts == []


async def test_certificates_that_can_not_be_read_are_named_when_they_are_needed(
    make_service: MakeService,
    make_transport: MakeTransport,
    monkeypatch: pytest.MonkeyPatch,
    transport_kind: str,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such.pem")
    transport = make_transport(transport_kind, connections=1)
    service = make_service(transport, endpoint="https://css.invalid")

    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"SSL_CERT_FILE.*/no/such\.pem"):
            await service.list("c1")


def test_the_tls_environment_can_be_checked_beforehand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_tls_environment()
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such.pem")

    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        check_tls_environment()


async def test_a_connection_is_used_again(make_service: MakeService) -> None:
    async with FaultServer() as server:
        service = make_service(endpoint=server.endpoint)
        for _ in range(5):
            await service.list("c1")

    assert (server.connections, len(server.requests)) == (1, 5)


async def test_more_requests_than_connections_wait_for_their_turn(
    make_service: MakeService, make_transport: MakeTransport, transport_kind: str
) -> None:
    at_once: set[int] = set()
    seen: list[int] = []

    async def note(wire: Wire) -> None:
        while True:
            received = await wire.request()
            at_once.add(wire.number)
            seen.append(len(at_once))
            await asyncio.sleep(0.001)
            at_once.discard(wire.number)
            await wire.send(proper_answer(received))

    async with FaultServer(healthy=note) as server:
        transport = make_transport(transport_kind, connections=3)
        service = make_service(transport, endpoint=server.endpoint)
        await asyncio.gather(*(service.list("c1") for _ in range(30)))

    assert len(server.requests) == 30
    assert max(seen) == 3


async def test_a_call_that_gets_no_connection_in_time_proves_that_nothing_was_sent(
    make_service: MakeService, make_transport: MakeTransport, transport_kind: str
) -> None:
    async with FaultServer(healthy=silent) as server:
        transport = make_transport(transport_kind, connections=1)
        holder = make_service(transport, endpoint=server.endpoint)
        hasty = make_service(transport, endpoint=server.endpoint, timeout=0.1)
        holding = asyncio.create_task(holder.list("c1"))
        while not server.requests:  # noqa: ASYNC110  # the server is not ours to signal
            await asyncio.sleep(0.001)

        with pytest.raises(ConnectFailedError) as caught:
            await hasty.create("c1", "snapshot_001")

        holding.cancel()
        await asyncio.wait([holding])

    assert (caught.value.kind, caught.value.sent) == ("pool", False)
    assert len(server.requests) == 1


async def test_a_cancelled_call_leaves_its_connection_to_the_next(
    make_service: MakeService, make_transport: MakeTransport, transport_kind: str
) -> None:
    async with FaultServer() as server:
        server.plan(*[silent] * 3)
        service = make_service(
            make_transport(transport_kind, connections=1), endpoint=server.endpoint
        )
        for number in range(3):
            call = asyncio.create_task(service.list("c1"))
            while len(server.requests) <= number:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.001)
            call.cancel()
            await asyncio.wait([call])
            assert call.cancelled()

        assert await service.list("c1") == ()

    assert len(server.requests) == 4


async def test_a_client_of_the_user_carries_requests_with_its_hooks(
    make_service: MakeService,
) -> None:
    seen: list[str] = []

    async def on_request(request: httpx.Request) -> None:
        seen.append(f"{request.method} {request.url.path}")

    async def on_response(response: httpx.Response) -> None:
        seen.append(str(response.status_code))

    async with (
        FaultServer() as server,
        httpx.AsyncClient(
            event_hooks={"request": [on_request], "response": [on_response]},
            auth=("user", "of the client"),
            headers={"X-Of-Client": "1"},
            params={"of": "client"},
            cookies={"of": "client"},
        ) as client,
    ):
        service = make_service(ClientTransport(client), endpoint=server.endpoint)
        await service.list("c1")
        await service.aclose()
        assert not client.is_closed

    path = f"/v1.0/{'6204a5bd270343b5885144cf9c8c158d'}/clusters/c1/index_snapshots"
    assert seen == [f"GET {path}", "200"]
    assert server.requests[0].target == path
    assert not {"authorization", "x-of-client", "cookie"} & set(
        server.requests[0].headers
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_client_told_to_follow_redirects_follows_none_for_us(
    make_service: MakeService, status: int
) -> None:
    async with (
        FaultServer() as elsewhere,
        FaultServer() as server,
        httpx.AsyncClient(follow_redirects=True) as client,
    ):
        server.plan(redirect(f"{elsewhere.endpoint}/x", status))
        service = make_service(ClientTransport(client), endpoint=server.endpoint)
        with pytest.raises(UnexpectedStatusError, match=r"redirect to 127\.0\.0\.1"):
            await service.create("c1", "snapshot_001")

    assert (elsewhere.connections, len(server.requests)) == (0, 1)


def _refusing(request: httpx.Request) -> httpx.Response:
    body = b'{"errCode": "CSS.0015", "externalMessage": "denied"}'
    return httpx.Response(403, content=body, headers={"X-Request-Id": "r-3"})


@pytest.mark.parametrize("reads", [True, False])
async def test_a_hook_that_raises_for_status_leaves_the_verdict_to_the_service(
    make_service: MakeService, *, reads: bool
) -> None:
    async def hook(response: httpx.Response) -> None:
        if reads:
            await response.aread()
        response.raise_for_status()

    async with httpx.AsyncClient(
        transport=httpx.MockTransport(_refusing), event_hooks={"response": [hook]}
    ) as client:
        with pytest.raises(ForbiddenError) as caught:
            await make_service(ClientTransport(client)).create("c1", "snapshot_001")

    assert caught.value.request_id == "r-3"
    assert caught.value.__context__ is None


async def test_a_hook_that_reads_the_body_takes_it_from_nobody(
    make_service: MakeService,
) -> None:
    async def hook(response: httpx.Response) -> None:
        read.append(await response.aread())

    read: list[bytes] = []
    async with (
        FaultServer() as server,
        httpx.AsyncClient(event_hooks={"response": [hook]}) as client,
    ):
        service = make_service(ClientTransport(client), endpoint=server.endpoint)
        assert (await service.create("c1", "snapshot_001")).id.startswith("9dc4f5c9")

    assert len(read) == 1


async def test_a_body_without_end_is_not_read_to_it_through_a_client(
    make_service: MakeService,
) -> None:
    async with (
        FaultServer(healthy=endless_body) as server,
        httpx.AsyncClient() as client,
    ):
        service = make_service(ClientTransport(client), endpoint=server.endpoint)
        with pytest.raises(InvalidResponseError, match="larger than 1 MiB"):
            await service.create("c1", "snapshot_001")


async def test_a_client_that_is_closed_is_named_as_the_reason(
    make_service: MakeService,
) -> None:
    async with httpx.AsyncClient() as client:
        service = make_service(ClientTransport(client))

    with pytest.raises(ConfigurationError, match="client of this transport is closed"):
        await service.list("c1")


async def test_our_own_errors_pass_through_a_client_as_they_are(
    make_service: MakeService,
) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise failure

    failure: CSSError = ConnectFailedError("no", kind="dns")
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        with pytest.raises(ConnectFailedError) as caught:
            await make_service(ClientTransport(client)).list("c1")

    assert caught.value is failure
