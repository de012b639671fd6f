"""Requests signed with an access key: the plugin, and when it may ask twice."""

import re
from collections.abc import AsyncGenerator, Callable, Generator
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import httpx

from css_snapshot.auth.credentials import Credentials, CredentialsProvider
from css_snapshot.auth.headers import all_headers, replace_headers
from css_snapshot.auth.renewal import Renewal
from css_snapshot.auth.signing import SigningKey, signed_headers
from css_snapshot.auth.skew import SigningClock
from css_snapshot.clock import utc_now
from css_snapshot.endpoints import is_loopback
from css_snapshot.errors import ConfigurationError
from css_snapshot.events import Observer

_STAMPS: Final = frozenset({b"authorization", b"x-sdk-date"})
_STAMPS_AND_TOKEN: Final = _STAMPS | {b"x-security-token"}
_CREDENTIALS_GONE: Final = re.compile(
    rb"(?:\btoken\b|security ?token|\bak\b[^,;]{0,80}?)"
    rb"[^,;]{0,80}?(?:expire|not exist|not found|decrypt|invalid)"
    rb"|decrypt token fail",
    re.IGNORECASE,
)


class AkSkAuth(httpx.Auth):
    """Signs each attempt with an access key and secret key (SDK-HMAC-SHA256).

    A refused signature is not sent again: more than five in a row lock the key for
    five minutes. Two refusals are answered, once each call at most: with the
    server's time when ours was too far off, and with new credentials from a
    provider when the answer says that the old ones are gone.

    Works with any Huawei Cloud service, and with a plain `httpx.AsyncClient`; with
    fixed credentials in a plain `httpx.Client` too.

    Args:
        credentials: Fixed ones, or a provider: any async callable that answers
            some. What a provider answers is kept and renewed before it expires.
        correct_clock_skew: Whether to take the server's time over when it refuses a
            signature as expired. Only an answer over https, or from loopback, is
            believed.
        clock: Answers an aware datetime.
        on_event: Told of each renewal of a provider's credentials.

    Raises:
        ConfigurationError: `credentials` is neither.
    """

    requires_request_body = True

    def __init__(
        self,
        credentials: Credentials | CredentialsProvider,
        *,
        correct_clock_skew: bool = True,
        clock: Callable[[], datetime] = utc_now,
        on_event: Observer | None = None,
    ) -> None:
        self._source: Credentials | Renewal[Credentials]
        if isinstance(credentials, Credentials):
            self._source = credentials
        elif callable(credentials):
            self._source = Renewal(
                credentials, Credentials, clock=clock, on_event=on_event
            )
        else:
            raise ConfigurationError(
                "credentials: must be Credentials, or an async callable answering some"
            )
        self._clock = SigningClock(clock)
        self._corrects = correct_clock_skew
        self._ready: tuple[Credentials, SigningKey] | None = None

    def __repr__(self) -> str:
        fixed = isinstance(self._source, Credentials)
        return f"{type(self).__name__}({self._source if fixed else 'provider'})"

    def auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign for a synchronous client; see `httpx.Auth`."""
        return self.sync_auth_flow(request)

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign for a synchronous client; see `httpx.Auth`.

        Raises:
            ConfigurationError: The credentials come from a provider, which is
                asynchronous.
        """
        credentials = self._source
        if not isinstance(credentials, Credentials):
            raise ConfigurationError(
                "credentials from a provider need an asynchronous client"
            )
        request.read()
        offset = self._sign(request, credentials)
        response = yield request
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            return
        if self._was_late(request, response.read(), offset):
            self._sign(request, credentials)
            yield request

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign for an asynchronous client; see `httpx.Auth`."""
        await request.aread()
        source = self._source
        credentials = source if isinstance(source, Credentials) else await source.get()
        offset = self._sign(request, credentials)
        response = yield request
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            return
        refusal = await response.aread()
        if self._was_late(request, refusal, offset):
            self._sign(request, credentials)
            yield request
        elif not isinstance(source, Credentials) and _says_gone(refusal):
            renewed = await source.get(rejected=credentials)
            if renewed != credentials:
                self._sign(request, renewed)
                yield request

    async def aclose(self) -> None:
        """Stop a renewal that is under way; only one with a provider has any."""
        if not isinstance(self._source, Credentials):
            await self._source.aclose()

    def _sign(self, request: httpx.Request, credentials: Credentials) -> timedelta:
        """Put the signature on a request; answer the clock's offset it is made with."""
        offset = self._clock.offset
        stamp = self._clock.stamp()
        token = credentials.security_token
        # A provider may answer keys without a token after keys with one.
        fixed = token is None and credentials is self._source
        ours = _STAMPS if fixed else _STAMPS_AND_TOKEN
        items = [item for item in all_headers(request) if item[1] not in ours]
        if token is not None:
            value = token.reveal().encode()
            items.append((b"X-Security-Token", b"x-security-token", value))
        authorization = self._key(credentials).authorization(
            request.method,
            request.url.raw_path,
            stamp,
            signed_headers(items),
            request.content,
        )
        items += (
            (b"X-Sdk-Date", b"x-sdk-date", stamp),
            (b"Authorization", b"authorization", authorization),
        )
        replace_headers(request, items)
        return offset

    def _key(self, credentials: Credentials) -> SigningKey:
        ready = self._ready
        if ready is None or ready[0] is not credentials:
            ready = self._ready = (credentials, SigningKey(credentials))
        return ready[1]

    def _was_late(
        self, request: httpx.Request, refusal: bytes, offset: timedelta
    ) -> bool:
        url = request.url
        believed = url.scheme == "https" or is_loopback(url.host)
        return self._corrects and believed and self._clock.correct(refusal, offset)


def _says_gone(refusal: bytes) -> bool:
    # The gateway may quote the signed headers after "canonicalRequest", where the name
    # of a security token says nothing about why the request was refused.
    explanation = refusal[:4096].partition(b"canonicalRequest")[0]
    return _CREDENTIALS_GONE.search(explanation) is not None
