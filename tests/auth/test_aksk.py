import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from css_snapshot.auth import AkSkAuth, Credentials, sign
from css_snapshot.auth.signing import timestamp
from css_snapshot.errors import ConfigurationError
from css_snapshot.events import Event, TokenRenewed
from tests.support.clock import ManualClock

AK = "HPUA0FAKEFAKEFAKE001"
SK = "fakeSecretKeyForUnitTestsOnly0123456789A"
URL = "https://css.example.com/v1.0/p/clusters/c/index_snapshot"
FIXED = Credentials(AK, SK)

Answer = Callable[[httpx.Request], httpx.Response]


def refusal(text: str) -> httpx.Response:
    return httpx.Response(
        401,
        json={
            "error_code": "APIGW.0301",
            "error_msg": f"Incorrect IAM authentication information: {text}",
        },
    )


def late(request: httpx.Request, server_time: str) -> httpx.Response:
    return refusal(
        "calc aksk signature fail:signature expired,"
        f" signature time:{request.headers['x-sdk-date']},server time:{server_time}"
    )


class Gateway:
    """Refuses stamps over 15 minutes from its own clock, and counts requests."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.stamps: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.stamps.append(request.headers["x-sdk-date"])
        good = {
            timestamp(self.clock.now + timedelta(seconds=shift))
            for shift in range(-900, 901)
        }
        if request.headers["x-sdk-date"] in good:
            return httpx.Response(200)
        return late(request, timestamp(self.clock.now))


async def post(auth: httpx.Auth, answer: Answer, url: str = URL) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        return await client.post(url, json={"name": "snap"}, auth=auth)


def local_and_server_clocks(ahead: float) -> tuple[ManualClock, ManualClock]:
    local, server = ManualClock(), ManualClock()
    server.advance(ahead)
    return local, server


@pytest.mark.parametrize("ahead", [-86400.0, -1000.0, 1000.0, 86400.0])
async def test_a_wrong_clock_is_corrected_once_and_for_all(
    ahead: float, caplog: pytest.LogCaptureFixture
) -> None:
    local, server = local_and_server_clocks(ahead)
    gateway = Gateway(server)
    auth = AkSkAuth(FIXED, clock=local)

    first = await post(auth, gateway)
    local.advance(5)
    server.advance(5)
    second = await post(auth, gateway)

    assert (first.status_code, second.status_code) == (200, 200)
    assert len(gateway.stamps) == 3
    assert gateway.stamps[2] == timestamp(server.now)
    warnings = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert f"{ahead:+.0f} s" in warnings[0].getMessage()


async def test_the_corrected_request_carries_a_valid_signature() -> None:
    local, server = local_and_server_clocks(3600)
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if len(sent) == 1:
            return late(request, timestamp(server.now))
        return httpx.Response(200)

    await post(AkSkAuth(FIXED, clock=local), answer)

    expected = sign(
        "POST",
        URL,
        dict(sent[1].headers),
        sent[1].content,
        credentials=FIXED,
        at=server.now,
    )
    assert sent[1].headers["authorization"] == expected["Authorization"]
    assert sent[1].headers.get_list("authorization") == [expected["Authorization"]]
    assert sent[1].headers.get_list("x-sdk-date") == [expected["X-Sdk-Date"]]


async def test_many_late_calls_learn_together_and_warn_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    local, server = local_and_server_clocks(-7200)
    gateway = Gateway(server)
    all_have_arrived = asyncio.Barrier(20)

    async def answer(request: httpx.Request) -> httpx.Response:
        response = gateway(request)
        await all_have_arrived.wait()
        return response

    auth = AkSkAuth(FIXED, clock=local)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        answers = await asyncio.gather(
            *(client.post(URL, json={}, auth=auth) for _ in range(20))
        )

    assert {answer.status_code for answer in answers} == {200}
    assert len(gateway.stamps) == 40
    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == 1


async def test_a_correction_is_itself_corrected_when_the_local_clock_is_set() -> None:
    local, server = local_and_server_clocks(-1200)
    gateway = Gateway(server)
    auth = AkSkAuth(FIXED, clock=local)
    await post(auth, gateway)
    local.now = server.now

    answer = await post(auth, gateway)

    assert answer.status_code == 200
    assert gateway.stamps[-1] == timestamp(server.now)


async def test_a_correction_that_changes_nothing_is_not_sent() -> None:
    clock = ManualClock()
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["x-sdk-date"])
        clock.advance(30)
        return late(request, timestamp(clock.now))

    response = await post(AkSkAuth(FIXED, clock=clock), answer)

    assert response.status_code == 401
    assert len(sent) == 1


async def test_a_second_refusal_is_the_answer() -> None:
    clock = ManualClock()
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["x-sdk-date"])
        clock.advance(-3600)
        return late(request, "20300101T000000Z")

    response = await post(AkSkAuth(FIXED, clock=clock), answer)

    assert response.status_code == 401
    assert len(sent) == 2


@pytest.mark.parametrize(
    "text",
    [
        "verify aksk signature fail",
        "verify aksk signature fail, canonicalRequest:GET|/||x-security-token:expired|",
        "AK access failed to reach the limit,forbidden",
        f"ak {AK} not exist",
        "calc aksk signature fail:signature expired",
        "signature expired, signature time:1,server time:20269999T999999Z",
        "",
    ],
)
async def test_no_other_refusal_of_fixed_credentials_is_answered(text: str) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return refusal(text)

    response = await post(AkSkAuth(FIXED), answer)

    assert response.status_code == 401
    assert len(sent) == 1


async def test_the_correction_can_be_switched_off() -> None:
    local, server = local_and_server_clocks(3600)
    gateway = Gateway(server)

    response = await post(
        AkSkAuth(FIXED, clock=local, correct_clock_skew=False), gateway
    )

    assert response.status_code == 401
    assert len(gateway.stamps) == 1


@pytest.mark.parametrize(
    ("origin", "requests"),
    [
        ("https://css.example.com", 2),
        ("http://127.0.0.1:8080", 2),
        ("http://localhost:8080", 2),
        ("http://[::1]:8080", 2),
        ("http://css.example.com", 1),
        ("http://10.0.0.1", 1),
    ],
)
async def test_the_time_is_believed_over_https_or_from_this_machine_alone(
    origin: str, requests: int
) -> None:
    local, server = local_and_server_clocks(3600)
    gateway = Gateway(server)

    await post(AkSkAuth(FIXED, clock=local), gateway, f"{origin}/v1.0/x")

    assert len(gateway.stamps) == requests


def test_fixed_credentials_work_in_a_synchronous_client() -> None:
    local, server = local_and_server_clocks(3600)
    gateway = Gateway(server)
    auth = AkSkAuth(FIXED, clock=local)

    with httpx.Client(transport=httpx.MockTransport(gateway), auth=auth) as client:
        statuses = [client.post(URL, json={}).status_code for _ in range(2)]

    assert statuses == [200, 200]
    assert len(gateway.stamps) == 3


def test_a_synchronous_401_of_another_kind_is_the_answer() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return refusal("verify aksk signature fail")

    transport = httpx.MockTransport(answer)
    with httpx.Client(transport=transport, auth=AkSkAuth(FIXED)) as client:
        assert client.get(URL).status_code == 401

    assert len(sent) == 1


def test_a_provider_is_refused_by_a_synchronous_client() -> None:
    auth = AkSkAuth(Rotating())

    with (
        httpx.Client(transport=httpx.MockTransport(Gateway(ManualClock()))) as client,
        pytest.raises(ConfigurationError, match="asynchronous client"),
    ):
        client.get(URL, auth=auth)


class Rotating:
    """Returns a new temporary key each time."""

    def __init__(self, *answers: Credentials) -> None:
        self.answers = list(answers)
        self.forced: list[bool] = []

    async def __call__(self, *, force_refresh: bool = False) -> Credentials:
        self.forced.append(force_refresh)
        if self.answers:
            return self.answers.pop(0)
        number = len(self.forced)
        return Credentials(f"AK{number:04}", SK, f"security-token-{number}")


class Service:
    """Refuses the security tokens in `gone`, with the text it is given."""

    def __init__(self, *gone: str, text: str = "security token is expired") -> None:
        self.gone = set(gone)
        self.text = text
        self.tokens: list[str | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        token = request.headers.get("x-security-token")
        self.tokens.append(token)
        return refusal(self.text) if token in self.gone else httpx.Response(200)


@pytest.mark.parametrize(
    "text",
    [
        "security token is expired",
        "Security token has expired",
        "securityToken expired",
        "token expires, expires_at: 2026-11-23",
        "decrypt token fail",
        "ak AK0001 not exist",
        "the ak AK0001 is expired",
        "security token invalid, canonicalRequest:GET|/|",
    ],
)
async def test_credentials_said_to_be_gone_are_renewed_once(text: str) -> None:
    provider = Rotating()
    service = Service("security-token-1", text=text)

    response = await post(AkSkAuth(provider), service)

    assert response.status_code == 200
    assert service.tokens == ["security-token-1", "security-token-2"]
    assert provider.forced == [False, True]


@pytest.mark.parametrize(
    "text",
    [
        "verify aksk signature fail",
        "verify aksk signature fail, canonicalRequest:|x-security-token:expired|",
        "AK access failed to reach the limit,forbidden",
        "no permission",
    ],
)
async def test_a_bad_signature_never_renews(text: str) -> None:
    provider = Rotating()
    service = Service("security-token-1", text=text)

    response = await post(AkSkAuth(provider), service)

    assert response.status_code == 401
    assert len(service.tokens) == 1
    assert provider.forced == [False]


async def test_renewed_credentials_that_are_gone_too_are_not_renewed_again() -> None:
    provider = Rotating()
    service = Service("security-token-1", "security-token-2")

    response = await post(AkSkAuth(provider), service)

    assert response.status_code == 401
    assert len(service.tokens) == 2
    assert provider.forced == [False, True]


async def test_the_same_credentials_again_are_not_sent_again() -> None:
    same = Credentials(AK, SK, "security-token-1")
    provider = Rotating(same, same)
    service = Service("security-token-1")

    response = await post(AkSkAuth(provider), service)

    assert response.status_code == 401
    assert len(service.tokens) == 1
    assert provider.forced == [False, True]


async def test_gone_credentials_are_renewed_once_for_a_hundred_calls() -> None:
    provider = Rotating()
    service = Service("security-token-1")
    auth = AkSkAuth(provider)

    async with httpx.AsyncClient(transport=httpx.MockTransport(service)) as client:
        answers = await asyncio.gather(
            *(client.get(URL, auth=auth) for _ in range(100))
        )

    assert {answer.status_code for answer in answers} == {200}
    assert provider.forced == [False, True]


async def test_permanent_keys_after_temporary_ones_leave_no_token_behind() -> None:
    provider = Rotating(Credentials(AK, SK, "security-token-1"), FIXED)
    service = Service("security-token-1")

    response = await post(AkSkAuth(provider), service)

    assert response.status_code == 200
    assert service.tokens == ["security-token-1", None]


async def test_a_wrong_clock_is_corrected_with_a_provider_too() -> None:
    local, server = local_and_server_clocks(3600)
    gateway = Gateway(server)
    provider = Rotating()

    response = await post(AkSkAuth(provider, clock=local), gateway)

    assert response.status_code == 200
    assert len(gateway.stamps) == 2
    assert provider.forced == [False]


async def test_renewals_are_told() -> None:
    events: list[Event] = []

    await post(AkSkAuth(Rotating(), on_event=events.append), Service())

    assert events == [TokenRenewed(reason="first", lifetime=None)]


async def test_a_security_token_the_caller_sends_is_signed() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await client.get(URL, headers={"X-Security-Token": "own"}, auth=AkSkAuth(FIXED))

    assert "host;x-sdk-date;x-security-token," in sent[0].headers["authorization"]


def test_a_signature_replaces_an_earlier_one() -> None:
    credentials = Credentials("AK01", "secret-key", "security-token")
    request = httpx.Request(
        "POST",
        URL,
        json={"name": "snap"},
        headers={
            "authorization": "old",
            "X-SDK-DATE": "20200101T000000Z",
            "x-security-token": "old",
        },
    )

    next(AkSkAuth(credentials, clock=ManualClock()).auth_flow(request))

    expected = sign(
        "POST",
        URL,
        {"Content-Type": "application/json"},
        request.content,
        credentials=credentials,
        at=ManualClock().now,
    )
    assert {name: request.headers.get_list(name) for name in expected} == {
        name: [value] for name, value in expected.items()
    }


async def test_closing_without_a_provider_is_harmless() -> None:
    await AkSkAuth(FIXED).aclose()
    await AkSkAuth(Rotating()).aclose()
