"""Who may pass: the gateway's check of signature, token and project."""

from css_snapshot.emulator.cloud.credentials import Credentials, KeyPair
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.received import Received
from css_snapshot.emulator.cloud.signatures import (
    SCHEME,
    Claim,
    Lockout,
    SignatureRefusedError,
    check_date,
    check_signature,
    read_claim,
)
from css_snapshot.emulator.cloud.vendor_errors import (
    VendorError,
    css_error,
    gateway_error,
    not_authenticated,
)


class Access:
    """Checks the credentials of requests.

    Args:
        credentials: The keys and tokens that were given out.
        project_id: The one project there is.
        options: The clock, and in which dialect a bad token is refused.
    """

    def __init__(
        self,
        credentials: Credentials,
        project_id: str,
        options: Options,
    ) -> None:
        self._credentials = credentials
        self._project_id = project_id
        self._options = options
        self._lockout = Lockout(options.clock)

    def check(self, received: Received) -> None:
        """Demand good credentials for the project in the path.

        Raises:
            VendorError: 401 for the credentials, 403 APIGW.0310 for the project.
        """
        mine = self._project_id
        asked = received.ids.get("project_id", mine)
        named = received.header("x-project-id") or asked
        if not self.identify(received) == asked == named == mine:
            message = "The project_id is not found or can't be used"
            raise gateway_error(403, "APIGW.0310", message)

    def identify(self, received: Received) -> str | None:
        """Demand good credentials, and answer the project they are good for.

        Returns:
            Its id; `None` for a token that IAM bound to no project.

        Raises:
            VendorError: 401, with the gateway's reason.
        """
        authorization = received.header("authorization") or ""
        if not authorization.startswith(SCHEME):
            return self._check_token(received)
        try:
            self._check_signature(received, read_claim(authorization))
        except SignatureRefusedError as refusal:
            raise not_authenticated(str(refusal)) from None
        return self._project_id

    def _check_signature(self, received: Received, claim: Claim) -> None:
        pair = self._credentials.pair(claim.access_key)
        if pair is None:
            raise SignatureRefusedError(f"ak {claim.access_key} not exist")
        self._lockout.check(claim.access_key)
        now = self._options.clock()
        _check_security_token(received, pair, now)
        date = check_date(received, now)
        try:
            check_signature(received, claim, pair.secret_key, date)
        except SignatureRefusedError:
            self._lockout.failed(claim.access_key)
            raise
        self._lockout.succeeded(claim.access_key)

    def _check_token(self, received: Received) -> str | None:
        text = received.header("x-auth-token")
        if text is None:
            raise self._refuse_token(not_authenticated("x-auth-token not found"))
        try:
            token = self._credentials.check_token(text)
        except VendorError as refusal:
            raise self._refuse_token(refusal) from None
        if token is None:
            raise self._refuse_token(not_authenticated("decrypt token fail"))
        return token.project_id

    def _refuse_token(self, refusal: VendorError) -> VendorError:
        in_css = self._options.authenticator == "css"
        return css_error(400, "CSS.0045") if in_css else refusal


def _check_security_token(received: Received, pair: KeyPair, now: float) -> None:
    if pair.security_token is None:
        return
    if received.header("x-security-token") != pair.security_token:
        raise SignatureRefusedError("securityToken is invalid")
    if pair.expires_at is not None and now >= pair.expires_at:
        raise SignatureRefusedError("securityToken expired")
