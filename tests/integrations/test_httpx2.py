"""What is made for httpx2, with what is made for httpx, and the other way round."""

import gzip
import ssl
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import Final
from urllib.parse import quote

import httpx
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tests.support.fault_server as faults
from css_snapshot import (
    BadRequestError,
    ConfigurationError,
    ConnectFailedError,
    CSSError,
    ForbiddenError,
    InternalServerError,
    SnapshotService,
)
from css_snapshot.auth import AkSkAuth, Credentials, PasswordAuth, TokenAuth
from css_snapshot.emulator import EmulatorServer, EmulatorState, Fault
from css_snapshot.integrations.httpx2 import (
    AuthForHttpx2,
    AuthFromHttpx2,
    ClientFromHttpx2,
    TransportFromHttpx2,
)
from tests.support.fault_server import FaultServer, Script

MakeService = Callable[..., SnapshotService]
MakeTransport = Callable[[], httpx.AsyncBaseTransport]
WhereLeaked = Callable[[BaseException, Iterable[str]], list[str]]

LIST: Final = "/v1.0/{}/clusters/{}/index_snapshots"
TOKEN: Final = "T0kenThatMustNotBeSeen"


@pytest.fixture
async def state() -> EmulatorState:
    return EmulatorState(clusters=1, build_seconds=0.0)


@pytest.fixture
async def server(state: EmulatorState) -> AsyncIterator[EmulatorServer]:
    async with EmulatorServer(state) as server:
        yield server


@pytest.fixture(params=[TransportFromHttpx2, ClientFromHttpx2])
async def over_httpx2(
    request: pytest.FixtureRequest, trusting_nobody: ssl.SSLContext
) -> AsyncIterator[httpx.AsyncBaseTransport]:
    """A transport over httpx2, and one over a client of httpx2."""
    inner = httpx2.AsyncHTTPTransport(verify=trusting_nobody, trust_env=False)
    if request.param is TransportFromHttpx2:
        async with TransportFromHttpx2(inner) as transport:
            yield transport
    else:
        async with httpx2.AsyncClient(transport=inner) as client:
            yield ClientFromHttpx2(client)


# Our plugins in a client of httpx2.


async def test_a_signature_of_ours_holds_in_a_client_of_httpx2(
    state: EmulatorState, server: EmulatorServer
) -> None:
    credentials = Credentials(access_key=state.access_key, secret_key=state.secret_key)
    (cluster_id,) = state.cluster_ids
    path = LIST.format(state.project_id, cluster_id)

    async with httpx2.AsyncClient(
        auth=AuthForHttpx2(AkSkAuth(credentials)), base_url=server.endpoint
    ) as client:
        created = await client.post(path.removesuffix("s"), json={"name": "nightly"})
        clusters = await client.get(
            f"/v1.0/{state.project_id}/clusters",
            params={"start": "1", "limit": "10", "engineType": "a b/c"},
        )
        listed = await client.get(path)

    assert created.status_code == 201
    assert clusters.status_code == 200
    assert [row["name"] for row in listed.json()["backups"]] == ["nightly"]


async def test_a_body_that_is_streamed_is_signed_and_sent_whole(
    state: EmulatorState, server: EmulatorServer
) -> None:
    credentials = Credentials(access_key=state.access_key, secret_key=state.secret_key)
    (cluster_id,) = state.cluster_ids
    path = LIST.format(state.project_id, cluster_id).removesuffix("s")

    async def body() -> AsyncIterator[bytes]:
        yield b'{"name":'
        yield b'"nightly"}'

    async with httpx2.AsyncClient(
        auth=AuthForHttpx2(AkSkAuth(credentials)), base_url=server.endpoint
    ) as client:
        answer = await client.post(
            path, content=body(), headers={"Content-Type": "application/json"}
        )

    assert answer.status_code == 201


async def test_a_token_is_fetched_and_renewed_in_a_client_of_httpx2(
    state: EmulatorState, server: EmulatorServer
) -> None:
    path = f"/v1.0/{state.project_id}/clusters"
    async with (
        PasswordAuth(
            *("emulator-user", "emulator-password-for-tests-only", "emulator-domain"),
            "cn-north-4",
            iam_endpoint=server.endpoint,
        ) as auth,
        httpx2.AsyncClient(
            auth=AuthForHttpx2(auth), base_url=server.endpoint
        ) as client,
    ):
        before = await client.get(path)
        token = await auth.access_token()
        state.credentials.revoke_token(token.token.reveal())
        after = await client.get(path)

    assert [before.status_code, after.status_code] == [200, 200]


def test_a_synchronous_client_of_httpx2_is_refused_before_anything_is_sent() -> None:
    sent: list[httpx2.Request] = []

    def note(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200)

    with (
        httpx2.Client(transport=httpx2.MockTransport(note)) as client,
        pytest.raises(ConfigurationError, match="asynchronous clients only"),
    ):
        client.get("https://css.example", auth=AuthForHttpx2(TokenAuth(TOKEN)))

    assert sent == []
    assert TOKEN not in repr(AuthForHttpx2(TokenAuth(TOKEN)))


# Plugins of httpx2 under a service of ours.


class Stamping(httpx2.Auth):
    """Logs in by a request of its own, and stamps what it gets on each request."""

    requires_response_body = True

    def __init__(self) -> None:
        self.seen: list[tuple[int, bytes]] = []

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        login = httpx2.Request("POST", "https://iam.example/login", json={"user": "u"})
        answer = yield login
        self.seen.append((answer.status_code, answer.content))
        request.headers["X-Auth-Token"] = answer.text
        answer = yield request
        self.seen.append((answer.status_code, answer.content))


async def test_a_plugin_of_httpx2_logs_in_and_authenticates_a_service_of_ours(
    make_service: MakeService,
) -> None:
    sent: list[tuple[str, str, bytes, str | None]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        token = request.headers.get("X-Auth-Token")
        sent.append((request.method, request.url.host, request.content, token))
        if request.url.host == "iam.example":
            return httpx.Response(201, text="a-token")
        return httpx.Response(201, json={"backup": {"id": "b1", "name": "nightly"}})

    plugin = Stamping()
    service = make_service(httpx.MockTransport(respond), auth=AuthFromHttpx2(plugin))

    await service.create("c1", "nightly")

    assert [entry[:2] for entry in sent] == [
        ("POST", "iam.example"),
        ("POST", "css.example"),
    ]
    assert sent[0][2] == b'{"user":"u"}'
    assert b'"nightly"' in sent[1][2]
    assert [entry[3] for entry in sent] == [None, "a-token"]
    assert [status for status, _ in plugin.seen] == [201, 201]
    assert b'"b1"' in plugin.seen[1][1]


async def test_a_plugin_of_httpx2_leaves_a_streamed_body_alone() -> None:
    async def respond(request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        body = b"".join([chunk async for chunk in request.stream])
        return httpx.Response(
            200, content=body + request.headers["authorization"].encode()
        )

    async def body() -> AsyncIterator[bytes]:
        yield b"streamed "

    auth = AuthFromHttpx2(httpx2.BasicAuth("u", "p"))
    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as client:
        answer = await client.post("https://css.example", content=body(), auth=auth)

    assert answer.text == "streamed Basic dTpw"


async def test_a_plugin_of_httpx2_that_needs_the_body_gets_it() -> None:
    class Hashing(httpx2.Auth):
        requires_request_body = True

        def auth_flow(self, request: httpx2.Request):  # type: ignore[no-untyped-def]
            request.headers["X-Length"] = str(len(request.content))
            yield request

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=request.headers["x-length"])

    async def body() -> AsyncIterator[bytes]:
        yield b"12345"

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as client:
        answer = await client.post(
            "https://css.example", content=body(), auth=AuthFromHttpx2(Hashing())
        )

    assert answer.text == "5"


def test_a_plugin_of_httpx2_is_refused_with_a_hint_where_it_comes_bare() -> None:
    with pytest.raises(ConfigurationError, match="AuthFromHttpx2"):
        SnapshotService(
            project_id="p",
            endpoint="https://css.example",
            auth=httpx2.BasicAuth("u", "p"),  # type: ignore[arg-type]  # that is the test
        )


def test_a_synchronous_client_of_httpx_is_refused() -> None:
    auth = AuthFromHttpx2(httpx2.BasicAuth("u", "p"))

    with (
        httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as c,
        pytest.raises(ConfigurationError, match="asynchronous clients only"),
    ):
        c.get("https://css.example", auth=auth)
    assert "BasicAuth" in repr(auth)


# Transports and clients of httpx2 under a service of ours.


async def test_a_service_works_over_httpx2(
    state: EmulatorState,
    server: EmulatorServer,
    over_httpx2: httpx.AsyncBaseTransport,
    make_service: MakeService,
) -> None:
    credentials = Credentials(access_key=state.access_key, secret_key=state.secret_key)
    (cluster_id,) = state.cluster_ids
    service = make_service(
        over_httpx2,
        endpoint=server.endpoint,
        project_id=state.project_id,
        auth=AkSkAuth(credentials),
    )

    backup = await service.create(cluster_id, "nightly")
    snapshot = await service.wait(cluster_id, backup.id)
    state.faults.add(Fault.status(500), operation="list")
    again = await service.list(cluster_id)
    state.faults.add(Fault.status(400, code="CSS.0001"), operation="list")
    with pytest.raises(BadRequestError) as refused:
        await service.list(cluster_id)

    assert snapshot.is_usable
    assert [row.id for row in again] == [backup.id]
    assert refused.value.code == "CSS.0001"


async def test_a_streamed_body_is_sent_whole_over_httpx2(
    over_httpx2: httpx.AsyncBaseTransport,
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"name": '
        yield b'"snapshot_001"}'

    async with (
        FaultServer() as server,
        httpx.AsyncClient(transport=over_httpx2) as client,
    ):
        answer = await client.post(
            f"{server.endpoint}/x", content=body(), headers={"Content-Length": "24"}
        )

    assert answer.status_code == 201
    assert server.requests[0].body == b'{"name": "snapshot_001"}'


SCRIPTS: Final[dict[str, Script]] = {
    script.__name__: script
    for script in (
        *(faults.reset_at_accept, faults.reset_after_request),
        *(faults.reset_during_answer, faults.half_closed, faults.truncated_body),
        *(faults.truncated_head, faults.bad_chunk, faults.garbage, faults.echo),
        *(faults.bad_gzip, faults.gzip_bomb, faults.oversized_headers),
        *(faults.endless_body, faults.silent, faults.drip_body),
        *(faults.interim_then_answer, faults.http_1_0, faults.close_after_answer),
        faults.redirect("https://elsewhere.example/"),
    )
}


async def verdict_on(
    transport: httpx.AsyncBaseTransport, script: Script, make_service: MakeService
) -> tuple[type[object], object, int]:
    """Return what a creation ends in, what of it is known, and requests received."""
    async with FaultServer() as server:
        server.plan(script)
        hasty = script in {faults.silent, faults.drip_body}
        service = make_service(
            transport, endpoint=server.endpoint, timeout=0.3 if hasty else 30.0
        )
        try:
            result: object = await service.create("c1", "snapshot_001")
        except CSSError as error:
            return type(error), error.sent, len(server.requests)
        return type(result), None, len(server.requests)


@pytest.mark.parametrize("fault", SCRIPTS)
async def test_a_fault_means_the_same_as_over_httpx(
    fault: str,
    over_httpx2: httpx.AsyncBaseTransport,
    make_service: MakeService,
    trusting_nobody: ssl.SSLContext,
) -> None:
    async with httpx.AsyncHTTPTransport(verify=trusting_nobody) as over_httpx:
        expected = await verdict_on(over_httpx, SCRIPTS[fault], make_service)

    assert await verdict_on(over_httpx2, SCRIPTS[fault], make_service) == expected


@pytest.mark.parametrize(
    ("endpoint", "kind"),
    [
        ("http://127.0.0.1:1", "refused"),
        ("https://no-such-host.invalid", "dns"),
    ],
)
async def test_that_nothing_was_sent_is_proven_by_httpcore2(
    endpoint: str,
    kind: str,
    over_httpx2: httpx.AsyncBaseTransport,
    make_service: MakeService,
) -> None:
    service = make_service(over_httpx2, endpoint=endpoint)

    with pytest.raises(ConnectFailedError) as failed:
        await service.create("c1", "snapshot_001")

    assert failed.value.sent is False
    assert failed.value.kind == kind


async def test_no_failure_over_httpx2_keeps_hold_of_the_request(
    over_httpx2: httpx.AsyncBaseTransport,
    make_service: MakeService,
    where_leaked: WhereLeaked,
) -> None:
    async with FaultServer() as server:
        server.plan(faults.reset_after_request, faults.echo)
        service = make_service(
            over_httpx2, endpoint=server.endpoint, auth=TokenAuth(TOKEN)
        )
        for _ in range(2):
            with pytest.raises(CSSError) as failed:
                await service.create("c1", "snapshot_001")
            assert where_leaked(failed.value, [TOKEN]) == []


class Failing(httpx2.AsyncBaseTransport):
    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    async def handle_async_request(
        self,
        request: httpx2.Request,  # noqa: ARG002  # the interface's
    ) -> httpx2.Response:
        raise self.failure


class NewError(httpx2.TransportError):
    """An error that httpx has no counterpart of."""


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (httpx2.ReadTimeout("slow"), httpx.ReadTimeout),
        (httpx2.LocalProtocolError("odd"), httpx.LocalProtocolError),
        (NewError("new"), httpx.TransportError),
    ],
)
async def test_errors_keep_their_names_and_their_cause(
    raised: Exception, expected: type[httpx.TransportError]
) -> None:
    transport = TransportFromHttpx2(Failing(raised))

    with pytest.raises(httpx.TransportError, match=str(raised)) as failed:
        await transport.handle_async_request(
            httpx.Request("GET", "https://css.example")
        )

    assert type(failed.value) is expected
    assert failed.value.__cause__ is raised


async def test_what_is_no_error_of_httpx2_comes_through_as_it_is() -> None:
    transport = TransportFromHttpx2(Failing(LookupError("a bug")))

    with pytest.raises(LookupError, match="a bug"):
        await transport.handle_async_request(
            httpx.Request("GET", "https://css.example")
        )


async def test_a_closed_client_of_httpx2_is_a_wrong_set_up(
    make_service: MakeService,
) -> None:
    client = httpx2.AsyncClient()
    await client.aclose()

    with pytest.raises(ConfigurationError, match="is closed"):
        await make_service(ClientFromHttpx2(client)).list("c1")


async def test_neither_redirects_nor_the_auth_of_a_client_of_httpx2_are_followed(
    make_service: MakeService,
) -> None:
    sent: list[httpx2.Request] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(307, headers={"Location": "https://elsewhere.example"})

    async with httpx2.AsyncClient(
        transport=httpx2.MockTransport(respond),
        auth=("user", "password"),
        follow_redirects=True,
        headers={"X-Mine": "1"},
    ) as client:
        with pytest.raises(CSSError):
            await make_service(ClientFromHttpx2(client)).create("c1", "snapshot_001")

    (request,) = sent
    assert "authorization" not in request.headers
    assert "x-mine" not in request.headers


async def _read(response: httpx2.Response) -> None:
    await response.aread()


async def _raise(response: httpx2.Response) -> None:
    response.raise_for_status()


async def _read_and_raise(response: httpx2.Response) -> None:
    await response.aread()
    response.raise_for_status()


class Gzipped(httpx2.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield gzip.compress(b'{"errCode": "CSS.0015", "externalMessage": "no"}')


@pytest.mark.parametrize(
    ("hook", "code"), [(_read, "CSS.0015"), (_raise, ""), (_read_and_raise, "CSS.0015")]
)
async def test_what_the_hooks_of_a_client_of_httpx2_leave_is_the_services_answer(
    hook: Callable[[httpx2.Response], object], code: str, make_service: MakeService
) -> None:
    def respond(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(
            403, stream=Gzipped(), headers={"Content-Encoding": "gzip"}
        )

    async with httpx2.AsyncClient(
        transport=httpx2.MockTransport(respond), event_hooks={"response": [hook]}
    ) as client:
        with pytest.raises(ForbiddenError) as refused:
            await make_service(ClientFromHttpx2(client)).list("c1")

    assert refused.value.code == code


async def test_a_transport_of_httpx2_that_is_no_asynchronous_one_is_a_wrong_set_up(
    make_service: MakeService,
) -> None:
    class Lines(httpx2.SyncByteStream):
        pass

    class Halfway(httpx2.AsyncBaseTransport):
        async def handle_async_request(
            self,
            request: httpx2.Request,  # noqa: ARG002  # the interface's
        ) -> httpx2.Response:
            return httpx2.Response(200, stream=Lines())

    with pytest.raises(ConfigurationError, match="not an asynchronous one"):
        await make_service(TransportFromHttpx2(Halfway())).list("c1")


async def test_a_transport_of_httpx2_is_closed_with_the_one_over_it() -> None:
    class Closing(Failing):
        closed = 0

        async def aclose(self) -> None:
            self.closed += 1

    inner = Closing(LookupError())
    async with TransportFromHttpx2(inner):
        pass

    assert inner.closed == 1


async def test_a_500_over_httpx2_is_repeated(make_service: MakeService) -> None:
    sent: list[bytes] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.content)
        return httpx2.Response(500)

    service = make_service(TransportFromHttpx2(httpx2.MockTransport(respond)))

    with pytest.raises(InternalServerError):
        await service.create("c1", "snapshot_001")

    assert len(sent) == 3
    assert len(set(sent)) == 1


TEXT: Final = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(TEXT, st.dictionaries(TEXT, TEXT, max_size=3))
def test_an_address_is_the_same_on_the_wire(path: str, query: dict[str, str]) -> None:
    quoted = quote(path, safe="/:@!$&'()*+,;=~")
    ours = httpx.Request("GET", f"https://css.example/{quoted}", params=query)

    theirs = httpx2.URL(str(ours.url))

    assert theirs.raw_path == ours.url.raw_path
    assert theirs.host == ours.url.host


def test_without_httpx2_the_import_names_the_extra() -> None:
    program = """
import sys
sys.modules["httpx2"] = None
try:
    import css_snapshot.integrations.httpx2
except ImportError as error:
    print(error)
"""

    result = subprocess.run(  # noqa: S603  # this Python and our own program
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert "pip install 'css-snapshot[httpx2]'" in result.stdout
