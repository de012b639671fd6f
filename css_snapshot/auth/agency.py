"""Tokens that IAM gives to act for another account, through an agency of it."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

import httpx

from css_snapshot.auth import iam
from css_snapshot.auth.credentials import AccessToken, TokenProvider
from css_snapshot.auth.secret import takes_secrets
from css_snapshot.auth.token import TokenAuth
from css_snapshot.auth.token_issuer import TokenIssuer
from css_snapshot.clock import utc_now
from css_snapshot.errors import AuthenticationError
from css_snapshot.events import Observer


@takes_secrets
class AgencyAuth(TokenAuth):
    """Sends each attempt with a token of an agency that another account set up.

    It is kept and renewed as by `PasswordAuth`. When IAM refuses the token that the
    agency is asked for with, that one is renewed, once.

    Args:
        source: Whose token asks for the agency, such as a `PasswordAuth`, or a
            provider of tokens. The user needs the role "Agent Operator". It stays
            yours to close.
        agency_name: Name of the agency.
        domain: Name or id of the account that set it up.
        project: Name or id of that account's project; see `PasswordAuth`.
        region: Where to find IAM; by default taken from the project's name.
        iam_endpoint: The address of IAM, in place of the region's; by default
            `HUAWEICLOUD_SDK_IAM_ENDPOINT`.
        transport: Carries the requests to IAM; it stays yours to close.
        timeout: Seconds that IAM has to respond.
        clock: Returns an aware datetime.
        on_event: Told of each renewal.

    Raises:
        ConfigurationError: If the address is not safe, or nothing tells where IAM is.
    """

    def __init__(
        self,
        source: TokenAuth | TokenProvider,
        *,
        agency_name: str,
        domain: str,
        project: str,
        region: str | None = None,
        iam_endpoint: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 10.0,
        clock: Callable[[], datetime] = utc_now,
        on_event: Observer | None = None,
    ) -> None:
        self._made: TokenAuth | None = None
        if not isinstance(source, TokenAuth):
            source = self._made = TokenAuth(source, clock=clock)
        self._source = source
        self._agency_name = agency_name
        self._domain = domain
        self._project = project
        self._issuer = TokenIssuer(
            iam.address(iam_endpoint, region, project),
            transport=transport,
            clock=clock,
            timeout=timeout,
        )
        super().__init__(self._issue, clock=clock, on_event=on_event)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self._source!r}, agency_name={self._agency_name!r},"
            f" domain={self._domain!r}, project={self._project!r})"
        )

    async def aclose(self) -> None:
        """Stop a renewal that is under way; a source passed in is left alone."""
        await super().aclose()
        if self._made is not None:
            await self._made.aclose()

    async def _issue(
        self,
        *,
        force_refresh: bool = False,  # noqa: ARG002 - nothing is cached here
    ) -> AccessToken:
        proof = await self._source.access_token()
        try:
            return await self._assume(proof)
        except AuthenticationError as refused:
            renewed = await self._renewed(proof, refused)
        return await self._assume(renewed)

    async def _renewed(
        self, proof: AccessToken, refused: AuthenticationError
    ) -> AccessToken:
        if refused.status != HTTPStatus.UNAUTHORIZED:
            raise refused
        renewed = await self._source.access_token(rejected=proof)
        if renewed == proof:
            raise refused
        return renewed

    async def _assume(self, proof: AccessToken) -> AccessToken:
        return await self._issuer.issue(
            {
                "methods": ["assume_role"],
                "assume_role": {
                    **iam.named(self._domain, "domain_"),
                    "agency_name": self._agency_name,
                },
            },
            self._project,
            proof=proof.token,
        )
