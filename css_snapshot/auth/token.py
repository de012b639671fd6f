"""Requests sent with a token: the plugin, and when a token is taken for dead."""

from collections.abc import AsyncGenerator, Callable, Generator
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import httpx

from css_snapshot.api.error_body import read_error_body
from css_snapshot.auth.credentials import AccessToken, TokenProvider
from css_snapshot.auth.renewal import Renewal
from css_snapshot.auth.secret import Secret, takes_secrets
from css_snapshot.clock import utc_now
from css_snapshot.errors import ConfigurationError
from css_snapshot.events import Observer

_HEADER: Final = "X-Auth-Token"
_REFUSED: Final = frozenset({"CSS.0045", "APIGW.0307", "APIG.0307"})
_MAY_BE_REFUSAL: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN})


@takes_secrets
class TokenAuth(httpx.Auth):
    """Sends each attempt with an IAM token.

    A token from a provider is renewed before it expires. When the service refuses
    it (401, or the codes `CSS.0045` and `APIGW.0307`), it is renewed once and the
    request sent once more. A fixed token is sent as it is, and never twice.

    Works with any Huawei Cloud service, and with a plain `httpx.AsyncClient`; a
    fixed token in a plain `httpx.Client` too.

    Args:
        token: A fixed token, or a provider: any async callable that returns an
            `AccessToken`.
        clock: Returns an aware datetime.
        on_event: Told of each renewal.

    Raises:
        ConfigurationError: If `token` is neither, or can't be sent as a header.
    """

    def __init__(
        self,
        token: str | Secret | AccessToken | TokenProvider,
        *,
        clock: Callable[[], datetime] = utc_now,
        on_event: Observer | None = None,
    ) -> None:
        self._fixed: AccessToken | None = None
        self._renewal: Renewal[AccessToken] | None = None
        if isinstance(token, AccessToken):
            self._fixed = token
        elif isinstance(token, str | Secret):
            self._fixed = AccessToken(token)
        elif callable(token):
            self._renewal = Renewal(token, AccessToken, clock=clock, on_event=on_event)
        else:
            raise ConfigurationError(
                "token: must be a token, or an async callable returning an AccessToken"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._fixed or 'provider'})"

    async def access_token(self, *, rejected: AccessToken | None = None) -> AccessToken:
        """Return the token that a request would be sent with now.

        Args:
            rejected: A token from here that was refused: if it is still the current
                one, it is renewed first. A fixed token can't be.
        """
        if self._renewal is None:
            return self._fixed_token()
        return await self._renewal.get(rejected=rejected)

    async def project_id(self) -> str:
        """Return the id of the project that the token is good for.

        Raises:
            ConfigurationError: If the token is not known to belong to a project.
        """
        project_id = (await self.access_token()).project_id
        if project_id is None:
            raise ConfigurationError(
                "the token names no project; pass project_id to the service"
            )
        return project_id

    async def aclose(self) -> None:
        """Stop a renewal that is under way."""
        if self._renewal is not None:
            await self._renewal.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the fixed token; see `httpx.Auth`.

        Raises:
            ConfigurationError: If the token comes from a provider, which is
                asynchronous.
        """
        _put(request, self._fixed_token())
        yield request

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the token, and renew it when it is refused; see `httpx.Auth`."""
        if self._renewal is None:
            _put(request, self._fixed_token())
            yield request
            return
        # Read now, so that the request can be sent a second time.
        await request.aread()
        token = await self._renewal.get()
        _put(request, token)
        response = yield request
        if await _is_refused(response):
            renewed = await self._renewal.get(rejected=token)
            if renewed != token:
                _put(request, renewed)
                yield request

    def _fixed_token(self) -> AccessToken:
        if self._fixed is None:
            raise ConfigurationError(
                "a token from a provider needs an asynchronous client"
            )
        return self._fixed


def _put(request: httpx.Request, token: AccessToken) -> None:
    request.headers[_HEADER] = token.token.reveal()


async def _is_refused(response: httpx.Response) -> bool:
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        return True
    if response.status_code not in _MAY_BE_REFUSAL:
        return False
    return read_error_body(await response.aread()).code in _REFUSED
