"""Tokens that IAM gives for a user's password, and a wrong password tried once."""

import copy
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

import httpx

from css_snapshot.auth import iam
from css_snapshot.auth.credentials import AccessToken
from css_snapshot.auth.secret import Secret
from css_snapshot.auth.token import TokenAuth
from css_snapshot.clock import utc_now
from css_snapshot.errors import AuthenticationError
from css_snapshot.events import Observer


class PasswordAuth(TokenAuth):
    """Sends each attempt with a token that IAM gives for a name and a password.

    The token is fetched when it is first needed, kept, and renewed before it expires,
    or once when the service refuses it. However many calls wait for it, IAM is asked
    once. A password that IAM refused is not tried again by this object: repeated tries
    lock the user, so later calls fail at once.

    Use an IAM user with programmatic access; it may not need a second factor.

    Args:
        username: Name of the IAM user.
        password: Its password; taken as it is, blanks included.
        domain: Name or id of the account that the user belongs to.
        project: Name or id of the project; a built-in one has its region's name.
            32 hexadecimal digits are taken for an id, for the domain too.
        region: Where to find IAM; by default taken from the project's name.
        iam_endpoint: The address of IAM, in place of the region's.
        transport: What carries the requests to IAM; it stays yours to close.
        timeout: Seconds that IAM has to answer.
        clock: Answers an aware datetime.
        on_event: Told of each renewal.

    Raises:
        ConfigurationError: The password is empty, the address is not safe to send
            one to, or nothing tells where IAM is.
    """

    def __init__(
        self,
        username: str,
        password: str | Secret,
        domain: str,
        project: str,
        *,
        region: str | None = None,
        iam_endpoint: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 10.0,
        clock: Callable[[], datetime] = utc_now,
        on_event: Observer | None = None,
    ) -> None:
        self._username = username
        self._password = Secret.verbatim(password, "password")
        self._domain = domain
        self._project = project
        self._issuer = iam.TokenIssuer(
            iam.address(iam_endpoint, region, project),
            transport=transport,
            clock=clock,
            timeout=timeout,
        )
        self._refused: AuthenticationError | None = None
        super().__init__(self._issue, clock=clock, on_event=on_event)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(username={self._username!r},"
            f" domain={self._domain!r}, project={self._project!r})"
        )

    async def _issue(
        self,
        *,
        force_refresh: bool = False,  # noqa: ARG002 - nothing is cached here
    ) -> AccessToken:
        if self._refused is not None:
            raise copy.copy(self._refused)
        try:
            return await self._issuer.issue(
                {
                    "methods": ["password"],
                    "password": {
                        "user": {
                            "name": self._username,
                            "password": self._password,
                            "domain": iam.named(self._domain),
                        }
                    },
                },
                self._project,
                proof=None,
            )
        except AuthenticationError as refused:
            if refused.status == HTTPStatus.UNAUTHORIZED:
                self._refused = copy.copy(refused)
            raise
