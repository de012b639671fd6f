import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import httpx
import pytest

from css_snapshot import RetryPolicy, SnapshotService
from css_snapshot.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ClusterBusyError,
    ConflictError,
    CSSError,
    ForbiddenError,
    GatewayError,
    IndeterminateDeleteError,
    InternalServerError,
    InvalidResponseError,
    NotAcceptableError,
    NotFoundError,
    NotImplementedByServerError,
    QuotaExceededError,
    ServerError,
    ThrottledError,
    UnexpectedStatusError,
)
from tests.support.virtual_time import VirtualTime

MakeService = Callable[..., SnapshotService]
Call = Callable[[SnapshotService], Awaitable[object]]

REQUEST_ID: Final = "r-4711"
METHODS: Final = {"create": "POST", "list": "GET", "delete": "DELETE"}
BY_STATUS: Final[dict[int, type[APIError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    406: NotAcceptableError,
    409: ConflictError,
    413: QuotaExceededError,
    429: ThrottledError,
    500: InternalServerError,
    501: NotImplementedByServerError,
    502: GatewayError,
    503: GatewayError,
    504: GatewayError,
}
DIALECTS: Final[dict[str, tuple[bytes, str, str]]] = {
    "css": (
        b'{"errCode":"CSS.7777","externalMessage":"CSS.7777 : Why. (x)"}',
        "CSS.7777",
        "Why. (x)",
    ),
    "gateway": (
        b'{"error_code":"APIGW.0999","error_msg":"Why.","request_id":"of-body"}',
        "APIGW.0999",
        "Why.",
    ),
    "plain": (b'{"code":"X.1","message":"Why."}', "X.1", "Why."),
    "iam": (b'{"error":{"code":499,"message":"Why.","title":"T"}}', "499", "Why."),
    "html": (b"<html><title>Why.</title><h1>No</h1></html>", "", "Why."),
    "empty": (b"", "", ""),
    "garbage": (b"\x00\xff{[", "", ""),
    "deep": (b"[" * 30_000, "", ""),
}


async def create(service: SnapshotService) -> object:
    return await service.create("c1", "snapshot_001")


async def list_all(service: SnapshotService) -> object:
    return await service.list("c1")


async def delete(service: SnapshotService) -> None:
    await service.delete("c1", "s1")


CALLS: Final[dict[str, Call]] = {"create": create, "list": list_all, "delete": delete}


class Constant(httpx.AsyncBaseTransport):
    """Answers every request alike, and counts them."""

    def __init__(self, method: str, body: bytes, headers: dict[str, str]) -> None:
        self.status = 0
        self.requests = 0
        self.method = method
        self._body = body
        self._headers = {"X-Request-Id": REQUEST_ID, **headers}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # A deletion that failed is looked up in the list: only the calls themselves count.
        self.requests += request.method == self.method
        return httpx.Response(
            self.status, headers=self._headers, content=self._body, request=request
        )


async def _outcome(call: Call, service: SnapshotService) -> CSSError | object:
    try:
        return await call(service)
    except CSSError as exc:
        return exc


def _expected(name: str, status: int, code: str) -> type[CSSError]:
    if httpx.codes.is_success(status) and not code:
        return InvalidResponseError
    if httpx.codes.is_server_error(status):
        return BY_STATUS.get(status, ServerError)
    return BY_STATUS.get(status, UnexpectedStatusError)


def _leaves_open(status: int) -> bool:
    """Tell whether a request answered so may have been carried out."""
    return status < 300 or (status >= 500 and status != 501)


def statuses_for(name: str, dialect: str) -> Iterator[int]:
    """Iterate over those with an error of their own, and over a third of the others.

    Over all dialects each call meets every status, and over all calls each dialect
    does.
    """
    shift = list(CALLS).index(name) + list(DIALECTS).index(dialect)
    for status in range(100, 600):
        if status in BY_STATUS or status % len(CALLS) == shift % len(CALLS):
            yield status


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", CALLS)
async def test_every_status_in_every_dialect_is_its_own_error_and_only_500_repeated(
    make_service: MakeService, virtual_time: VirtualTime, name: str, dialect: str
) -> None:
    body, code, message = DIALECTS[dialect]
    transport = Constant(METHODS[name], body, {"Retry-After": "0"})
    service = make_service(transport, clock=virtual_time.clock)

    for status in statuses_for(name, dialect):
        transport.status, transport.requests = status, 0
        error = await _outcome(CALLS[name], service)

        if (name, dialect) == ("delete", "empty") and httpx.codes.is_success(status):
            assert error is None
            continue
        if name == "delete" and _leaves_open(status):
            # The list can't be read either, so it stays unknown.
            assert type(error) is IndeterminateDeleteError, status
            error = error.earlier[-1]
        # A code that only repeats the status is none.
        told = "" if code == str(status) else code
        assert type(error) is _expected(name, status, told), status
        assert isinstance(error, APIError | InvalidResponseError)
        assert (error.status, error.request_id) == (status, REQUEST_ID), status
        if isinstance(error, APIError):
            assert (error.code, error.message) == (told, message), status
        assert error.sent is None, status
        assert str(status) in str(error), status
        assert transport.requests == (3 if status == 500 else 1), status


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize("retry_after", ["0", "1", "Sat, 07 Mar 2026 12:00:00 GMT"])
@pytest.mark.parametrize(
    "policy", [RetryPolicy(base=0.0), RetryPolicy.gateway()], ids=["default", "gateway"]
)
async def test_400_and_403_are_one_request_whatever_the_answer_or_the_policy_says(
    make_service: MakeService,
    name: str,
    status: int,
    retry_after: str,
    policy: RetryPolicy,
) -> None:
    transport = Constant(METHODS[name], b"{}", {"Retry-After": retry_after})
    transport.status = status

    error = await _outcome(CALLS[name], make_service(transport, retry=policy))

    assert type(error) is BY_STATUS[status]
    assert transport.requests == 1


@pytest.mark.parametrize("name", CALLS)
async def test_busy_hides_in_no_status_that_it_is_known_to_come_with(
    make_service: MakeService, name: str
) -> None:
    body = json.dumps({"errCode": "CSS.0011", "externalMessage": "busy"}).encode()
    transport = Constant(METHODS[name], body, {})
    service = make_service(transport)

    for transport.status in (200, 201, 202, 400, 409):
        error = await _outcome(CALLS[name], service)
        assert type(error) is ClusterBusyError, transport.status

    assert transport.requests == 5
