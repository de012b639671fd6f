import asyncio
import json
import logging
import re
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from typing import Final

import attrs
import httpx
import pytest
import respx

from css_snapshot import (
    Backup,
    RetryBudget,
    RetryPolicy,
    Snapshot,
    SnapshotService,
)
from css_snapshot.api.decode import LARGE, decode_snapshots, ignore
from css_snapshot.api.operations import LIST_SNAPSHOTS
from css_snapshot.api.structure import Report
from css_snapshot.auth import AkSkAuth, Credentials, TokenAuth
from css_snapshot.errors import (
    AuthenticationError,
    BadRequestError,
    ClusterBusyError,
    ConfigurationError,
    ConnectFailedError,
    CSSError,
    GatewayError,
    InternalServerError,
    InvalidResponseError,
    RequestTimeoutError,
    RequestValidationError,
    UnexpectedStatusError,
)
from css_snapshot.events import (
    AttemptAnswered,
    AttemptStarted,
    BudgetEmpty,
    Event,
    FieldUnreadable,
    RetryScheduled,
)
from tests.support.virtual_time import VirtualTime

MakeService = Callable[..., SnapshotService]

PROJECT: Final = "6204a5bd270343b5885144cf9c8c158d"
CLUSTER: Final = "ea244205-d641-45d9-9dcb-ab2236bcd07e"
PATH: Final = f"/v1.0/{PROJECT}/clusters/{CLUSTER}/index_snapshot"
TEMPLATE: Final = "/v1.0/{project_id}/clusters/{cluster_id}/index_snapshot"
CREATED: Final = {"backup": {"id": "9dc4f5c9", "name": "snapshot_001"}}


def _answering(
    status: int = 201, body: object = CREATED, **headers: str
) -> httpx.MockTransport:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json=body, headers=headers)

    return httpx.MockTransport(handler)


def _sequence(*answers: httpx.Response | Exception) -> httpx.MockTransport:
    left = list(answers)

    def handler(request: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.MockTransport(handler)


@respx.mock
async def test_a_creation_is_the_request_of_the_vendors_document(
    make_service: MakeService, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.post(url__regex=".*").respond(201, json=CREATED)
    service = make_service(auth=TokenAuth("a-token"))

    backup = await service.create(
        CLUSTER,
        "snapshot_001",
        indices=["myindex1", "myindex2"],
        description="nächtlich",
    )

    request = route.calls.last.request
    assert (backup.id, backup.name) == ("9dc4f5c9", "snapshot_001")
    assert route.call_count == 1
    assert request.method == "POST"
    assert request.url.raw_path == PATH.encode()
    assert (
        request.content
        == (
            '{"name":"snapshot_001","indices":"myindex1,myindex2",'
            '"description":"nächtlich"}'
        ).encode()
    )
    assert dict(request.headers) == {
        "host": "css.example",
        "content-type": "application/json",
        "content-length": str(len(request.content)),
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": request.headers["user-agent"],
        "x-language": "en-us",
        "x-project-id": PROJECT,
        "x-auth-token": "a-token",
    }


@respx.mock
async def test_a_creation_of_all_indices_sends_the_name_alone(
    make_service: MakeService, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.post(url__regex=".*").respond(201, json=CREATED)

    await make_service(language="zh-cn").create(CLUSTER, "snapshot_001")

    request = route.calls.last.request
    assert request.content == b'{"name":"snapshot_001"}'
    assert request.headers["x-language"] == "zh-cn"
    assert re.fullmatch(
        r"css-snapshot/\S+ python/[0-9.]+\S*", request.headers["user-agent"]
    )


@respx.mock
async def test_a_listing_has_no_body_and_no_query(
    make_service: MakeService, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.get(url__regex=".*").respond(200, json={"backups": []})

    assert await make_service().list(CLUSTER) == ()

    request = route.calls.last.request
    assert request.url.raw_path == f"{PATH}s".encode()
    assert request.content == b""
    assert "content-length" not in request.headers


@pytest.mark.parametrize(
    ("endpoint", "url", "host"),
    [
        ("https://css.example", "https://css.example/v1.0", "css.example"),
        ("https://css.example/", "https://css.example/v1.0", "css.example"),
        (
            "https://css.example:8443",
            "https://css.example:8443/v1.0",
            "css.example:8443",
        ),
        ("https://css.example:443", "https://css.example/v1.0", "css.example"),
        ("HTTPS://CSS.Example", "https://css.example/v1.0", "css.example"),
        ("http://localhost:9", "http://localhost:9/v1.0", "localhost:9"),
        ("http://[::1]:9", "http://[::1]:9/v1.0", "[::1]:9"),
    ],
)
async def test_the_host_header_is_the_endpoints(
    make_service: MakeService, endpoint: str, url: str, host: str
) -> None:
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(201, json=CREATED)

    transport = httpx.MockTransport(handler)
    await make_service(transport, endpoint=endpoint).create(CLUSTER, "snapshot_001")

    assert str(requests[0].url).startswith(f"{url}/")
    assert requests[0].headers["host"] == host


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (201, {}, InvalidResponseError),
        (201, {"backup": None}, InvalidResponseError),
        (201, {"backup": {}}, InvalidResponseError),
        (201, {"backup": {"id": "x"}}, InvalidResponseError),
        (201, {"backup": {"id": "", "name": "n"}}, InvalidResponseError),
        (201, {"backup": {"id": 7, "name": "n"}}, InvalidResponseError),
        (201, {"backup": ["x"]}, InvalidResponseError),
        (201, [], InvalidResponseError),
        (201, {"errCode": "CSS.0011"}, ClusterBusyError),
        (204, None, InvalidResponseError),
        (202, {"errCode": "CSS.0011", "externalMessage": "busy"}, ClusterBusyError),
        (200, {"errCode": "CSS.0011"}, ClusterBusyError),
        (202, {"errCode": "CSS.0001"}, UnexpectedStatusError),
    ],
)
async def test_a_creation_without_a_whole_backup_is_no_success(
    make_service: MakeService, status: int, body: object, error: type[CSSError]
) -> None:
    service = make_service(_answering(status, body, **{"X-Request-Id": "r-1"}))

    with pytest.raises(error) as caught:
        await service.create(CLUSTER, "snapshot_001")

    assert type(caught.value) is error
    assert caught.value.sent is None
    assert vars(caught.value)["request_id"] == "r-1"
    assert vars(caught.value)["status"] == status


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_a_creation_with_a_whole_backup_is_a_success(
    make_service: MakeService, status: int
) -> None:
    service = make_service(_answering(status, CREATED))

    backup = await service.create(CLUSTER, "snapshot_001")

    assert backup.id == "9dc4f5c9"


@pytest.mark.parametrize(
    "body",
    [b"<html><title>ok</title></html>", b"", b'{"backup"', b"\xff", b"[" * 99999],
)
async def test_a_201_without_json_is_no_success(
    make_service: MakeService, body: bytes
) -> None:
    transport = _sequence(httpx.Response(201, content=body))

    with pytest.raises(InvalidResponseError, match="201 without an answer: the body"):
        await make_service(transport).create(CLUSTER, "snapshot_001")


async def test_an_attempt_ends_at_its_time_limit_and_is_not_repeated(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    sent: list[httpx.Request] = []

    async def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        await asyncio.sleep(3600.0)
        return httpx.Response(201, json=CREATED)

    service = make_service(
        httpx.MockTransport(handler), timeout=7.0, clock=virtual_time.clock
    )

    with pytest.raises(RequestTimeoutError, match="no answer within 7 s") as caught:
        await service.create(CLUSTER, "snapshot_001")

    assert virtual_time.elapsed == 7.0
    assert caught.value.sent is None
    assert caught.value.__context__ is None
    assert len(sent) == 1


class Dripping(httpx.AsyncByteStream):
    """A body of one byte a second."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(1.0)
            yield b" "


async def test_a_dripping_body_does_not_escape_the_time_limit(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    transport = _sequence(httpx.Response(201, stream=Dripping()))
    service = make_service(transport, timeout=9.5, clock=virtual_time.clock)

    with pytest.raises(RequestTimeoutError):
        await service.create(CLUSTER, "snapshot_001")

    assert virtual_time.elapsed == 9.5


class Slow(httpx.Auth):
    """Takes its time to find the credentials."""

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        await asyncio.sleep(100.0)
        yield request


async def test_time_that_runs_out_while_authenticating_proves_nothing_was_sent(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    service = make_service(
        _answering(), auth=Slow(), timeout=5.0, clock=virtual_time.clock
    )

    with pytest.raises(RequestTimeoutError, match="was not sent") as caught:
        await service.create(CLUSTER, "snapshot_001")

    assert caught.value.sent is False
    assert virtual_time.elapsed == 5.0


async def test_an_attempt_has_no_more_time_than_the_deadline_leaves(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    async def handler(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(4.0)
        return httpx.Response(500)

    service = make_service(
        httpx.MockTransport(handler),
        timeout=30.0,
        deadline=10.0,
        retry=RetryPolicy(attempts=9, random=lambda: 0.0),
        clock=virtual_time.clock,
    )

    with pytest.raises(RequestTimeoutError, match="no answer within 2 s") as caught:
        await service.create(CLUSTER, "snapshot_001")

    assert virtual_time.elapsed == 10.0
    assert len(caught.value.earlier) == 2
    assert caught.value.sent is None


async def test_connecting_gets_at_most_half_of_the_attempts_time(
    make_service: MakeService,
) -> None:
    limits: list[dict[str, float | None]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        limits.append(request.extensions["timeout"])
        return httpx.Response(201, json=CREATED)

    transport = httpx.MockTransport(handler)
    for timeout in (30.0, 4.0):
        await make_service(transport, timeout=timeout).create(CLUSTER, "snapshot_001")

    assert [limit["connect"] for limit in limits] == [10.0, pytest.approx(2.0)]
    assert [limit["pool"] for limit in limits] == [10.0, pytest.approx(2.0)]
    assert [limit["read"] for limit in limits] == pytest.approx([30.0, 4.0])
    assert [limit["write"] for limit in limits] == [None, None]


@pytest.mark.parametrize("value", [0, -1, float("nan"), "5", None, True])
@pytest.mark.parametrize("field", ["timeout", "deadline"])
def test_a_time_limit_is_a_number_of_seconds_above_zero(
    field: str, value: object
) -> None:
    if (field, value) == ("deadline", None):
        return

    with pytest.raises(ConfigurationError, match=f"{field}: must be a number"):
        SnapshotService(
            project_id="p1",
            endpoint="https://css.example",
            auth=TokenAuth("t"),
            transport=_answering(),
            **{field: value},  # type: ignore[arg-type]  # what a caller may write
        )


def _told(events: list[Event]) -> list[tuple[str, int | None]]:
    return [
        (type(event).__name__, getattr(event, "attempt", None))
        for event in events
        if isinstance(
            event, AttemptStarted | AttemptAnswered | RetryScheduled | BudgetEmpty
        )
    ]


async def test_an_observer_is_told_of_everything_in_order(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    async def handler(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(2.0)
        return answers.pop(0)

    answers = [httpx.Response(500), httpx.Response(201, json=CREATED)]
    events: list[Event] = []
    service = make_service(
        httpx.MockTransport(handler),
        on_event=events.append,
        clock=virtual_time.clock,
        retry=RetryPolicy(random=lambda: 0.5),
    )

    await service.create(CLUSTER, "snapshot_001")

    assert _told(events) == [
        ("AttemptStarted", 1),
        ("AttemptAnswered", 1),
        ("RetryScheduled", 1),
        ("AttemptStarted", 2),
        ("AttemptAnswered", 2),
    ]
    first, second = (e for e in events if isinstance(e, AttemptAnswered))
    assert (first.method, first.path) == ("POST", TEMPLATE)
    assert (first.status, first.elapsed) == (500, 2.0)
    assert type(first.error) is InternalServerError
    assert (second.status, second.elapsed, second.error) == (201, 2.0, None)
    (retry,) = (e for e in events if isinstance(e, RetryScheduled))
    assert (retry.attempts, retry.pause, retry.error) == (3, 0.25, first.error)


@pytest.mark.parametrize("header", ["X-Request-Id", "X-Iam-Trace-Id"])
async def test_a_success_tells_the_vendors_id_of_its_request(
    make_service: MakeService, header: str
) -> None:
    events: list[Event] = []
    answering = _sequence(httpx.Response(201, json=CREATED, headers={header: "r-1"}))
    service = make_service(answering, on_event=events.append)

    backup = await service.create(CLUSTER, "snapshot_001")

    (answered,) = (e for e in events if isinstance(e, AttemptAnswered))
    assert backup.request_id == answered.request_id == "r-1"
    assert backup == Backup(backup.id, backup.name)


async def test_a_success_without_an_id_of_its_request_tells_none(
    make_service: MakeService,
) -> None:
    backup = await make_service(_answering()).create(CLUSTER, "snapshot_001")

    assert backup.request_id is None


async def test_an_observer_is_told_of_an_attempt_without_an_answer(
    make_service: MakeService,
) -> None:
    events: list[Event] = []
    service = make_service(_sequence(OSError("gone")), on_event=events.append)

    with pytest.raises(CSSError) as caught:
        await service.create(CLUSTER, "snapshot_001")

    (answered,) = (e for e in events if isinstance(e, AttemptAnswered))
    assert (answered.status, answered.error) == (None, caught.value)


async def test_an_observer_is_told_of_an_attempt_that_was_cancelled(
    make_service: MakeService,
) -> None:
    sent = asyncio.Event()

    async def never(request: httpx.Request) -> httpx.Response:
        sent.set()
        await asyncio.Event().wait()
        raise AssertionError

    events: list[Event] = []
    service = make_service(httpx.MockTransport(never), on_event=events.append)
    call = asyncio.create_task(service.create(CLUSTER, "snapshot_001"))
    await sent.wait()

    call.cancel()
    await asyncio.wait([call])

    (answered,) = (e for e in events if isinstance(e, AttemptAnswered))
    assert call.cancelled()
    assert answered.status is None
    assert type(answered.error) is asyncio.CancelledError


async def test_an_observer_is_told_that_the_budget_is_empty(
    make_service: MakeService,
) -> None:
    events: list[Event] = []
    policy = RetryPolicy(budget=RetryBudget(capacity=1.0, cost=2.0))
    service = make_service(_answering(500), on_event=events.append, retry=policy)

    with pytest.raises(InternalServerError):
        await service.create(CLUSTER, "snapshot_001")

    assert _told(events)[-1] == ("BudgetEmpty", 1)


async def test_an_observer_that_fails_harms_nobody(
    make_service: MakeService, caplog: pytest.LogCaptureFixture
) -> None:
    def observer(event: Event) -> None:
        raise RuntimeError(f"can't take {type(event).__name__}")

    service = make_service(
        _sequence(httpx.Response(500), httpx.Response(201, json=CREATED)),
        on_event=observer,
    )

    backup = await service.create(CLUSTER, "snapshot_001")

    assert backup.id == "9dc4f5c9"
    failed = [r for r in caplog.records if "observer failed" in r.getMessage()]
    assert {r.levelname for r in failed} == {"ERROR"}
    assert len(failed) >= 5


async def test_a_cancellation_from_an_observer_is_none_of_its_business(
    make_service: MakeService,
) -> None:
    def observer(event: Event) -> None:
        raise asyncio.CancelledError

    service = make_service(_answering(), on_event=observer)

    with pytest.raises(asyncio.CancelledError):
        await service.create(CLUSTER, "snapshot_001")


async def test_each_retry_is_one_warning_and_all_else_is_for_debugging(
    make_service: MakeService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "css_snapshot")
    service = make_service(_answering(500), auth=TokenAuth("T0kenUnseen"))

    with pytest.raises(InternalServerError):
        await service.create(CLUSTER, "snapshot_001")

    ours = [record for record in caplog.records if record.name == "css_snapshot"]
    warnings = [r.getMessage() for r in ours if r.levelno >= logging.WARNING]
    assert [message.split(": ")[1].split(" failed")[0] for message in warnings] == [
        "attempt 1 of 3",
        "attempt 2 of 3",
    ]
    assert any(r.levelno == logging.DEBUG for r in ours)
    assert "T0kenUnseen" not in caplog.text


def test_a_service_used_in_a_second_event_loop_says_so() -> None:
    service = SnapshotService(
        project_id="p1",
        endpoint="https://css.example",
        auth=TokenAuth("t"),
        transport=_answering(),
    )

    async def create() -> str:
        return (await service.create("c1", "snapshot_001")).id

    assert asyncio.run(create()) == "9dc4f5c9"
    with pytest.raises(ConfigurationError, match="another event loop") as caught:
        asyncio.run(create())

    assert caught.value.sent is False


class Stamped(httpx.Auth):
    """The simplest plugin a user may write."""

    def auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["X-Auth-Token"] = "of-the-user"
        yield request


class Negotiating(httpx.Auth):
    """Asks for a challenge first, reads its body, and answers it."""

    requires_response_body = True

    def __init__(self, *, elsewhere: bool) -> None:
        self._elsewhere = elsewhere

    def auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        if self._elsewhere:
            challenge = yield httpx.Request("GET", "https://iam.example/challenge")
        else:
            challenge = yield request
        request.headers["X-Auth-Token"] = json.loads(challenge.content)["nonce"]
        yield request


async def test_a_plugin_of_the_user_authenticates(make_service: MakeService) -> None:
    sent: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["x-auth-token"])
        return httpx.Response(201, json=CREATED)

    service = make_service(httpx.MockTransport(handler), auth=Stamped())
    await service.create(CLUSTER, "snapshot_001")

    assert sent == ["of-the-user"]


@pytest.mark.parametrize("elsewhere", [True, False])
async def test_a_plugin_of_the_user_may_take_several_steps(
    make_service: MakeService, *, elsewhere: bool
) -> None:
    seen: list[tuple[str, str | None]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        token = request.headers.get("x-auth-token")
        seen.append((request.url.host, token))
        if token is None:
            return httpx.Response(401, json={"nonce": "n-1"})
        return httpx.Response(201, json=CREATED)

    service = make_service(
        httpx.MockTransport(handler), auth=Negotiating(elsewhere=elsewhere)
    )
    backup = await service.create(CLUSTER, "snapshot_001")

    assert backup.id == "9dc4f5c9"
    first = "iam.example" if elsewhere else "css.example"
    assert seen == [(first, None), ("css.example", "n-1")]


async def test_digest_authentication_of_httpx_works_as_it_is(
    make_service: MakeService,
) -> None:
    challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'
    transport = _sequence(
        httpx.Response(401, headers={"WWW-Authenticate": challenge}),
        httpx.Response(201, json=CREATED),
    )

    service = make_service(transport, auth=httpx.DigestAuth("u", "p"))

    assert (await service.create(CLUSTER, "snapshot_001")).id == "9dc4f5c9"


@attrs.define
class Closing(httpx.Auth):
    """Notes how its flow ended."""

    closed: int = 0

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        try:
            yield request
        finally:
            self.closed += 1


@pytest.mark.parametrize(
    "answer", [httpx.Response(400), httpx.Response(201, json=CREATED), OSError("gone")]
)
async def test_a_plugins_flow_is_always_closed(
    make_service: MakeService, answer: httpx.Response | Exception
) -> None:
    auth = Closing()
    service = make_service(_sequence(answer), auth=auth)

    await asyncio.gather(
        service.create(CLUSTER, "snapshot_001"), return_exceptions=True
    )

    assert auth.closed == 1


async def test_a_failure_of_the_plugin_before_sending_says_that_nothing_was_sent(
    make_service: MakeService,
) -> None:
    class Broken(httpx.Auth):
        async def async_auth_flow(
            self, request: httpx.Request
        ) -> AsyncGenerator[httpx.Request, httpx.Response]:
            if request.headers:
                raise GatewayError("IAM is away", status=502)
            yield request

    with pytest.raises(GatewayError) as caught:
        await make_service(_answering(), auth=Broken()).create(CLUSTER, "snapshot_001")

    assert caught.value.sent is False


class Knowing(Stamped):
    """Can tell the project, sooner or later."""

    def __init__(self, *answers: object, after: float = 0.0) -> None:
        self.asked = 0
        self._answers = list(answers)
        self._after = after

    async def project_id(self) -> str:
        self.asked += 1
        await asyncio.sleep(self._after)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]  # some are wrong on purpose


async def test_the_project_is_asked_for_once_and_kept(
    make_service: MakeService,
) -> None:
    paths: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(200, json={"backups": []})

    auth = Knowing("of-the-token")
    service = make_service(httpx.MockTransport(handler), auth=auth, project_id=None)

    await service.list("c1")
    await service.list("c1")

    assert paths == ["/v1.0/of-the-token/clusters/c1/index_snapshots"] * 2
    assert auth.asked == 1


async def test_an_explicit_project_comes_before_the_plugins(
    make_service: MakeService,
) -> None:
    auth = Knowing("of-the-token")
    service = make_service(_answering(), auth=auth)

    await service.create(CLUSTER, "snapshot_001")

    assert auth.asked == 0


def test_a_project_that_nobody_knows_is_asked_for_at_construction(
    make_service: MakeService,
) -> None:
    with pytest.raises(ConfigurationError, match="project_id: is needed"):
        make_service(_answering(), auth=Stamped(), project_id=None)


@pytest.mark.parametrize("answer", ["", "../p", "a/b", None, 7])
async def test_a_project_that_is_none_is_refused_before_anything_is_sent(
    make_service: MakeService, answer: object
) -> None:
    service = make_service(_sequence(), auth=Knowing(answer), project_id=None)

    with pytest.raises(RequestValidationError, match="project_id") as caught:
        await service.list("c1")

    assert caught.value.sent is False


async def test_a_plugin_s_own_timeout_is_not_taken_for_the_limit_of_a_call(
    make_service: MakeService,
) -> None:
    auth = Knowing(TimeoutError("the plugin's own"))
    service = make_service(_sequence(), auth=auth, project_id=None)

    with pytest.raises(TimeoutError, match="the plugin's own"):
        await service.list("c1")


async def test_a_plugin_that_fails_to_tell_the_project_may_be_asked_again(
    make_service: MakeService,
) -> None:
    auth = Knowing(GatewayError("IAM is away", status=502), "p1")
    service = make_service(_answering(200, {"backups": []}), auth=auth, project_id=None)

    with pytest.raises(GatewayError) as caught:
        await service.list("c1")

    assert caught.value.sent is False
    assert await service.list("c1") == ()


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [({"timeout": 5.0}, 5.0), ({"timeout": 30.0, "deadline": 3.0}, 3.0)],
)
async def test_a_plugin_that_hangs_over_the_project_is_held_to_the_time_limits(
    make_service: MakeService,
    virtual_time: VirtualTime,
    limits: dict[str, float],
    seconds: float,
) -> None:
    service = make_service(
        _sequence(),
        auth=Knowing("p1", after=1000.0),
        project_id=None,
        clock=virtual_time.clock,
        **limits,
    )

    with pytest.raises(RequestTimeoutError, match="project_id") as caught:
        await service.list("c1")

    assert virtual_time.elapsed == seconds
    assert caught.value.sent is False
    assert caught.value.__context__ is None


async def test_a_closed_service_says_so() -> None:
    async with SnapshotService(
        project_id="p1", endpoint="https://css.example", auth=TokenAuth("t")
    ) as service:
        pass

    with pytest.raises(ConfigurationError, match="is closed") as caught:
        await service.list("c1")

    assert caught.value.sent is False


async def test_a_closed_transport_says_so(
    make_service: MakeService,
    make_transport: Callable[..., httpx.AsyncBaseTransport],
    transport_kind: str,
) -> None:
    transport = make_transport(transport_kind)
    await transport.aclose()

    with pytest.raises(ConfigurationError, match="is closed"):
        await make_service(transport).list("c1")


async def test_a_transport_passed_in_outlives_the_service() -> None:
    class Closable(httpx.MockTransport):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    transport = Closable(lambda _: httpx.Response(201, json=CREATED))
    async with SnapshotService(
        project_id="p1",
        endpoint="https://css.example",
        auth=TokenAuth("t"),
        transport=transport,
    ) as service:
        await service.create(CLUSTER, "snapshot_001")

    assert transport.closed is False


def test_neither_service_nor_client_shows_credentials() -> None:
    service = SnapshotService(
        project_id="p1",
        endpoint="https://css.example",
        auth=AkSkAuth(Credentials(access_key="AK", secret_key="S3cretUnseen")),
        transport=_answering(),
    )

    assert repr(service) == "SnapshotService(ApiClient('https://css.example'))"


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, BadRequestError), (401, AuthenticationError), (502, GatewayError)],
)
async def test_an_error_names_the_path_without_the_host(
    make_service: MakeService, status: int, error: type[CSSError]
) -> None:
    with pytest.raises(error) as caught:
        await make_service(_answering(status, {})).create(CLUSTER, "snapshot_001")

    assert str(caught.value).startswith(f"POST {PATH}: {status}")


async def test_a_failed_connection_is_no_surprise_to_those_who_read_sent(
    make_service: MakeService,
) -> None:
    transport = _sequence(httpx.PoolTimeout("none free"))

    with pytest.raises(ConnectFailedError) as caught:
        await make_service(transport).create(CLUSTER, "snapshot_001")

    assert (caught.value.sent, caught.value.kind) == (False, "pool")


@pytest.mark.parametrize(("size", "aside"), [(0, False), (LARGE, True)])
async def test_a_large_answer_is_read_beside_the_event_loop(
    make_service: MakeService,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    aside: bool,
) -> None:
    here = threading.get_ident()
    readers: list[int] = []
    told: list[tuple[str, int]] = []

    def read(body: bytes, report: Report = ignore) -> tuple[Snapshot, ...]:
        readers.append(threading.get_ident())
        return decode_snapshots(body, report)

    def tell(event: Event) -> None:
        if isinstance(event, FieldUnreadable):
            told.append((event.field, threading.get_ident()))

    row: dict[str, object] = {
        "id": "1",
        "name": "snapshot_001",
        "status": "COMPLETED",
        "created": [],
        "unknown": "x" * size,
    }
    monkeypatch.setattr(
        "css_snapshot.service.LIST_SNAPSHOTS",
        attrs.evolve(LIST_SNAPSHOTS, decode=read),
    )
    service = make_service(transport=_answering(200, {"backups": [row]}), on_event=tell)

    (snapshot,) = await service.list(CLUSTER)

    assert snapshot.name == "snapshot_001"
    assert [reader != here for reader in readers] == [aside]
    assert told == [("backups[].created", here)]


async def test_reading_beside_the_event_loop_ends_with_the_attempt(
    make_service: MakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def read(body: bytes, report: Report = ignore) -> tuple[Snapshot, ...]:
        over.wait(30.0)
        return decode_snapshots(body, report)

    monkeypatch.setattr(
        "css_snapshot.service.LIST_SNAPSHOTS",
        attrs.evolve(LIST_SNAPSHOTS, decode=read),
    )
    transport = _answering(200, {"backups": [], "unknown": "x" * LARGE})
    service = make_service(transport, timeout=0.5)

    try:
        with pytest.raises(RequestTimeoutError, match="not read in time") as caught:
            await service.list(CLUSTER)
    finally:
        over.set()

    assert (caught.value.sent, caught.value.read) == (None, True)
    assert caught.value.__context__ is None


async def test_a_field_that_cant_be_read_is_told_once_whatever_the_limits(
    make_service: MakeService,
) -> None:
    row = {"id": "1", "name": "snapshot_001", "status": "COMPLETED", "created": []}
    events: list[Event] = []
    service = make_service(_answering(200, {"backups": [row]}), on_event=events.append)

    for timeout in (10.0, 20.0):
        await service.with_options(timeout=timeout).list(CLUSTER)

    told = [event.field for event in events if isinstance(event, FieldUnreadable)]
    assert told == ["backups[].created"]
