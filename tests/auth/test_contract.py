"""What `css_snapshot.auth` promises of every plugin: add yours to `PLUGINS`."""

import asyncio
import contextlib
import json
import pickle
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import attrs
import httpx
import pytest

from css_snapshot.auth import (
    AccessToken,
    AgencyAuth,
    AkSkAuth,
    Credentials,
    PasswordAuth,
    TokenAuth,
    sign,
)
from tests.support.clock import ManualClock
from tests.support.fake_iam import PASSWORD, FakeIam

AK = "HPUA0FAKEFAKEFAKE001"
SK = "fakeSecretKeyForUnitTestsOnly0123456789A"
SECURITY_TOKEN = "gAAFAKEsecurityToken=="
TOKEN = "MIIFakeToken=="
URL = "https://css.example.com/v1.0/p/clusters/c/index_snapshot?b=2&a=1"
BODY = json.dumps(
    {"name": "snap", "description": "日本 é"}, ensure_ascii=False
).encode()
SECRETS = (SK, SECURITY_TOKEN, TOKEN, PASSWORD, "token-1-MII")

TEMPORARY = Credentials(AK, SK, SECURITY_TOKEN)


def fixed_keys(clock: ManualClock) -> httpx.Auth:
    return AkSkAuth(Credentials(AK, SK), clock=clock)


def temporary_keys(clock: ManualClock) -> httpx.Auth:
    return AkSkAuth(TEMPORARY, clock=clock)


def provided_keys(clock: ManualClock) -> httpx.Auth:
    async def provider(*, force_refresh: bool = False) -> Credentials:
        return attrs.evolve(TEMPORARY, expires_at=clock() + timedelta(hours=1))

    return AkSkAuth(provider, clock=clock)


def fixed_token(clock: ManualClock) -> httpx.Auth:
    return TokenAuth(TOKEN)


def provided_token(clock: ManualClock) -> httpx.Auth:
    async def provider(*, force_refresh: bool = False) -> AccessToken:
        return AccessToken(TOKEN, clock() + timedelta(hours=1))

    return TokenAuth(provider, clock=clock)


def password(clock: ManualClock) -> PasswordAuth:
    transport = FakeIam(clock).transport
    return PasswordAuth(
        "ann", PASSWORD, "acme", "cn-north-4", transport=transport, clock=clock
    )


def agency(clock: ManualClock) -> httpx.Auth:
    iam = FakeIam(clock)
    source = PasswordAuth(
        "ann", PASSWORD, "acme", "cn-north-4", transport=iam.transport, clock=clock
    )
    return AgencyAuth(
        source,
        agency_name="backup",
        domain="other",
        project="cn-north-4",
        transport=iam.transport,
        clock=clock,
    )


class Foreign(httpx.Auth):
    """A plugin as somebody else would write it."""

    def auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def]  # as written elsewhere
        request.headers["X-Auth-Token"] = TOKEN
        yield request


def foreign(clock: ManualClock) -> httpx.Auth:
    return Foreign()


PLUGINS = (
    fixed_keys,
    temporary_keys,
    provided_keys,
    fixed_token,
    provided_token,
    password,
    agency,
    foreign,
)

every_plugin = pytest.mark.parametrize(
    "make", PLUGINS, ids=lambda plugin: plugin.__name__
)
Make = Callable[[ManualClock], httpx.Auth]


@attrs.define
class Service:
    """Answers every request with one status, and keeps what it received."""

    status: int = 200
    received: list[httpx.Request] = attrs.field(factory=list)
    shut: asyncio.Event | None = None

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.received.append(request)
        if self.shut is not None:
            await self.shut.wait()
        return httpx.Response(self.status, json={})

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.handle))


def snapshot_request() -> httpx.Request:
    return httpx.Request(
        "POST",
        URL,
        content=BODY,
        headers={"Content-Type": "application/json", "X-Project-Id": "p"},
    )


def is_authentic(request: httpx.Request, clock: ManualClock) -> bool:
    if "x-auth-token" in request.headers:
        return request.headers["x-auth-token"].startswith(("MIIFake", "token-"))
    token = request.headers.get("x-security-token")
    expected = sign(
        request.method,
        request.url,
        request.headers,
        request.content,
        credentials=Credentials(AK, SK, token),
        at=clock.now,
    )
    return bool(request.headers["authorization"] == expected["Authorization"])


@every_plugin
async def test_the_request_arrives_authentic_and_else_untouched(make: Make) -> None:
    clock, service = ManualClock(), Service()
    request = snapshot_request()
    before = Counter(request.headers.raw)

    async with service.client() as client:
        await client.send(request, auth=make(clock))

    (received,) = service.received
    assert is_authentic(received, clock)
    assert (received.method, str(received.url)) == ("POST", URL)
    assert received.content == BODY
    assert Counter(received.headers.raw) >= before


@every_plugin
@pytest.mark.parametrize("status", [200, 202, 400, 403, 404, 429, 500, 501, 503])
async def test_such_an_answer_is_not_answered(make: Make, status: int) -> None:
    service = Service(status)

    async with service.client() as client:
        response = await client.send(snapshot_request(), auth=make(ManualClock()))

    assert response.status_code == status
    assert len(service.received) == 1


@every_plugin
async def test_a_401_is_answered_once_at_most(make: Make) -> None:
    service = Service(401)

    async with service.client() as client:
        response = await client.send(snapshot_request(), auth=make(ManualClock()))

    assert response.status_code == 401
    assert len(service.received) <= 2


@every_plugin
async def test_each_attempt_is_stamped_anew_and_once(make: Make) -> None:
    clock, service = ManualClock(), Service()
    auth, request = make(clock), snapshot_request()

    async with service.client() as client:
        for _ in range(2):
            await client.send(request, auth=auth)
            assert is_authentic(service.received[-1], clock)
            clock.advance(1)

    names = Counter(name.lower() for name, _ in service.received[-1].headers.raw)
    assert set(names.values()) == {1}


@every_plugin
async def test_fifty_tasks_share_one_plugin(make: Make) -> None:
    clock, service = ManualClock(), Service()
    auth = make(clock)

    async with service.client() as client:
        await asyncio.gather(
            *(
                client.post(f"https://css.example.com/{n}", json={"n": n}, auth=auth)
                for n in range(50)
            )
        )

    assert len({request.url.path for request in service.received}) == 50
    assert all(is_authentic(request, clock) for request in service.received)


@every_plugin
async def test_a_cancelled_request_holds_nobody_up(make: Make) -> None:
    clock = ManualClock()
    service = Service(shut=asyncio.Event())
    auth = make(clock)

    async with service.client() as client:
        stuck = [
            asyncio.create_task(client.send(snapshot_request(), auth=auth))
            for _ in range(5)
        ]
        while len(service.received) < 5:  # noqa: ASYNC110 - tasks take a few turns
            await asyncio.sleep(0)
        for task in stuck:
            task.cancel()
        await asyncio.wait(stuck)
        service.shut = None
        response = await client.send(snapshot_request(), auth=auth)

    assert all(task.cancelled() for task in stuck)
    assert response.status_code == 200


@every_plugin
async def test_no_secret_shows_or_is_pickled(make: Make) -> None:
    auth, service = make(ManualClock()), Service()
    async with service.client() as client:
        await client.send(snapshot_request(), auth=auth)

    pickled = b""
    with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
        pickled = pickle.dumps(auth)

    shown = f"{auth!r} {auth} {vars(auth)!r}"
    assert not any(secret in shown for secret in SECRETS)
    assert not any(secret.encode() in pickled for secret in SECRETS)


@every_plugin
def test_it_serves_one_event_loop_after_another(make: Make) -> None:
    clock, service = ManualClock(), Service()
    auth = make(clock)

    async def send() -> None:
        async with service.client() as client:
            await client.send(snapshot_request(), auth=auth)

    asyncio.run(send())
    asyncio.run(send())

    assert len(service.received) == 2
    assert all(is_authentic(request, clock) for request in service.received)
