import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable

import httpx
import pytest

from css_snapshot.auth import (
    AccessToken,
    AgencyAuth,
    PasswordAuth,
    TokenAuth,
    TokenProvider,
)
from css_snapshot.auth import issuer as issuer_module
from css_snapshot.errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConnectFailedError,
    ConnectionLostError,
    CSSError,
    ForbiddenError,
    InternalServerError,
    InvalidResponseError,
    RequestTimeoutError,
    ThrottledError,
    UnexpectedStatusError,
)
from tests.support.clock import ManualClock
from tests.support.fake_iam import (
    PASSCODE,
    PASSWORD,
    PROJECT_ID,
    SERVICE,
    USER_ID,
    FakeIam,
)

DAY = 86400.0
WhereLeaked = Callable[[BaseException, Iterable[str]], list[str]]


def make(
    iam: FakeIam | None = None, password: str = PASSWORD
) -> tuple[FakeIam, PasswordAuth]:
    iam = iam or FakeIam(ManualClock())
    auth = PasswordAuth(
        "ann", password, "acme", "cn-north-4", transport=iam.transport, clock=iam.clock
    )
    return iam, auth


async def call(iam: FakeIam, auth: httpx.Auth, times: int = 1) -> set[int]:
    async with httpx.AsyncClient(transport=iam.transport, auth=auth) as client:
        answers = await asyncio.gather(
            *(client.post(SERVICE, json={}) for _ in range(times))
        )
    return {answer.status_code for answer in answers}


async def test_iam_is_asked_as_its_document_says() -> None:
    iam, auth = make()

    await auth.access_token()

    (request,) = iam.requests
    assert str(request.url) == (
        "https://iam.cn-north-4.myhuaweicloud.com/v3/auth/tokens?nocatalog=true"
    )
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/json;charset=utf8"
    assert json.loads(request.content) == {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {
                        "name": "ann",
                        "password": PASSWORD,
                        "domain": {"name": "acme"},
                    }
                },
            },
            "scope": {"project": {"name": "cn-north-4"}},
        }
    }


async def test_ids_are_told_from_names() -> None:
    iam = FakeIam(ManualClock())
    auth = PasswordAuth(
        "ann", PASSWORD, "d" * 32, "a" * 32, region="eu-de", transport=iam.transport
    )

    await auth.access_token()

    document = json.loads(iam.requests[0].content)["auth"]
    assert document["scope"] == {"project": {"id": "a" * 32}}
    user = document["identity"]["password"]["user"]
    assert user["domain"] == {"id": "d" * 32}


@pytest.mark.parametrize(
    ("project", "region", "endpoint", "host"),
    [
        ("cn-north-4", None, None, "iam.cn-north-4.myhuaweicloud.com"),
        ("cn-north-4_team", None, None, "iam.cn-north-4.myhuaweicloud.com"),
        ("eu-de_team", None, None, "iam.eu-de.otc.t-systems.com"),
        ("team", "ap-southeast-1", None, "iam.ap-southeast-1.myhuaweicloud.com"),
        ("team", None, "https://iam.example.com/v3", "iam.example.com"),
        ("cn-north-4", "cn-east-3", "https://iam.example.com/", "iam.example.com"),
        ("team", None, "http://127.0.0.1:9/v3/", "127.0.0.1"),
    ],
)
async def test_iam_is_found_by_endpoint_region_or_project(
    project: str, region: str | None, endpoint: str | None, host: str
) -> None:
    iam = FakeIam(ManualClock())
    auth = PasswordAuth(
        "ann",
        PASSWORD,
        "acme",
        project,
        region=region,
        iam_endpoint=endpoint,
        transport=iam.transport,
    )

    await auth.access_token()

    assert iam.requests[0].url.host == host
    assert iam.requests[0].url.path == "/v3/auth/tokens"


@pytest.mark.parametrize(
    ("project", "endpoint"),
    [("team", None), ("a" * 32, None), ("x", "http://iam.example.com"), ("x", "ftp:")],
)
def test_a_password_is_not_sent_just_anywhere(
    project: str, endpoint: str | None
) -> None:
    with pytest.raises(ConfigurationError):
        PasswordAuth("ann", PASSWORD, "acme", project, iam_endpoint=endpoint)


async def test_one_call_gives_token_and_project() -> None:
    iam, auth = make()

    assert await auth.project_id() == PROJECT_ID
    assert await call(iam, auth) == {200}
    assert len(iam.requests) == 1


async def test_a_thousand_waiting_calls_cause_one_request_to_iam() -> None:
    iam, auth = make()

    assert await call(iam, auth, 1000) == {200}
    assert len(iam.requests) == 1
    assert len(iam.calls) == 1000


async def test_the_starter_s_cancellation_fails_no_other_call() -> None:
    iam, auth = make()
    iam.gate.clear()
    async with httpx.AsyncClient(transport=iam.transport, auth=auth) as client:
        calls = [asyncio.create_task(client.get(SERVICE)) for _ in range(100)]
        await asyncio.sleep(0)
        calls[0].cancel()
        iam.gate.set()
        answers = await asyncio.gather(*calls, return_exceptions=True)

    good = [a for a in answers if isinstance(a, httpx.Response)]
    assert {answer.status_code for answer in good} == {200}
    assert len(good) == 99
    assert len(iam.requests) == 1


async def test_a_revoked_token_is_renewed_once_for_a_thousand_calls() -> None:
    iam, auth = make()
    await auth.access_token()
    iam.valid.clear()

    assert await call(iam, auth, 1000) == {200}
    assert len(iam.requests) == 2
    assert len(iam.calls) == 2000


async def test_a_token_is_renewed_before_it_ends() -> None:
    clock = ManualClock()
    iam, auth = make(FakeIam(clock))
    await call(iam, auth)
    clock.advance(DAY - 59)
    iam.valid.clear()

    assert await call(iam, auth) == {200}
    assert len(iam.requests) == 2
    assert len(iam.calls) == 2


async def test_a_token_s_life_is_counted_from_our_own_clock() -> None:
    theirs, ours = ManualClock(), ManualClock()
    ours.advance(25 * 3600)
    iam = FakeIam(theirs)
    auth = PasswordAuth(
        "ann", PASSWORD, "acme", "cn-north-4", transport=iam.transport, clock=ours
    )

    tokens = [await auth.access_token() for _ in range(3)]

    assert len(iam.requests) == 1
    assert tokens[0].expires_at is not None
    assert (tokens[0].expires_at - ours.now).total_seconds() == DAY


async def test_a_wrong_password_is_tried_once_however_many_call() -> None:
    iam, auth = make(password="wrong")

    async with httpx.AsyncClient(transport=iam.transport, auth=auth) as client:
        first = await asyncio.gather(
            *(client.get(SERVICE) for _ in range(100)), return_exceptions=True
        )
        second = await asyncio.gather(
            *(client.get(SERVICE) for _ in range(100)), return_exceptions=True
        )

    assert {type(error) for error in first + second} == {AuthenticationError}
    assert len(iam.requests) == 1
    assert iam.calls == []


async def test_the_refusal_names_the_call_and_never_the_password(
    where_leaked: WhereLeaked,
) -> None:
    _, auth = make(password="wrong-but-secret")

    for _ in range(2):
        with pytest.raises(AuthenticationError) as caught:
            await auth.access_token()

        error = caught.value
        assert (error.status, error.method, error.path) == (
            401,
            "POST",
            "/v3/auth/tokens",
        )
        assert "The username or password is wrong." in str(error)
        assert where_leaked(error, ["wrong-but-secret"]) == []


async def test_a_broken_connection_to_iam_shows_no_password_either(
    where_leaked: WhereLeaked,
) -> None:
    async def hang_up(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        auth = PasswordAuth(
            "ann",
            "pass-but-secret",
            "acme",
            "cn-north-4",
            iam_endpoint=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        )
        with pytest.raises(ConnectionLostError) as lost:
            await auth.access_token()
    with pytest.raises(ConnectFailedError) as refused:
        await auth.access_token()

    assert where_leaked(lost.value, ["pass-but-secret"]) == []
    assert where_leaked(refused.value, ["pass-but-secret"]) == []


async def test_no_error_shows_a_token(where_leaked: WhereLeaked) -> None:
    iam, source = make()
    token = (await source.access_token()).token.reveal()
    iam.answer = httpx.Response(
        403, json={"error_msg": f"x-auth-token:{token} may not do this"}
    )

    with pytest.raises(ForbiddenError) as caught:
        await agency(iam, source).access_token()

    assert where_leaked(caught.value, [token, PASSWORD]) == []


async def test_a_new_object_may_try_again() -> None:
    iam, auth = make(password="wrong")
    with pytest.raises(AuthenticationError):
        await auth.access_token()

    assert await call(iam, make(iam)[1]) == {200}


async def test_throttling_is_reported_with_what_iam_says() -> None:
    iam, auth = make()
    iam.answer = httpx.Response(
        429,
        headers={"Retry-After": "7"},
        json={"error": {"code": "IAM.0012", "message": "Throttled: 5 times per 60 s"}},
    )

    with pytest.raises(ThrottledError) as caught:
        await auth.access_token()
    iam.answer = None

    assert caught.value.retry_after == 7.0
    assert caught.value.path == "/v3/auth/tokens"
    assert await call(iam, auth) == {200}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(403, json={"error_code": "IAM.0081"}), ForbiddenError),
        (httpx.Response(500), InternalServerError),
        (httpx.Response(302, headers={"Location": "https://x"}), UnexpectedStatusError),
        (httpx.Response(201, json={}), InvalidResponseError),
        (httpx.Response(201, text="<html>"), InvalidResponseError),
        (
            httpx.Response(201, headers={"X-Subject-Token": "t"}, json=[]),
            InvalidResponseError,
        ),
        (httpx.Response(400, json={"errCode": "CSS.0045"}), AuthenticationError),
        (
            httpx.Response(201, headers={"X-Subject-Token": "t"}, json={"token": {}}),
            InvalidResponseError,
        ),
        (
            httpx.Response(
                201,
                headers={"X-Subject-Token": "t"},
                json={"token": {"expires_at": "tomorrow"}},
            ),
            InvalidResponseError,
        ),
        (
            httpx.Response(
                201,
                headers={"X-Subject-Token": "t"},
                json={
                    "token": {
                        "issued_at": "0001-01-01T00:00:00Z",
                        "expires_at": "9999-12-31T00:00:00Z",
                    }
                },
            ),
            InvalidResponseError,
        ),
        (
            httpx.Response(201, json={"token": {"expires_at": "2026-12-31T00:00:00Z"}}),
            InvalidResponseError,
        ),
    ],
)
async def test_any_other_answer_is_an_error_and_may_be_asked_for_again(
    answer: httpx.Response, error: type[APIError]
) -> None:
    iam, auth = make()
    iam.answer = answer

    with pytest.raises(error) as caught:
        await auth.access_token()
    iam.answer = None

    assert caught.value.path == "/v3/auth/tokens"
    assert await call(iam, auth) == {200}


async def test_an_end_without_zone_or_issue_date_is_taken_for_utc() -> None:
    iam, auth = make()
    iam.answer = httpx.Response(
        200,
        headers={"X-Subject-Token": "t"},
        json={"token": {"expires_at": "2026-11-24T10:11:12.701000"}},
    )

    token = await auth.access_token()

    assert token.expires_at is not None
    assert token.expires_at.isoformat() == "2026-11-24T10:11:12.701000+00:00"
    assert token.project_id is None


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (httpx.ReadError("reset"), ConnectionLostError),
        (httpx.ReadTimeout("slow"), RequestTimeoutError),
        (httpx.PoolTimeout("full"), ConnectFailedError),
    ],
)
async def test_a_failure_on_the_way_to_iam_means_the_call_was_not_sent(
    fault: Exception, error: type[CSSError]
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise fault

    auth = PasswordAuth(
        "ann", PASSWORD, "acme", "cn-north-4", transport=httpx.MockTransport(fail)
    )

    with pytest.raises(error) as caught:
        await auth.access_token()

    assert caught.value.sent is False


async def test_iam_has_a_time_limit_of_its_own(where_leaked: WhereLeaked) -> None:
    iam = FakeIam(ManualClock())
    iam.gate.clear()
    auth = PasswordAuth(
        "ann", PASSWORD, "acme", "cn-north-4", transport=iam.transport, timeout=0.001
    )

    with pytest.raises(RequestTimeoutError, match="IAM did not respond") as caught:
        await auth.access_token()

    assert caught.value.sent is False
    assert where_leaked(caught.value, [PASSWORD]) == []


class Recording(httpx.MockTransport):
    """Knows whether it was closed."""

    closed = False

    async def aclose(self) -> None:
        self.closed = True


async def test_a_transport_passed_in_is_not_closed() -> None:
    transport = Recording(FakeIam(ManualClock()).handle)

    async with PasswordAuth(
        "ann", PASSWORD, "acme", "cn-north-4", transport=transport
    ) as auth:
        await auth.access_token()

    assert not transport.closed


async def test_a_transport_made_for_the_call_is_closed_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Recording] = []

    def make_transport(*, trust_env: bool) -> Recording:
        assert trust_env
        made.append(Recording(FakeIam(ManualClock()).handle))
        return made[-1]

    monkeypatch.setattr(issuer_module, "default_transport", make_transport)
    auth = PasswordAuth("ann", PASSWORD, "acme", "cn-north-4")

    await auth.access_token()

    assert [transport.closed for transport in made] == [True]


Passcodes = Callable[[], str | Awaitable[str]]


def with_totp(iam: FakeIam, totp: str | Passcodes) -> PasswordAuth:
    return PasswordAuth(
        *("ann", PASSWORD, "acme", "cn-north-4"),
        totp=totp,
        user_id=USER_ID,
        transport=iam.transport,
        clock=iam.clock,
    )


async def test_a_passcode_is_asked_for_and_sent_with_each_login() -> None:
    iam = FakeIam(ManualClock(), passcode=PASSCODE)
    shown: list[str] = []

    def device() -> str:
        shown.append(PASSCODE)
        return PASSCODE

    auth = with_totp(iam, device)
    await auth.access_token()
    iam.valid.clear()

    assert await call(iam, auth, 10) == {200}
    assert len(shown) == len(iam.requests) == 2
    assert json.loads(iam.requests[0].content)["auth"]["identity"] == {
        "methods": ["password", "totp"],
        "password": {
            "user": {"name": "ann", "password": PASSWORD, "domain": {"name": "acme"}}
        },
        "totp": {"user": {"id": USER_ID, "passcode": PASSCODE}},
    }


async def test_a_passcode_may_come_from_an_async_callable() -> None:
    iam = FakeIam(ManualClock(), passcode=PASSCODE)

    async def device() -> str:
        return f" {PASSCODE}\n"

    assert await call(iam, with_totp(iam, device)) == {200}


async def test_a_passcode_that_can_not_be_one_is_refused_by_name() -> None:
    iam = FakeIam(ManualClock(), passcode=PASSCODE)

    with pytest.raises(ConfigurationError, match=r"^totp: "):
        await call(iam, with_totp(iam, lambda: "12345½"))

    assert iam.requests == []


async def test_a_passcode_itself_is_good_for_one_token() -> None:
    iam = FakeIam(ManualClock(), passcode=PASSCODE)
    auth = with_totp(iam, PASSCODE)
    assert await call(iam, auth, 10) == {200}
    iam.valid.clear()

    with pytest.raises(ConfigurationError, match=r"^totp: a passcode is good for one"):
        await call(iam, auth)

    assert len(iam.requests) == 1


async def test_a_wrong_passcode_is_not_tried_again(where_leaked: WhereLeaked) -> None:
    iam = FakeIam(ManualClock(), passcode="another")
    auth = with_totp(iam, lambda: PASSCODE)

    for _ in range(3):
        with pytest.raises(AuthenticationError) as caught:
            await auth.access_token()
        assert where_leaked(caught.value, [PASSCODE, PASSWORD]) == []

    assert len(iam.requests) == 1


def test_a_passcode_needs_the_user_s_id() -> None:
    with pytest.raises(ConfigurationError, match=r"^user_id: is needed with totp"):
        PasswordAuth("ann", PASSWORD, "acme", "cn-north-4", totp=PASSCODE)


async def test_the_environment_says_where_iam_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", "https://iam.example.org")
    iam, auth = make()

    await auth.access_token()

    assert iam.requests[0].url.host == "iam.example.org"


def test_an_empty_password_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^password: "):
        make(password="")


def test_repr_shows_who_but_not_how() -> None:
    _, auth = make()

    assert repr(auth) == (
        "PasswordAuth(username='ann', domain='acme', project='cn-north-4')"
    )
    assert PASSWORD not in repr(vars(auth))


def agency(iam: FakeIam, source: TokenAuth | TokenProvider) -> AgencyAuth:
    return AgencyAuth(
        source,
        agency_name="backup",
        domain="other",
        project="cn-east-3",
        transport=iam.transport,
        clock=iam.clock,
    )


async def test_an_agency_is_asked_for_with_the_source_s_token() -> None:
    iam, source = make()
    auth = agency(iam, source)

    assert await call(iam, auth, 100) == {200}

    password_call, agency_call = iam.requests
    own = (await source.access_token()).token.reveal()
    assert "x-auth-token" not in password_call.headers
    assert agency_call.headers["x-auth-token"] == own
    assert str(agency_call.url).startswith("https://iam.cn-east-3.myhuaweicloud.com/")
    assert json.loads(agency_call.content) == {
        "auth": {
            "identity": {
                "methods": ["assume_role"],
                "assume_role": {"domain_name": "other", "agency_name": "backup"},
            },
            "scope": {"project": {"name": "cn-east-3"}},
        }
    }
    assert {c.headers["x-auth-token"] for c in iam.calls} != {own}


async def test_a_refused_source_token_is_renewed_once() -> None:
    iam, source = make()
    await source.access_token()
    iam.valid.clear()

    assert await call(iam, agency(iam, source)) == {200}

    assert [r.headers.get("x-auth-token") is None for r in iam.requests] == [
        True,
        False,
        True,
        False,
    ]


async def test_a_source_that_can_not_renew_leaves_the_refusal_as_it_is() -> None:
    iam, _ = make()

    with pytest.raises(AuthenticationError):
        await agency(iam, TokenAuth("stale")).access_token()

    assert len(iam.requests) == 1


async def test_a_refusal_of_another_kind_renews_no_source() -> None:
    iam, source = make()
    await source.access_token()
    iam.answer = httpx.Response(400, json={"error_code": "CSS.0045"})

    with pytest.raises(AuthenticationError):
        await agency(iam, source).access_token()

    assert len(iam.requests) == 2


async def test_closing_an_agency_leaves_its_source_alone() -> None:
    iam, source = make()
    iam.gate.clear()
    waiting = asyncio.create_task(source.access_token())
    await asyncio.sleep(0)

    await agency(iam, source).aclose()
    iam.gate.set()

    assert (await waiting).project_id == PROJECT_ID


async def test_an_agency_takes_a_plain_provider_and_closes_what_it_made_of_it() -> None:
    iam, source = make()

    async def provider(*, force_refresh: bool = False) -> AccessToken:
        return await source.access_token()

    async with agency(iam, provider) as auth:
        assert await call(iam, auth) == {200}

    assert "AgencyAuth(TokenAuth(provider), agency_name='backup'" in repr(auth)


async def test_no_log_record_shows_a_password(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    iam, auth = make()

    await call(iam, auth)

    assert caplog.records
    assert not any(PASSWORD in r.getMessage() for r in caplog.records)
    assert not any("token-1" in r.getMessage() for r in caplog.records)
