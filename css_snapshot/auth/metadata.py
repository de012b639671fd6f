"""Temporary credentials of an ECS instance's agency, from its metadata service."""

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import attrs
import httpx

from css_snapshot.auth.credentials import Credentials
from css_snapshot.auth.issuer import ask, open_transport
from css_snapshot.auth.secret import Secret
from css_snapshot.auth.temporary_key import read_temporary_key, unreadable
from css_snapshot.client.refusal import error_for
from css_snapshot.clock import utc_now
from css_snapshot.errors import (
    ConfigurationError,
    CredentialsNotFoundError,
    TransportError,
    unchained,
)

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
    service gives one, and never through a proxy. No chain asks it unless it is named
    there: elsewhere than on an ECS instance the address may belong to anybody.

    Args:
        endpoint: The address of the metadata service.
        transport: Carries the requests, and stays yours to close; by default each
            call makes and closes its own.
        timeout: Seconds for each of the two requests.
        clock: Returns an aware datetime.
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
        """Return the instance's credentials; see `CredentialsProvider`.

        Raises:
            CredentialsNotFoundError: If there is no such service here, or the instance
                has no agency.
            APIError: If the service refused, or is failing.
            InvalidResponseError: If its response contains no credentials.
            TransportError: If the service responded before, but no longer does.
        """
        async with open_transport(self._transport, trust_env=False) as transport:
            return await self._fetch(transport)

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
        return read_temporary_key(response, "GET", KEY_PATH)

    async def _open(self, transport: httpx.AsyncBaseTransport) -> _Session:
        now = self._clock()
        life = {"X-Metadata-Token-Ttl-Seconds": str(int(_TOKEN_LIFE.total_seconds()))}
        response = await self._send(
            transport,
            httpx.Request("PUT", f"{self._endpoint}{TOKEN_PATH}", headers=life),
        )
        if response.status_code == HTTPStatus.OK:
            token = _session_token(response)
            session = _Session(token, now + _TOKEN_LIFE * 0.9)
        elif response.status_code in _NO_TOKENS_HERE:
            session = _Session(None, now + _WITHOUT_TOKEN)
        elif self._session is None and _says_elsewhere(response):
            # Another cloud's service has the same address.
            raise CredentialsNotFoundError(
                f"metadata: {self._endpoint} responds with {response.status_code}; is"
                " this an ECS instance?"
            )
        else:
            raise error_for(response, "PUT", TOKEN_PATH)
        self._session = session
        return session

    async def _get_key(
        self, transport: httpx.AsyncBaseTransport, session: _Session
    ) -> httpx.Response:
        request = httpx.Request("GET", f"{self._endpoint}{KEY_PATH}")
        if session.token is not None:
            request.headers["X-Metadata-Token"] = session.token.reveal()
        return await self._send(transport, request)

    async def _send(
        self, transport: httpx.AsyncBaseTransport, request: httpx.Request
    ) -> httpx.Response:
        try:
            return await ask(
                transport, request, limit=self._timeout, name="the metadata service"
            )
        except TransportError as failure:
            if self._session is not None:
                raise
            with unchained:
                raise CredentialsNotFoundError(
                    f"metadata: nothing responds at {self._endpoint}; is this an ECS"
                    " instance?"
                ) from failure


def _says_elsewhere(response: httpx.Response) -> bool:
    return (
        response.is_client_error
        and response.status_code != HTTPStatus.TOO_MANY_REQUESTS
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
    except ConfigurationError:
        raise unreadable(response, "PUT", TOKEN_PATH) from None
