import asyncio
import json
from datetime import timedelta

import httpx
import pytest
from huaweicloudsdkcore.auth.internal import IamHelper
from huaweicloudsdkcore.http.http_config import HttpConfig

from css_snapshot import SnapshotService
from css_snapshot.auth import AkSkAuth, Credentials, sign
from css_snapshot.auth.iam import ENDPOINT_VARIABLE
from css_snapshot.errors import (
    ConfigurationError,
    ConnectionLostError,
    ForbiddenError,
    RequestTimeoutError,
)
from tests.support.clock import ManualClock
from tests.support.fake_iam import PROJECT_ID, FakeIam

AK = "HPUA0FAKEFAKEFAKE001"
SK = "fakeSecretKeyForUnitTestsOnly0123456789A"
KEY = Credentials(AK, SK)
REGION = "cn-north-4"
IAM = "https://iam.cn-north-4.myhuaweicloud.com"


@pytest.fixture
def iam() -> FakeIam:
    return FakeIam(ManualClock())


def knowing(iam: FakeIam, credentials: Credentials = KEY) -> AkSkAuth:
    return AkSkAuth(
        credentials, region=REGION, transport=iam.transport, clock=iam.clock
    )


async def test_the_region_s_project_is_asked_for_with_a_signature(iam: FakeIam) -> None:
    auth = knowing(iam)

    assert await auth.project_id() == PROJECT_ID
    assert await auth.project_id() == PROJECT_ID

    (request,) = iam.requests
    url = f"{IAM}/v3/projects?name=cn-north-4"
    assert (request.method, str(request.url)) == ("GET", url)
    expected = sign("GET", url, {}, b"", credentials=KEY, at=iam.clock())
    assert request.headers["authorization"] == expected["Authorization"]


async def test_the_look_up_is_the_one_of_the_vendor_s_sdk(iam: FakeIam) -> None:
    theirs = IamHelper.get_keystone_list_projects_request(HttpConfig(), IAM, REGION)

    await knowing(iam).project_id()

    (ours,) = iam.requests
    assert (ours.method, ours.url.host, ours.url.path) == (
        *(theirs.method, theirs.host),
        theirs.resource_path,
    )
    assert list(ours.url.params.multi_items()) == theirs.query_params


async def test_many_who_ask_at_a_time_cause_one_look_up(iam: FakeIam) -> None:
    auth = knowing(iam)

    ids = await asyncio.gather(*(auth.project_id() for _ in range(100)))

    assert set(ids) == {PROJECT_ID}
    assert len(iam.requests) == 1


async def test_a_project_found_with_the_credentials_needs_no_look_up(
    iam: FakeIam,
) -> None:
    assert await knowing(iam, Credentials(AK, SK, project_id="p1")).project_id() == "p1"

    async def provider(*, force_refresh: bool = False) -> Credentials:
        return Credentials(AK, SK, project_id="p2")

    assert await AkSkAuth(provider).project_id() == "p2"
    assert iam.requests == []


async def test_a_service_asks_its_plugin(iam: FakeIam) -> None:
    called: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        called.append(request.url.path)
        return httpx.Response(200, json={"backups": []})

    async with SnapshotService(
        region=REGION, auth=knowing(iam), transport=httpx.MockTransport(answer)
    ) as service:
        await service.list("c1")

    assert called == [f"/v1.0/{PROJECT_ID}/clusters/c1/index_snapshots"]


@pytest.mark.parametrize(
    ("argument", "variable", "asked"),
    [
        ("https://iam.example.com/v3/", None, "iam.example.com"),
        (None, "https://iam.example.org/", "iam.example.org"),
        ("https://iam.example.com", "https://iam.example.org", "iam.example.com"),
        (None, " ", "iam.cn-north-4.myhuaweicloud.com"),
    ],
)
async def test_iam_is_where_the_argument_says_then_the_environment_then_the_region(
    *,
    iam: FakeIam,
    monkeypatch: pytest.MonkeyPatch,
    argument: str | None,
    variable: str | None,
    asked: str,
) -> None:
    if variable is not None:
        monkeypatch.setenv(ENDPOINT_VARIABLE, variable)

    await AkSkAuth(
        KEY, region=REGION, iam_endpoint=argument, transport=iam.transport
    ).project_id()

    assert iam.requests[0].url.host == asked


async def test_an_unsafe_address_is_refused_under_the_name_it_was_given(
    iam: FakeIam, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=r"^iam_endpoint: must be https"):
        AkSkAuth(KEY, region=REGION, iam_endpoint="http://iam.example.com")

    monkeypatch.setenv(ENDPOINT_VARIABLE, "http://iam.example.com")
    with pytest.raises(ConfigurationError, match=f"^{ENDPOINT_VARIABLE}: must be http"):
        await knowing(iam).project_id()

    assert iam.requests == []


async def test_without_a_region_the_project_is_asked_for() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^project_id: is needed \(.*; or pass r"
    ):
        await AkSkAuth(KEY).project_id()


async def test_no_project_is_an_error_that_names_the_region(iam: FakeIam) -> None:
    iam.projects = []

    with pytest.raises(ConfigurationError, match="no project named cn-north-4"):
        await knowing(iam).project_id()


async def test_several_projects_are_an_error_that_names_them(iam: FakeIam) -> None:
    iam.projects.append({"id": "another", "name": REGION})

    with pytest.raises(
        ConfigurationError, match=rf"2 projects .*: {PROJECT_ID}, another; pass"
    ):
        await knowing(iam).project_id()


async def test_a_project_that_is_shown_twice_is_one(iam: FakeIam) -> None:
    iam.projects *= 2

    assert await knowing(iam).project_id() == PROJECT_ID


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"projects": 5}',
        b'{"projects": [5, {}, {"id": ""}, {"id": 7}]}',
        b"[" * 100_000,
    ],
)
async def test_what_is_no_list_of_projects_shows_none(
    iam: FakeIam, body: bytes
) -> None:
    iam.answer = httpx.Response(200, content=body)

    with pytest.raises(ConfigurationError, match="no project named"):
        await knowing(iam).project_id()


async def test_a_refusal_is_the_error_and_may_be_asked_again(iam: FakeIam) -> None:
    auth = knowing(iam)
    iam.answer = httpx.Response(403, json={"error_msg": "no permission"})
    with pytest.raises(ForbiddenError, match="GET /v3/projects: 403 no permission"):
        await auth.project_id()
    iam.answer = None

    assert await auth.project_id() == PROJECT_ID


async def test_a_wrong_clock_is_corrected_for_the_look_up_too(iam: FakeIam) -> None:
    stamps: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        stamps.append(request.headers["x-sdk-date"])
        if len(stamps) > 1:
            return httpx.Response(200, json={"projects": iam.projects})
        text = "signature expired, server time:20261123T111112Z"
        return httpx.Response(401, content=json.dumps({"error_msg": text}))

    auth = AkSkAuth(
        KEY,
        region=REGION,
        transport=httpx.MockTransport(answer),
        clock=ManualClock(),
    )

    assert await auth.project_id() == PROJECT_ID
    assert stamps == ["20261123T101112Z", "20261123T111112Z"]


async def test_a_failure_on_the_way_to_iam_means_the_call_was_not_sent(
    iam: FakeIam,
) -> None:
    def lose(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset")

    lost = AkSkAuth(KEY, region=REGION, transport=httpx.MockTransport(lose))
    with pytest.raises(ConnectionLostError) as caught:
        await lost.project_id()
    assert caught.value.sent is False

    iam.gate.clear()
    late = AkSkAuth(KEY, region=REGION, transport=iam.transport, timeout=0.001)
    with pytest.raises(RequestTimeoutError, match="IAM did not respond within"):
        await late.project_id()


async def test_closing_stops_a_look_up(iam: FakeIam) -> None:
    iam.gate.clear()
    auth = knowing(iam)
    waiting = asyncio.create_task(auth.project_id())
    while not iam.requests:  # noqa: ASYNC110 - tasks take a few turns
        await asyncio.sleep(0)

    await auth.aclose()

    with pytest.raises(ConfigurationError, match="closed while"):
        await waiting


async def test_temporary_keys_send_their_token(iam: FakeIam) -> None:
    ends = iam.clock() + timedelta(hours=1)

    await knowing(iam, Credentials(AK, SK, "sec-token", ends)).project_id()

    assert iam.requests[0].headers["x-security-token"] == "sec-token"
