"""What an attempt says of its sending, when it is the authentication that fails."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from css_snapshot.auth import AccessToken, Credentials, TokenAuth
from css_snapshot.auth.aksk import AkSkAuth
from css_snapshot.client.attempt import attempt
from css_snapshot.errors import CSSError, InternalServerError, RequestTimeoutError

URL = "https://css.example.com/v1.0/x"


def request() -> httpx.Request:
    return httpx.Request("POST", URL, content=b"{}")


def answering(status: int) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(status, json={}))


class Failing(httpx.Auth):
    """Fails once the service has answered."""

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        yield request
        raise InternalServerError("IAM is down", status=500)


@pytest.mark.parametrize("status", [200, 202, 400, 403, 500, 503])
async def test_a_plugin_that_fails_over_an_answer_leaves_open_what_was_carried_out(
    status: int,
) -> None:
    with pytest.raises(InternalServerError, match="IAM is down") as caught:
        await attempt(request(), Failing(), answering(status), 5.0)

    assert caught.value.sent is None


async def test_a_plugin_that_fails_over_a_401_says_that_nothing_was_carried_out() -> (
    None
):
    with pytest.raises(InternalServerError, match="IAM is down") as caught:
        await attempt(request(), Failing(), answering(401), 5.0)

    assert caught.value.sent is False


async def test_a_renewal_that_fails_after_a_401_means_that_nothing_was_carried_out() -> (
    None
):
    async def provider(*, force_refresh: bool = False) -> AccessToken:
        if force_refresh:
            raise InternalServerError("IAM is down", status=500)
        return AccessToken("token")

    with pytest.raises(InternalServerError, match="IAM is down") as caught:
        await attempt(request(), TokenAuth(provider), answering(401), 5.0)

    assert caught.value.sent is False


async def test_a_request_that_is_sent_again_after_a_401_may_be_carried_out() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if len(sent) == 1:
            return httpx.Response(401)
        raise httpx.ReadError("reset")

    async def provider(*, force_refresh: bool = False) -> AccessToken:
        return AccessToken(f"token-{force_refresh}")

    with pytest.raises(CSSError) as caught:
        await attempt(request(), TokenAuth(provider), httpx.MockTransport(answer), 5.0)

    assert len(sent) == 2
    assert caught.value.sent is None


async def test_a_provider_s_own_timeout_is_not_taken_for_the_limit() -> None:
    async def provider(*, force_refresh: bool = False) -> Credentials:
        raise TimeoutError("the provider's own")

    with pytest.raises(TimeoutError, match="the provider's own") as caught:
        await attempt(request(), AkSkAuth(provider), answering(200), 5.0)

    assert not isinstance(caught.value, RequestTimeoutError)
