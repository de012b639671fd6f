"""Tokens that IAM gives for a user's password, and a wrong password tried once."""

import copy
import inspect
from collections.abc import Awaitable, Callable
from datetime import datetime
from http import HTTPStatus
from typing import TypeAlias

import httpx

from css_snapshot.auth import iam
from css_snapshot.auth.credentials import AccessToken
from css_snapshot.auth.secret import Secret, takes_secrets
from css_snapshot.auth.token import TokenAuth
from css_snapshot.auth.token_issuer import TokenIssuer
from css_snapshot.clock import utc_now
from css_snapshot.errors import AuthenticationError, ConfigurationError
from css_snapshot.events import Observer

Passcode: TypeAlias = Callable[[], str | Awaitable[str]]
"""Returns the passcode that a virtual MFA device shows now."""


@takes_secrets
class PasswordAuth(TokenAuth):
    """Sends each attempt with a token that IAM gives for a name and a password.

    The token is fetched when it is first needed, kept, and renewed before it expires,
    or once when the service refuses it. However many calls wait for it, IAM is asked
    once. A password that IAM refused is not tried again by this object: repeated tries
    lock the user, so later calls fail at once. That holds for a passcode, too.

    Use an IAM user with programmatic access. One that needs a second factor needs
    `totp` and `user_id`.

    Args:
        username: Name of the IAM user.
        password: Its password; taken as it is, whitespace included.
        domain: Name or id of the account that the user belongs to.
        project: Name or id of the project; a built-in one has its region's name.
            32 hexadecimal digits are taken for an id, for the domain too.
        totp: A callable, async or not, that returns the passcode of the user's virtual
            MFA device, such as `pyotp.TOTP(seed).now`. It is called for each token.
            A passcode itself will do for one token.
        user_id: Id of the IAM user, which IAM wants with a passcode.
        region: Where to find IAM; by default taken from the project's name.
        iam_endpoint: The address of IAM, in place of the region's; by default
            `HUAWEICLOUD_SDK_IAM_ENDPOINT`.
        transport: Carries the requests to IAM; it stays yours to close.
        timeout: Seconds that IAM has to respond.
        clock: Returns an aware datetime.
        on_event: Told of each renewal.

    Raises:
        ConfigurationError: If the password is empty, a passcode comes without
            `user_id`, the address is not safe to send a password to, or nothing tells
            where IAM is.
    """

    def __init__(
        self,
        username: str,
        password: str | Secret,
        domain: str,
        project: str,
        *,
        totp: str | Passcode | None = None,
        user_id: str | None = None,
        region: str | None = None,
        iam_endpoint: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 10.0,
        clock: Callable[[], datetime] = utc_now,
        on_event: Observer | None = None,
    ) -> None:
        if totp is not None and user_id is None:
            raise ConfigurationError("user_id: is needed with totp")
        self._username = username
        self._password = Secret.verbatim(password, "password")
        self._domain = domain
        self._project = project
        self._user_id = user_id
        self._totp = _Once(totp) if isinstance(totp, str) else totp
        self._issuer = TokenIssuer(
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
                await self._identity(), self._project, proof=None
            )
        except AuthenticationError as refused:
            if refused.status == HTTPStatus.UNAUTHORIZED:
                self._refused = copy.copy(refused)
            raise

    async def _identity(self) -> dict[str, object]:
        identity: dict[str, object] = {
            "methods": ["password"],
            "password": {
                "user": {
                    "name": self._username,
                    "password": self._password,
                    "domain": iam.named(self._domain),
                }
            },
        }
        if self._totp is None:
            return identity
        user = {"id": self._user_id, "passcode": await _shown_by(self._totp)}
        return identity | {"methods": ["password", "totp"], "totp": {"user": user}}


async def _shown_by(device: Passcode) -> Secret:
    shown = device()
    return Secret(await shown if inspect.isawaitable(shown) else shown, "totp")


class _Once:
    """A passcode, which IAM accepts once."""

    def __init__(self, passcode: str) -> None:
        self._passcode: Secret | None = Secret(passcode, "totp")

    def __call__(self) -> str:
        passcode, self._passcode = self._passcode, None
        if passcode is None:
            raise ConfigurationError(
                "totp: a passcode is good for one token; pass a callable that returns"
                " the next one"
            )
        return passcode.reveal()
