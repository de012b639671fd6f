import json
from pathlib import Path

import attrs
import httpx
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.auth.internal import FederalAccessor
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.sdk_request import SdkRequest

from css_snapshot.auth import (
    AkSkAuth,
    CredentialsNotFoundError,
    WorkloadIdentityCredentials,
)
from css_snapshot.auth.iam import ENDPOINT_VARIABLE
from css_snapshot.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionLostError,
    CSSError,
    InvalidResponseError,
)
from tests.support.clock import ManualClock
from tests.support.fake_iam import ID_TOKEN, IDP_ID, FakeIam

IDP = "HUAWEICLOUD_SDK_IDP_ID"
FILE = "HUAWEICLOUD_SDK_ID_TOKEN_FILE"


@pytest.fixture
def iam() -> FakeIam:
    return FakeIam(ManualClock())


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{ID_TOKEN}\n", "utf-8")
    return file


async def test_an_id_token_is_exchanged_for_a_key(
    iam: FakeIam, token_file: Path
) -> None:
    environ = {IDP: IDP_ID, FILE: str(token_file)}
    provider = WorkloadIdentityCredentials(environ=environ, transport=iam.transport)

    credentials = await provider()

    first, second = iam.requests
    assert str(first.url) == (
        "https://iam.myhuaweicloud.com/v3.0/OS-AUTH/id-token/tokens"
    )
    assert first.headers["x-idp-id"] == IDP_ID
    assert json.loads(first.content) == {"auth": {"id_token": {"id": ID_TOKEN}}}
    assert str(second.url) == (
        "https://iam.myhuaweicloud.com/v3.0/OS-CREDENTIAL/securitytokens"
    )
    assert json.loads(second.content)["auth"]["identity"]["token"] == {
        "id": "unscoped-1",
        "duration_seconds": 21600,
    }
    assert credentials.access_key == "HSTFAKE0002"
    assert credentials.secret_key.reveal() == "fakeSecret"
    assert credentials.security_token is not None
    assert credentials.expires_at is not None
    assert (credentials.expires_at - iam.clock()).total_seconds() == 21600
    assert repr(provider) == "WorkloadIdentityCredentials()"


@attrs.define
class VendorsClient:
    """What the vendor's SDK sends its two requests with."""

    iam: FakeIam
    config: HttpConfig = attrs.field(factory=lambda: HttpConfig())  # noqa: PLW0108 - untyped
    sent: list[SdkRequest] = attrs.field(factory=list)

    def do_request_sync(self, request: SdkRequest) -> httpx.Response:
        self.sent.append(request)
        url = f"{request.schema}://{request.host}{request.uri}"
        heard = httpx.Request(
            request.method, url, headers=request.header_params, content=request.body
        )
        self.iam.requests.append(heard)
        by_path = {1: self.iam.exchange, 2: self.iam.issue_key}
        return by_path[len(self.sent)](heard)


async def test_the_two_requests_are_those_of_the_vendor_s_sdk(
    iam: FakeIam, token_file: Path
) -> None:
    client = VendorsClient(FakeIam(ManualClock()))
    theirs = BasicCredentials().with_idp_id(IDP_ID).with_id_token_file(str(token_file))
    theirs.sts_accessor = FederalAccessor()
    theirs.process_sts(client)  # pyright: ignore[reportArgumentType] - a stand-in

    ours = await WorkloadIdentityCredentials(
        IDP_ID, token_file, transport=iam.transport
    )()

    assert ours.access_key == theirs.ak
    for one, other in zip(iam.requests, client.iam.requests, strict=True):
        assert (one.method, one.url) == (other.method, other.url)
        assert json.loads(one.content) == json.loads(other.content)
        assert one.headers.get("x-idp-id") == other.headers.get("x-idp-id")
        assert one.headers["content-type"].lower().startswith("application/json")


def replace(file: Path, token: str) -> None:
    file.write_text(token, "utf-8")


async def test_a_key_is_renewed_with_the_id_token_that_is_there_then(
    iam: FakeIam, token_file: Path
) -> None:
    replace(token_file, "yesterday's")
    provider = WorkloadIdentityCredentials(IDP_ID, token_file, transport=iam.transport)
    with pytest.raises(AuthenticationError, match="The ID token is wrong"):
        await provider()
    replace(token_file, ID_TOKEN)
    clock = ManualClock()
    iam.clock = clock
    used: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        used.append(request.headers["authorization"].partition(",")[0][-11:])
        return httpx.Response(200)

    auth = AkSkAuth(provider, clock=clock)
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(answer), auth=auth
    ) as client:
        for wait in (0, 3600, 21600):
            clock.advance(wait)
            await client.get("https://css.example.com/")

    assert used == ["HSTFAKE0003", "HSTFAKE0003", "HSTFAKE0005"]


@pytest.mark.parametrize(
    ("options", "variable", "host"),
    [
        ({"region": "cn-north-4"}, None, "iam.cn-north-4.myhuaweicloud.com"),
        ({"iam_endpoint": "https://iam.example.com/v3"}, None, "iam.example.com"),
        ({"region": "cn-north-4"}, "https://iam.example.org", "iam.example.org"),
        (
            {"iam_endpoint": "https://iam.example.com"},
            "https://iam.example.org",
            "iam.example.com",
        ),
    ],
)
async def test_iam_is_where_the_argument_says_then_the_environment_then_the_region(
    *,
    iam: FakeIam,
    token_file: Path,
    options: dict[str, str],
    variable: str | None,
    host: str,
) -> None:
    environ = {} if variable is None else {ENDPOINT_VARIABLE: variable}

    await WorkloadIdentityCredentials(
        IDP_ID,
        token_file,
        transport=iam.transport,
        environ=environ,
        region=options.get("region"),
        iam_endpoint=options.get("iam_endpoint"),
    )()

    assert {request.url.host for request in iam.requests} == {host}


async def test_unset_variables_mean_no_credentials() -> None:
    with pytest.raises(CredentialsNotFoundError, match=f"neither {IDP} nor {FILE}"):
        await WorkloadIdentityCredentials(environ={IDP: " ", FILE: ""})()


@pytest.mark.parametrize(
    ("environ", "missing"), [({IDP: IDP_ID}, FILE), ({FILE: "/token"}, IDP)]
)
async def test_a_half_set_pair_names_what_is_missing(
    environ: dict[str, str], missing: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf": {missing} not set$") as caught:
        await WorkloadIdentityCredentials(environ=environ)()

    assert not isinstance(caught.value, CredentialsNotFoundError)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "can't read .*: No such file"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"one two", "must not contain whitespace"),
        (b"\xff\xfe", "is not text"),
    ],
)
async def test_a_file_without_a_token_is_named(
    iam: FakeIam, tmp_path: Path, content: bytes | None, fault: str
) -> None:
    file = tmp_path / "the-token"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigurationError, match=fault) as caught:
        await WorkloadIdentityCredentials(IDP_ID, file, transport=iam.transport)()

    assert str(file) in str(caught.value)
    assert iam.requests == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(201, json={}), InvalidResponseError),
        (
            httpx.Response(200, headers={"X-Subject-Token": "t"}, text="<html>"),
            InvalidResponseError,
        ),
        (httpx.Response(401, json={"error_msg": "no"}), AuthenticationError),
    ],
)
async def test_what_is_no_key_is_not_taken_for_one(
    iam: FakeIam, token_file: Path, answer: httpx.Response, error: type[CSSError]
) -> None:
    iam.answer = answer

    with pytest.raises(error, match=r"POST /v3\.0/OS-"):
        await WorkloadIdentityCredentials(IDP_ID, token_file, transport=iam.transport)()


async def test_a_failure_on_the_way_to_iam_means_the_call_was_not_sent(
    token_file: Path,
) -> None:
    def lose(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset")

    provider = WorkloadIdentityCredentials(
        IDP_ID, token_file, transport=httpx.MockTransport(lose)
    )

    with pytest.raises(ConnectionLostError) as caught:
        await provider()

    assert caught.value.sent is False
