"""Temporary credentials of an ECS instance's agency, from its metadata service."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

import attrs
import httpx

from css_snapshot.auth.credentials import Credentials
from css_snapshot.auth.secret import Secret
from css_snapshot.client.exchange import exchange
from css_snapshot.client.refusal import error_for
from css_snapshot.clock import utc_now
from css_snapshot.errors import (
    CredentialsNotFoundError,
    CSSError,
    InvalidResponseError,
    RequestTimeoutError,
    TransportError,
)
from css_snapshot.transport.default import default_transport

ENDPOINT: Final = "http://169.254.169.254"
TOKEN_PATH: Final = "/meta-data/latest/api/token"  # noqa: S105 - a path
KEY_PATH: Final = "/openstack/latest/securitykey"

_TOKEN_LIFE: Final = timedelta(seconds=21600)
_WITHOUT_TOKEN: Final = timedelta(hours=24)
_NO_TOKENS_HERE: Final = frozenset({404, 405, 503})
_NO_AGENCY: Final = b"configure Cloud Service Agency"


@attrs.frozen
class _Session:
    token: Secret | None
    until: datetime


class MetadataCredentials:
    """Provides the credentials of the agency that an ECS instance runs under.

    It asks the metadata service of the instance, with a session token where the
    service gives one, and never through a proxy. Nothing asks it unless it is named:
    elsewhere than on an ECS instance the address may belong to anybody.

    Args:
        endpoint: The address of the metadata service.
        transport: What carries the requests, and stays yours to close; by default
            each call makes and closes its own.
        timeout: Seconds for each of the two requests.
        clock: Answers an aware datetime.
    """

    def __init__(
        self,
        *,
        endpoint: str = ENDPOINT,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 3.0,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._transport = transport
        self._timeout = timeout
        self._clock = clock
        self._session: _Session | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._endpoint!r})"

    async def __call__(
        self,
        *,
        force_refresh: bool = False,  # noqa: ARG002 - nothing is cached here
    ) -> Credentials:
        """Answer the instance's credentials; see `CredentialsProvider`.

        Raises:
            CredentialsNotFoundError: There is no such service here, or the instance
                has no agency.
            APIError: The service refused.
            InvalidResponseError: Its answer holds no credentials.
            TransportError: It answered before, but no longer does.
        """
        if self._transport is not None:
            return await self._fetch(self._transport)
        transport = default_transport(trust_env=False)
        try:
            return await self._fetch(transport)
        finally:
            await transport.aclose()

    async def _fetch(self, transport: httpx.AsyncBaseTransport) -> Credentials:
        session = self._session
        if session is None or self._clock() >= session.until:
            session = await self._open(transport)
        response = await self._get_key(transport, session)
        if _says_stale(response):
            session = await self._open(transport)
            response = await self._get_key(transport, session)
        if _says_no_agency(response):
            raise CredentialsNotFoundError("metadata: the instance has no agency")
        if response.status_code != HTTPStatus.OK:
            raise error_for(response, "GET", KEY_PATH)
        return _read(response)

    async def _open(self, transport: httpx.AsyncBaseTransport) -> _Session:
        now = self._clock()
        response = await self._send(
            transport,
            "PUT",
            TOKEN_PATH,
            {"X-Metadata-Token-Ttl-Seconds": str(int(_TOKEN_LIFE.total_seconds()))},
        )
        if response.status_code == HTTPStatus.OK:
            token = _session_token(response)
            session = _Session(token, now + _TOKEN_LIFE * 0.9)
        elif response.status_code in _NO_TOKENS_HERE:
            session = _Session(None, now + _WITHOUT_TOKEN)
        else:
            raise error_for(response, "PUT", TOKEN_PATH)
        self._session = session
        return session

    async def _get_key(
        self, transport: httpx.AsyncBaseTransport, session: _Session
    ) -> httpx.Response:
        headers = {}
        if session.token is not None:
            headers["X-Metadata-Token"] = session.token.reveal()
        return await self._send(transport, "GET", KEY_PATH, headers)

    async def _send(
        self,
        transport: httpx.AsyncBaseTransport,
        method: str,
        path: str,
        headers: Mapping[str, str],
    ) -> httpx.Response:
        request = httpx.Request(method, f"{self._endpoint}{path}", headers=headers)
        try:
            async with asyncio.timeout(self._timeout):
                return await exchange(transport, request)
        except TimeoutError:
            failure: TransportError = RequestTimeoutError(
                f"{method} {path}: the metadata service did not answer within"
                f" {self._timeout:g} s",
                sent=False,
            )
        except TransportError as error:
            failure = error
        raise self._explain(failure)

    def _explain(self, failure: TransportError) -> CSSError:
        if self._session is not None:
            # To its readers `sent` is about the call that was to be signed.
            failure.sent = False
            return failure
        return CredentialsNotFoundError(
            f"metadata: nothing answers at {self._endpoint}; is this an ECS instance?"
        )


def _says_stale(response: httpx.Response) -> bool:
    return (
        response.status_code == HTTPStatus.UNAUTHORIZED
        and _NO_AGENCY not in response.content
    )


def _says_no_agency(response: httpx.Response) -> bool:
    return (
        response.status_code == HTTPStatus.NOT_FOUND or _NO_AGENCY in response.content
    )


def _session_token(response: httpx.Response) -> Secret:
    try:
        return Secret(response.text, "metadata token")
    except ValueError:
        raise _unreadable(response, "PUT", TOKEN_PATH) from None


def _read(response: httpx.Response) -> Credentials:
    credentials = _credentials(response.content)
    if credentials is None:
        raise _unreadable(response, "GET", KEY_PATH)
    return credentials


def _credentials(body: bytes) -> Credentials | None:
    try:
        document: object = json.loads(body)
        found = document["credential"] if isinstance(document, Mapping) else None
        if not isinstance(found, Mapping):
            return None
        ends = datetime.fromisoformat(found["expires_at"])
        return Credentials(
            access_key=found["access"],
            secret_key=found["secret"],
            security_token=found["securitytoken"],
            expires_at=ends if ends.tzinfo is not None else ends.replace(tzinfo=UTC),
        )
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


def _unreadable(
    response: httpx.Response, method: str, path: str
) -> InvalidResponseError:
    return InvalidResponseError(
        f"{method} {path}: the metadata service's answer is not what was asked for",
        status=response.status_code,
        method=method,
        path=path,
    )
