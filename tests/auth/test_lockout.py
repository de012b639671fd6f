from collections.abc import AsyncIterator

import httpx
import pytest

from css_snapshot.auth import AkSkAuth, Credentials
from css_snapshot.auth.lockout import Lockout
from css_snapshot.emulator import EmulatorServer, EmulatorState
from css_snapshot.errors import AuthenticationError

AK = "HPUA0FAKEFAKEFAKE001"
SK = "fakeSecretKeyForUnitTestsOnly0123456789A"
URL = "https://css.example.com/v1.0/x"
WRONG = b"Incorrect IAM authentication information: verify aksk signature fail"


class Seconds:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def refused(lockout: Lockout, times: int, refusal: bytes = WRONG) -> None:
    for _ in range(times):
        lockout.count(refusal)


@pytest.mark.parametrize(
    "refusal", [WRONG, b"AK access failed to reach the limit,forbidden"]
)
def test_after_four_refused_signatures_there_are_no_more(refusal: bytes) -> None:
    lockout = Lockout()
    refused(lockout, 3, refusal)
    lockout.check()

    refused(lockout, 1, refusal)

    with pytest.raises(AuthenticationError, match="refused the last 4 sig") as caught:
        lockout.check()
    assert caught.value.status == 401


@pytest.mark.parametrize(
    "refusal", [b"", b"security token is expired", b"signature expired, server time:"]
)
def test_a_401_for_another_reason_does_not_count(refusal: bytes) -> None:
    lockout = Lockout()

    refused(lockout, 10, refusal)

    lockout.check()


def test_an_accepted_signature_begins_anew() -> None:
    lockout = Lockout()
    refused(lockout, 3)
    lockout.reset()
    refused(lockout, 3)

    lockout.check()


def test_after_five_minutes_the_gateway_counts_anew() -> None:
    clock = Seconds()
    lockout = Lockout(clock)
    refused(lockout, 4)
    clock.now += 299.9
    with pytest.raises(AuthenticationError):
        lockout.check()

    clock.now += 0.1
    lockout.check()
    refused(lockout, 3)
    lockout.check()
    refused(lockout, 1)

    with pytest.raises(AuthenticationError):
        lockout.check()


@pytest.fixture
async def cloud() -> AsyncIterator[EmulatorServer]:
    async with EmulatorServer(EmulatorState(clusters=1)) as server:
        yield server


async def test_a_plugin_with_a_wrong_key_does_not_lock_it(
    cloud: EmulatorServer,
) -> None:
    url = f"{cloud.endpoint}/v1.0/{cloud.state.project_id}/clusters"
    wrong = AkSkAuth(Credentials(cloud.state.access_key, SK))
    right = AkSkAuth(Credentials(cloud.state.access_key, cloud.state.secret_key))
    ends: list[object] = []

    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(20):
            try:
                ends.append((await client.get(url, auth=wrong)).status_code)
            except AuthenticationError as error:
                ends.append(error.sent)
        answer = await client.get(url, auth=right)

    assert ends == [401] * 4 + [False] * 16
    assert answer.status_code == 200


def answering(*answers: httpx.Response) -> httpx.MockTransport:
    left = list(answers)
    return httpx.MockTransport(lambda _: left.pop(0))


def refusal() -> httpx.Response:
    return httpx.Response(401, content=WRONG)


async def statuses(auth: AkSkAuth, transport: httpx.MockTransport, n: int) -> list[int]:
    async with httpx.AsyncClient(transport=transport, auth=auth) as client:
        return [(await client.get(URL)).status_code for _ in range(n)]


async def test_a_success_between_refusals_keeps_a_plugin_signing() -> None:
    three = [refusal() for _ in range(3)]
    answers = [*three, httpx.Response(202), *(refusal() for _ in range(4))]
    auth = AkSkAuth(Credentials(AK, SK))

    assert await statuses(auth, answering(*answers), 8) == [*[401] * 3, 202, *[401] * 4]
    with pytest.raises(AuthenticationError):
        await statuses(auth, answering(), 1)


async def test_what_a_proxy_may_have_said_proves_nothing() -> None:
    answers = [refusal(), httpx.Response(502), refusal(), httpx.Response(403)]
    auth = AkSkAuth(Credentials(AK, SK))
    await statuses(auth, answering(*answers, refusal(), refusal()), 6)

    with pytest.raises(AuthenticationError):
        await statuses(auth, answering(), 1)


async def test_another_key_begins_anew() -> None:
    keys = [Credentials(AK, SK), Credentials(AK, f"{SK}2")]

    async def provider(*, force_refresh: bool = False) -> Credentials:
        return keys[force_refresh]

    auth = AkSkAuth(provider)
    wrong = [refusal() for _ in range(4)]
    await statuses(auth, answering(*wrong), 4)
    assert isinstance(auth._source, object)
    await auth._source.get(rejected=keys[0])  # type: ignore[union-attr]  # a provider's

    assert await statuses(auth, answering(httpx.Response(200)), 1) == [200]


def test_a_synchronous_client_is_stopped_too() -> None:
    transport = answering(
        refusal(), httpx.Response(200), *(refusal() for _ in range(4))
    )
    auth = AkSkAuth(Credentials(AK, SK))

    with httpx.Client(transport=transport, auth=auth) as client:
        seen = [client.get(URL).status_code for _ in range(6)]
        with pytest.raises(AuthenticationError):
            client.get(URL)

    assert seen == [401, 200, *[401] * 4]
