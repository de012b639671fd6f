"""The call that gets a token from IAM: `POST /v3/auth/tokens`."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import httpx

from css_snapshot.auth.credentials import AccessToken
from css_snapshot.auth.redaction import tokens_redacted
from css_snapshot.auth.secret import Secret
from css_snapshot.client.exchange import exchange
from css_snapshot.client.refusal import error_for
from css_snapshot.endpoints import check_endpoint, iam_endpoint
from css_snapshot.errors import (
    ConfigurationError,
    InvalidResponseError,
    RequestTimeoutError,
    TransportError,
)
from css_snapshot.transport.default import default_transport

METHOD: Final = "POST"
PATH: Final = "/v3/auth/tokens"

_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_REGION_PROJECT: Final = re.compile(r"([a-z]{2,8}(?:-[a-z0-9]+){1,3})(?:_.*)?")


def named(name_or_id: str, prefix: str = "") -> dict[str, str]:
    """Refer to a project or domain: 32 hexadecimal digits are an id, else a name."""
    return {f"{prefix}id" if _ID.fullmatch(name_or_id) else f"{prefix}name": name_or_id}


def address(endpoint: str | None, region: str | None, project: str) -> str:
    """Choose the address of IAM.

    Args:
        endpoint: The address itself, if known.
        region: Else the region it serves.
        project: Else a project named after its region, as built-in projects are.

    Raises:
        ConfigurationError: None of them tells, or the address is not safe.
    """
    if endpoint is not None:
        return check_endpoint(endpoint.rstrip("/").removesuffix("/v3"))
    return iam_endpoint(_region_of(project) if region is None else region)


def _region_of(project: str) -> str:
    found = _REGION_PROJECT.fullmatch(project)
    if found is None:
        raise ConfigurationError(
            "iam_endpoint or region: one is needed, as the project is not named after"
            " its region"
        )
    return found[1]


class TokenIssuer:
    """Gets tokens from one IAM.

    Args:
        endpoint: The address of IAM.
        transport: What carries the requests, and stays the caller's to close; by
            default each request, there being one a day, makes and closes its own.
        clock: Answers an aware datetime.
        timeout: Seconds that IAM has to answer.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        transport: httpx.AsyncBaseTransport | None,
        clock: Callable[[], datetime],
        timeout: float,
    ) -> None:
        self._url = httpx.URL(f"{endpoint}{PATH}?nocatalog=true")
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
            APIError: IAM refused.
            InvalidResponseError: IAM's answer holds no token.
            TransportError: No answer arrived; `.sent` is `False`, as this is about
                the call that the token was meant for.
        """
        asked_at = self._clock()
        response = await self._ask(
            httpx.Request(
                METHOD,
                self._url,
                headers=_headers(proof),
                content=_body(identity, project),
            )
        )
        if response.status_code not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise error_for(response, METHOD, PATH)
        token = _read(response, asked_at)
        if token is None:
            raise InvalidResponseError(
                f"{METHOD} {PATH}: the answer holds no token, or no end of it",
                status=response.status_code,
                request_id=response.headers.get("x-request-id"),
                method=METHOD,
                path=PATH,
            )
        return token

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self._timeout):
                with tokens_redacted():
                    return await self._carry(request)
        except TimeoutError:
            failure: TransportError = RequestTimeoutError(
                f"{METHOD} {PATH}: IAM did not answer within {self._timeout:g} s"
            )
        except TransportError as error:
            failure = error
        # To its readers `sent` is about the call that needs the token. Raised outside
        # the handler, as the interrupted transport holds the password.
        failure.sent = False
        raise failure

    async def _carry(self, request: httpx.Request) -> httpx.Response:
        if self._transport is not None:
            return await exchange(self._transport, request)
        transport = default_transport()
        try:
            return await exchange(transport, request)
        finally:
            await transport.aclose()


def _body(identity: Mapping[str, object], project: str) -> str:
    # A secret is revealed by the encoder alone: none is ever in a local variable,
    # which tools that print tracebacks like to show.
    scope = {"project": named(project)}
    return json.dumps(
        {"auth": {"identity": identity, "scope": scope}}, default=Secret.reveal
    )


def _headers(proof: Secret | None) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json;charset=utf8",
        "Accept-Encoding": "identity",
    }
    if proof is not None:
        headers["X-Auth-Token"] = proof.reveal()
    return headers


def _read(response: httpx.Response, asked_at: datetime) -> AccessToken | None:
    try:
        document: object = json.loads(response.content)
        value = Secret(response.headers.get("x-subject-token", ""), "token")
    except (ValueError, RecursionError):
        return None
    body = document.get("token") if isinstance(document, Mapping) else None
    if not isinstance(body, Mapping):
        return None
    ends = _end(body, asked_at)
    if ends is None:
        return None
    return AccessToken(value, expires_at=ends, project_id=_project_id(body))


def _end(body: Mapping[object, object], asked_at: datetime) -> datetime | None:
    ends, issued = _time(body.get("expires_at")), _time(body.get("issued_at"))
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


def _time(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
