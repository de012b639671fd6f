"""Requests signed with an access key: the plugin, and when it may ask twice."""

import re
from collections.abc import AsyncGenerator, Callable, Generator
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import attrs
import httpx

from css_snapshot.auth import iam
from css_snapshot.auth.credentials import Credentials, CredentialsProvider
from css_snapshot.auth.lockout import Lockout
from css_snapshot.auth.project_lookup import look_up_project
from css_snapshot.auth.renewal import Renewal
from css_snapshot.auth.secret import takes_secrets
from css_snapshot.auth.signing import Signer, SigningKey, signed_headers
from css_snapshot.auth.single_flight import SingleFlight
from css_snapshot.auth.skew import SigningClock
from css_snapshot.clock import utc_now
from css_snapshot.endpoints import is_loopback
from css_snapshot.errors import ConfigurationError
from css_snapshot.events import Observer

_CREDENTIALS_GONE: Final = re.compile(
    rb"(?:\btoken\b|security ?token|\bak\b[^,;]{0,80}?)"
    rb"[^,;]{0,80}?(?:expire|not exist|not found|decrypt|invalid)"
    rb"|decrypt token fail",
    re.IGNORECASE,
)


@takes_secrets
class AkSkAuth(httpx.Auth):
    """Signs each attempt with an access key and secret key (SDK-HMAC-SHA256).

    A refused signature is not sent again: more than five in a row lock the key for
    five minutes. Two refusals are answered, once each call at most: with the
    server's time when ours was too far off, and with new credentials from a
    provider when the response says that the old ones are gone. After four refused
    signatures in a row nothing more is signed with the key for five minutes.

    Works with any Huawei Cloud service, and with a plain `httpx.AsyncClient`; with
    fixed credentials in a plain `httpx.Client` too.

    Args:
        credentials: Fixed ones, or a provider: any async callable that returns
            some. What a provider returns is kept and renewed before it expires.
        region: The region whose built-in project `project_id` looks up.
        iam_endpoint: The address of IAM, in place of the region's; by default
            `HUAWEICLOUD_SDK_IAM_ENDPOINT`.
        transport: Carries the look-up of the project; it stays yours to close.
        timeout: Seconds that IAM has to respond.
        correct_clock_skew: Whether to take the server's time over when it refuses a
            signature as expired. Only a response over https, or from loopback, is
            believed.
        clock: Returns an aware datetime.
        on_event: Told of each renewal of a provider's credentials.

    Raises:
        ConfigurationError: If `credentials` is neither, or the address is not safe.
    """

    requires_request_body = True

    def __init__(
        self,
        credentials: Credentials | CredentialsProvider,
        *,
        region: str | None = None,
        iam_endpoint: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 10.0,
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
                "credentials: must be Credentials, or an async callable returning some"
            )
        self._region = region
        self._iam_endpoint = iam.stated_address(iam_endpoint, None)
        self._transport = transport
        self._timeout = timeout
        self._project_id: str | None = None
        self._look_up: SingleFlight[str] = SingleFlight()
        self._clock = SigningClock(clock)
        self._corrects = correct_clock_skew
        self._prepared: _Prepared | None = None
        self._lockout = Lockout()

    def __repr__(self) -> str:
        fixed = isinstance(self._source, Credentials)
        return f"{type(self).__name__}({self._source if fixed else 'provider'})"

    async def project_id(self) -> str:
        """Return the id of the project that the credentials are for.

        That is the one they were found with, such as in a profile file; else the
        region's built-in project, which IAM is asked for once.

        Raises:
            ConfigurationError: If neither tells a project, or IAM shows none or
                several to this key.
            CSSError: If the credentials can't be had, or IAM did not tell.
        """
        if self._project_id is None:
            found = (await self._credentials()).project_id
            self._project_id = found or await self._look_up.join(self._ask_project)
        return self._project_id

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
            ConfigurationError: If the credentials come from a provider, which is
                asynchronous.
            AuthenticationError: If the last signatures with this key were refused.
        """
        credentials = self._source
        if not isinstance(credentials, Credentials):
            raise ConfigurationError(
                "credentials from a provider need an asynchronous client"
            )
        body = request.read()
        offset = self._sign(request, credentials, body)
        response = yield request
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            if response.is_success:
                self._lockout.reset()
            return
        refusal = response.read()
        self._lockout.count(refusal)
        if self._was_late(request, refusal, offset):
            self._sign(request, credentials, body)
            yield request

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign for an asynchronous client; see `httpx.Auth`.

        Raises:
            AuthenticationError: If the last signatures with this key were refused.
        """
        body = await request.aread()
        credentials = await self._credentials()
        offset = self._sign(request, credentials, body)
        response = yield request
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            if response.is_success:
                self._lockout.reset()
            return
        refusal = await response.aread()
        self._lockout.count(refusal)
        source = self._source
        if self._was_late(request, refusal, offset):
            self._sign(request, credentials, body)
            yield request
        elif not isinstance(source, Credentials) and _says_gone(refusal):
            renewed = await source.get(rejected=credentials)
            if renewed != credentials:
                self._sign(request, renewed, body)
                yield request

    async def aclose(self) -> None:
        """Stop a renewal, or a look-up of the project, that is under way."""
        await self._look_up.aclose()
        if not isinstance(self._source, Credentials):
            await self._source.aclose()

    async def _credentials(self) -> Credentials:
        source = self._source
        return source if isinstance(source, Credentials) else await source.get()

    async def _ask_project(self) -> str:
        if self._region is None:
            raise ConfigurationError(
                "project_id: is needed (HUAWEICLOUD_SDK_PROJECT_ID); or pass region to"
                " AkSkAuth, to look it up"
            )
        return await look_up_project(
            self._region,
            endpoint=iam.address(self._iam_endpoint, self._region),
            auth=self,
            transport=self._transport,
            timeout=self._timeout,
        )

    def _sign(
        self, request: httpx.Request, credentials: Credentials, body: bytes
    ) -> timedelta:
        """Put the signature on a request; return the offset of the clock it is by."""
        offset = self._clock.offset
        stamp = self._clock.stamp()
        found = request.headers.raw
        # Read and replaced as one, as several threads may sign.
        prepared = self._prepared
        if not (
            prepared is not None
            and prepared.credentials is credentials
            and prepared.stamp == stamp
            and prepared.found == found
        ):
            prepared = self._prepare(credentials, stamp, request.headers)
        self._lockout.check()
        headers = httpx.Headers(prepared.headers)
        headers["Authorization"] = prepared.signer.authorization(
            request.method, request.url.raw_path, body
        )
        request.headers = headers
        return offset

    def _prepare(
        self, credentials: Credentials, stamp: str, found: httpx.Headers
    ) -> "_Prepared":
        before = self._prepared
        if before is not None and before.credentials is credentials:
            key = before.key
        else:
            key = SigningKey(credentials)
            self._lockout.reset()
        headers = httpx.Headers(found)
        if credentials.security_token is not None:
            headers["X-Security-Token"] = credentials.security_token.reveal()
        elif credentials is not self._source:
            # A provider may return keys without a token after keys with one.
            headers.pop("X-Security-Token", None)
        headers["X-Sdk-Date"] = stamp
        signer = key.signer(stamp, signed_headers(headers.raw))
        prepared = _Prepared(credentials, key, stamp, found.raw, headers, signer)
        self._prepared = prepared
        return prepared

    def _was_late(
        self, request: httpx.Request, refusal: bytes, offset: timedelta
    ) -> bool:
        url = request.url
        believed = url.scheme == "https" or is_loopback(url.host)
        return self._corrects and believed and self._clock.correct(refusal, offset)


# Without a repr: a security token is among the headers.
@attrs.frozen(eq=False, repr=False)
class _Prepared:
    """What requests with the same headers have in common within one second.

    Attributes:
        credentials: What they are signed with.
        key: The key that is made of these.
        stamp: The time of signing.
        found: The headers that the requests come with.
        headers: The headers that they go with, but for the signature.
        signer: What signs them.
    """

    credentials: Credentials
    key: SigningKey
    stamp: str
    found: list[tuple[bytes, bytes]]
    headers: httpx.Headers
    signer: Signer


def _says_gone(refusal: bytes) -> bool:
    # The gateway may quote the signed headers after "canonicalRequest", where the name
    # of a security token says nothing about why the request was refused.
    explanation = refusal[:4096].partition(b"canonicalRequest")[0]
    return _CREDENTIALS_GONE.search(explanation) is not None
