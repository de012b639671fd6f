import asyncio
import json
from collections.abc import Callable, Coroutine

import attrs
import httpx
import pytest

from css_snapshot.auth import (
    Credentials,
    CredentialsChain,
    CredentialsNotFoundError,
    MetadataCredentials,
)
from css_snapshot.auth import issuer as issuer_module
from css_snapshot.errors import (
    AuthenticationError,
    CSSError,
    ForbiddenError,
    InternalServerError,
    InvalidResponseError,
    ThrottledError,
)
from tests.support.clock import ManualClock

KEY = {
    "access": "HSTFAKE0001",
    "secret": "fakeSecret",
    "securitytoken": "fakeToken==",
    "expires_at": "2026-11-24T10:11:12.701000Z",
}


@attrs.define
class Metadata:
    """A metadata service; `tokens` says how it answers a request for one."""

    tokens: int = 200
    body: bytes = json.dumps({"credential": KEY}).encode()
    status: int = 200
    session: str = "session-1"
    requests: list[httpx.Request] = attrs.field(factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.method == "PUT":
            return httpx.Response(self.tokens, text=f"{self.session}\n")
        known = request.headers.get("x-metadata-token") == self.session
        if self.tokens == 200 and not known:
            return httpx.Response(401, text="Unauthorized")
        return httpx.Response(self.status, content=self.body)

    @property
    def seen(self) -> list[tuple[str, str]]:
        return [(r.method, r.url.path) for r in self.requests]


PUT = ("PUT", "/meta-data/latest/api/token")
GET = ("GET", "/openstack/latest/securitykey")


def make(service: Metadata) -> tuple[ManualClock, MetadataCredentials]:
    clock = ManualClock()
    provider = MetadataCredentials(transport=httpx.MockTransport(service), clock=clock)
    return clock, provider


async def test_the_key_is_fetched_with_a_session_token() -> None:
    service = Metadata()
    _, provider = make(service)

    credentials = await provider()

    assert service.seen == [PUT, GET]
    put, get = service.requests
    assert str(put.url) == "http://169.254.169.254/meta-data/latest/api/token"
    assert put.headers["x-metadata-token-ttl-seconds"] == "21600"
    assert get.headers["x-metadata-token"] == "session-1"
    assert credentials.access_key == "HSTFAKE0001"
    assert credentials.secret_key.reveal() == "fakeSecret"
    assert credentials.security_token is not None
    assert credentials.security_token.reveal() == "fakeToken=="
    assert credentials.expires_at is not None
    assert credentials.expires_at.isoformat() == "2026-11-24T10:11:12.701000+00:00"


async def test_a_session_token_is_used_until_it_is_about_to_end() -> None:
    service = Metadata()
    clock, provider = make(service)
    await provider()
    clock.advance(21600 * 0.9 - 1)
    await provider(force_refresh=True)
    clock.advance(1)
    await provider(force_refresh=True)

    assert service.seen == [PUT, GET, GET, PUT, GET]


async def test_a_refused_session_token_is_replaced_once() -> None:
    service = Metadata()
    _, provider = make(service)
    await provider()
    service.session = "session-2"

    await provider()

    assert service.seen == [PUT, GET, GET, PUT, GET]


async def test_a_refusal_that_stays_is_an_error() -> None:
    service = Metadata(tokens=404, status=401, body=b"Unauthorized")
    _, provider = make(service)

    with pytest.raises(AuthenticationError):
        await provider()

    assert service.seen == [PUT, GET, PUT, GET]


@pytest.mark.parametrize("status", [404, 405, 503])
async def test_a_service_without_session_tokens_is_asked_without_for_a_day(
    status: int,
) -> None:
    service = Metadata(tokens=status)
    clock, provider = make(service)
    await provider()
    clock.advance(86399)
    await provider()
    clock.advance(1)
    await provider()

    assert service.seen == [PUT, GET, GET, PUT, GET]
    assert all("x-metadata-token" not in r.headers for r in service.requests)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b""),
        (401, b"Please configure Cloud Service Agency first"),
        (400, b"Please configure Cloud Service Agency first"),
    ],
)
async def test_an_instance_without_an_agency_has_no_credentials(
    status: int, body: bytes
) -> None:
    service = Metadata(status=status, body=body)
    _, provider = make(service)

    with pytest.raises(CredentialsNotFoundError, match="no agency"):
        await provider()

    assert service.seen == [PUT, GET]


@pytest.mark.parametrize(
    "service", [Metadata(tokens=500), Metadata(status=500, body=b"")]
)
async def test_an_error_of_the_service_is_raised(service: Metadata) -> None:
    _, provider = make(service)

    with pytest.raises(InternalServerError):
        await provider()


async def test_what_refuses_from_the_start_is_another_cloud_s_service() -> None:
    service = Metadata(tokens=403)
    _, provider = make(service)

    with pytest.raises(CredentialsNotFoundError, match=r"responds with 403.*ECS"):
        await provider()


async def test_a_service_that_throttles_from_the_start_is_the_instance_s_own() -> None:
    _, provider = make(Metadata(tokens=429))

    with pytest.raises(ThrottledError):
        await provider()


async def test_a_service_that_responded_before_is_the_instance_s_own() -> None:
    service = Metadata()
    clock, provider = make(service)
    await provider()

    service.tokens = 403
    clock.advance(2 * 86400)

    with pytest.raises(ForbiddenError):
        await provider()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"credential": 5}',
        json.dumps({"credential": {**KEY, "secret": None}}).encode(),
        json.dumps({"credential": {**KEY, "secret": "a\nfakeSecret"}}).encode(),
        json.dumps({"credential": {**KEY, "expires_at": "soon"}}).encode(),
        json.dumps({"credential": {"access": "a", "secret": "fakeSecret"}}).encode(),
    ],
)
async def test_what_is_no_key_is_not_taken_for_one(body: bytes) -> None:
    _, provider = make(Metadata(body=body))

    with pytest.raises(InvalidResponseError, match="GET /openstack") as caught:
        await provider()

    assert "fakeSecret" not in str(caught.value)


async def test_what_is_no_session_token_is_not_taken_for_one() -> None:
    _, provider = make(Metadata(session="<html> </html>"))

    with pytest.raises(InvalidResponseError, match="PUT /meta-data"):
        await provider()


async def test_an_end_without_a_zone_is_taken_for_utc() -> None:
    key = {**KEY, "expires_at": "2026-11-24T10:11:12"}
    _, provider = make(Metadata(body=json.dumps({"credential": key}).encode()))

    credentials = await provider()

    assert credentials.expires_at is not None
    assert credentials.expires_at.isoformat() == "2026-11-24T10:11:12+00:00"


Handler = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]


async def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("no route")


async def never(request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("handler", [unreachable, never])
async def test_elsewhere_than_on_an_ecs_instance_there_are_no_credentials(
    handler: Handler,
) -> None:
    provider = MetadataCredentials(
        transport=httpx.MockTransport(handler), timeout=0.001
    )

    with pytest.raises(CredentialsNotFoundError, match="is this an ECS instance"):
        await CredentialsChain(provider)()


@pytest.mark.parametrize("handler", [unreachable, never])
async def test_a_service_that_no_longer_answers_is_not_taken_for_absent(
    handler: Handler,
) -> None:
    service = Metadata()
    _, provider = make(service)
    await provider()
    provider._transport = httpx.MockTransport(handler)
    provider._timeout = 0.001

    with pytest.raises(CSSError) as caught:
        await provider()

    assert not isinstance(caught.value, CredentialsNotFoundError)
    assert caught.value.sent is False


async def test_its_own_transport_knows_no_proxy_and_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []
    closed: list[bool] = []

    class Recording(httpx.MockTransport):
        async def aclose(self) -> None:
            closed.append(True)

    def make_transport(*, trust_env: bool = True) -> httpx.AsyncBaseTransport:
        asked.append(trust_env)
        return Recording(Metadata())

    monkeypatch.setattr(issuer_module, "default_transport", make_transport)

    credentials = await MetadataCredentials()()

    assert isinstance(credentials, Credentials)
    assert asked == [False]
    assert closed == [True]


def test_repr_names_the_address() -> None:
    provider = MetadataCredentials(endpoint="http://127.0.0.1:5/")

    assert repr(provider) == "MetadataCredentials('http://127.0.0.1:5')"
