import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from css_snapshot.auth import AccessToken, Secret, TokenAuth, TokenProvider
from css_snapshot.errors import ConfigurationError
from css_snapshot.events import Event, TokenRenewed
from tests.support.clock import ManualClock

URL = "https://css.example.com/v1.0/p/clusters"


class Service:
    """Refuses all tokens but those in `valid`, with one answer."""

    def __init__(self, *valid: str, refusal: httpx.Response | None = None) -> None:
        self.valid = set(valid)
        self.refusal = refusal or httpx.Response(401)
        self.tokens: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        token = request.headers["x-auth-token"]
        self.tokens.append(token)
        if token in self.valid:
            return httpx.Response(200)
        return httpx.Response(self.refusal.status_code, content=self.refusal.content)


def numbered(calls: list[bool]) -> TokenProvider:
    async def provider(*, force_refresh: bool = False) -> AccessToken:
        calls.append(force_refresh)
        return AccessToken(f"token-{len(calls)}", project_id="p1")

    return provider


async def get(auth: httpx.Auth, service: Service) -> int:
    async with httpx.AsyncClient(transport=httpx.MockTransport(service)) as client:
        return (await client.get(URL, auth=auth)).status_code


@pytest.mark.parametrize("token", [" fixed\n", Secret("fixed"), AccessToken("fixed")])
async def test_a_fixed_token_is_sent_as_it_is(
    token: str | Secret | AccessToken,
) -> None:
    service = Service("fixed")

    assert await get(TokenAuth(token), service) == 200
    assert service.tokens == ["fixed"]


async def test_a_refused_fixed_token_is_not_sent_again() -> None:
    service = Service()

    assert await get(TokenAuth("fixed"), service) == 401
    assert service.tokens == ["fixed"]


def test_a_fixed_token_works_in_a_synchronous_client() -> None:
    service = Service("fixed")

    with httpx.Client(transport=httpx.MockTransport(service)) as client:
        assert client.get(URL, auth=TokenAuth("fixed")).status_code == 200


def test_a_provider_is_refused_by_a_synchronous_client() -> None:
    with (
        httpx.Client(transport=httpx.MockTransport(Service())) as client,
        pytest.raises(ConfigurationError, match="asynchronous client"),
    ):
        client.get(URL, auth=TokenAuth(numbered([])))


def gateway_error(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"error_code": code, "error_msg": "no"})


@pytest.mark.parametrize(
    "refusal",
    [
        httpx.Response(401),
        httpx.Response(401, text="<html>"),
        gateway_error(401, "APIGW.0301"),
        gateway_error(401, "APIGW.0307"),
        gateway_error(400, "APIG.0307"),
        gateway_error(403, "APIGW.0307"),
        httpx.Response(400, json={"errCode": "CSS.0045", "externalMessage": "no"}),
    ],
)
async def test_a_refused_token_is_renewed_and_the_request_sent_once_more(
    refusal: httpx.Response,
) -> None:
    calls: list[bool] = []
    service = Service("token-2", refusal=refusal)

    assert await get(TokenAuth(numbered(calls)), service) == 200
    assert service.tokens == ["token-1", "token-2"]
    assert calls == [False, True]


@pytest.mark.parametrize(
    "refusal",
    [
        httpx.Response(400, json={"errCode": "CSS.0001", "externalMessage": "no"}),
        httpx.Response(
            400, json={"errCode": "CSS.0001", "externalMessage": "CSS.0045"}
        ),
        gateway_error(403, "APIGW.0302"),
        httpx.Response(404, json={"errCode": "CSS.0045"}),
        httpx.Response(500, json={"errCode": "CSS.0045"}),
    ],
)
async def test_no_other_answer_renews(refusal: httpx.Response) -> None:
    calls: list[bool] = []
    service = Service("token-2", refusal=refusal)

    assert await get(TokenAuth(numbered(calls)), service) == refusal.status_code
    assert service.tokens == ["token-1"]
    assert calls == [False]


async def test_a_second_refusal_is_the_answer() -> None:
    calls: list[bool] = []
    service = Service()

    assert await get(TokenAuth(numbered(calls)), service) == 401
    assert service.tokens == ["token-1", "token-2"]
    assert calls == [False, True]


async def test_the_same_token_again_is_not_sent_again() -> None:
    async def provider(*, force_refresh: bool = False) -> AccessToken:
        return AccessToken("same")

    service = Service()

    assert await get(TokenAuth(provider), service) == 401
    assert service.tokens == ["same"]


async def test_a_streamed_body_is_sent_whole_both_times() -> None:
    bodies: list[bytes] = []

    async def parts() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(401 if len(bodies) == 1 else 200)

    auth = TokenAuth(numbered([]))
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        response = await client.post(URL, content=parts(), auth=auth)

    assert response.status_code == 200
    assert bodies == [b"one two", b"one two"]


async def test_an_expiring_token_is_replaced_before_it_is_refused() -> None:
    clock = ManualClock()
    calls: list[bool] = []
    events: list[Event] = []

    async def provider(*, force_refresh: bool = False) -> AccessToken:
        calls.append(force_refresh)
        return AccessToken(f"token-{len(calls)}", clock() + timedelta(hours=24))

    auth = TokenAuth(provider, clock=clock, on_event=events.append)
    service = Service("token-1", "token-2")
    await get(auth, service)
    clock.advance(86400 - 30)
    await get(auth, service)

    assert service.tokens == ["token-1", "token-2"]
    assert calls == [False, True]
    assert events == [
        TokenRenewed(reason="first", lifetime=86400.0),
        TokenRenewed(reason="expiring", lifetime=86400.0),
    ]


async def test_the_project_comes_with_the_token() -> None:
    calls: list[bool] = []
    auth = TokenAuth(numbered(calls))

    assert await auth.project_id() == "p1"
    assert await auth.project_id() == "p1"
    assert await TokenAuth(AccessToken("t", project_id="p2")).project_id() == "p2"
    assert calls == [False]


async def test_a_token_without_a_project_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="pass project_id"):
        await TokenAuth("fixed").project_id()


async def test_leaving_the_block_ends_a_renewal_under_way() -> None:
    begun = asyncio.Event()

    async def provider(*, force_refresh: bool = False) -> AccessToken:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with TokenAuth(provider) as auth, TokenAuth("fixed"):
        waiting = asyncio.create_task(auth.access_token())
        await begun.wait()

    with pytest.raises(ConfigurationError, match="closed"):
        await waiting


@pytest.mark.parametrize("bad", ["", "a b", "a\r\nX-Evil: 1", "é"])
def test_a_token_that_can_not_be_a_header_is_refused_at_once(bad: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^token: "):
        TokenAuth(bad)
