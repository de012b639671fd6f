"""The call that gets a token from IAM: `POST /v3/auth/tokens`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Final

import httpx

from css_snapshot.auth import iam
from css_snapshot.auth.credentials import AccessToken
from css_snapshot.auth.issuer import ask, open_transport
from css_snapshot.auth.secret import Secret
from css_snapshot.client.refusal import error_for
from css_snapshot.errors import ConfigurationError, InvalidResponseError

METHOD: Final = "POST"
PATH: Final = "/v3/auth/tokens"


class TokenIssuer:
    """Gets tokens from one IAM.

    Args:
        endpoint: The address of IAM.
        transport: Carries the requests, and stays the caller's to close; by default
            each request, there being one a day, makes and closes its own.
        clock: Returns an aware datetime.
        timeout: Seconds that IAM has to respond.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        transport: httpx.AsyncBaseTransport | None,
        clock: Callable[[], datetime],
        timeout: float,
    ) -> None:
        self._url = f"{endpoint}{PATH}?nocatalog=true"
        self._transport = transport
        self._clock = clock
        self._timeout = timeout

    async def issue(
        self, identity: Mapping[str, object], project: str, *, proof: Secret | None
    ) -> AccessToken:
        """Get a token.

        Args:
            identity: Who asks, in IAM's form, with a password still a `Secret`.
            project: Name or id of the project it shall be good for.
            proof: A token that goes with the request, where the identity needs one.

        Returns:
            The token, its end in terms of our own clock.

        Raises:
            APIError: If IAM refused.
            InvalidResponseError: If IAM's response contains no token.
            TransportError: If no response arrived; `.sent` is `False`, as this is
                about the call that the token was meant for.
        """
        asked_at = self._clock()
        document = {
            "auth": {"identity": identity, "scope": {"project": iam.named(project)}}
        }
        headers = {} if proof is None else {"X-Auth-Token": proof}
        async with open_transport(self._transport) as transport:
            response = await ask(
                transport,
                iam.post(self._url, document, headers),
                limit=self._timeout,
                name="IAM",
            )
        if response.status_code not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise error_for(response, METHOD, PATH)
        token = _read(response, asked_at)
        if token is None:
            raise InvalidResponseError(
                f"{METHOD} {PATH}: the response contains no token, or no end of it",
                status=response.status_code,
                request_id=response.headers.get("x-request-id"),
                method=METHOD,
                path=PATH,
            )
        return token


def _read(response: httpx.Response, asked_at: datetime) -> AccessToken | None:
    body = iam.read_document(response.content).get("token")
    if not isinstance(body, Mapping):
        return None
    ends = _end(body, asked_at)
    if ends is None:
        return None
    try:
        return AccessToken(
            response.headers.get("x-subject-token", ""),
            expires_at=ends,
            project_id=_project_id(body),
        )
    except ConfigurationError:
        return None


def _end(body: Mapping[object, object], asked_at: datetime) -> datetime | None:
    ends = iam.read_time(body.get("expires_at"))
    issued = iam.read_time(body.get("issued_at"))
    if ends is None or issued is None:
        return ends
    # A life counted from our own clock stays right when the two clocks differ.
    try:
        return asked_at + (ends - issued)
    except OverflowError:
        return None


def _project_id(body: Mapping[object, object]) -> str | None:
    project = body.get("project")
    found = project.get("id") if isinstance(project, Mapping) else None
    return found if isinstance(found, str) else None
