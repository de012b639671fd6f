"""The gateway's check of signature, token, project and rate."""

from css_snapshot.emulator.cloud.credentials import Credentials, IssuedToken, KeyPair
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.request import Request
from css_snapshot.emulator.cloud.signatures import (
    SCHEME,
    Authorization,
    Lockout,
    SignatureRefusedError,
    check_date,
    check_signature,
    read_authorization,
)
from css_snapshot.emulator.cloud.throttling import Throttle
from css_snapshot.emulator.cloud.vendor_errors import (
    VendorError,
    css_error,
    gateway_error,
    not_authenticated,
    throttled,
)


class Access:
    """Checks the credentials and the rate of requests.

    Args:
        credentials: The keys and tokens that were given out.
        project_id: The one project there is.
        options: The clock, the limit, and in which dialect a bad token is refused.
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
        self._throttle = Throttle()

    def check(self, request: Request) -> None:
        """Check credentials for the project in the path, and the rate of requests.

        Raises:
            VendorError: 401 if the credentials are wrong, 403 APIGW.0310 if the project
                is, 429 APIGW.0308 if this is one request too many.
        """
        mine = self._project_id
        asked = request.ids.get("project_id", mine)
        named = request.header("x-project-id") or asked
        if not self.identify(request) == asked == named == mine:
            message = "The project_id is not found or can't be used"
            raise gateway_error(403, "APIGW.0310", message)
        limit = self._options.throttle
        if not (limit is None or self._throttle.allows(limit, self._options.clock())):
            raise throttled(*limit)

    def identify(self, request: Request) -> str | None:
        """Return the project that a request's credentials are good for.

        Returns:
            Its id; `None` for a token that IAM bound to no project.

        Raises:
            VendorError: 401 with the gateway's reason, if the credentials are wrong.
        """
        authorization = request.header("authorization") or ""
        if not authorization.startswith(SCHEME):
            return self.find_token(request).project_id
        try:
            self._check_signature(request, read_authorization(authorization))
        except SignatureRefusedError as refusal:
            raise not_authenticated(str(refusal)) from None
        return self._project_id

    def find_token(self, request: Request) -> IssuedToken:
        """Return the token in a request's `X-Auth-Token`, which holds.

        Raises:
            VendorError: 401 with the gateway's reason, or 400 CSS.0045, if there is none.
        """
        text = request.header("x-auth-token")
        if text is None:
            raise self._refuse_token(not_authenticated("x-auth-token not found"))
        try:
            token = self._credentials.check_token(text)
        except VendorError as refusal:
            raise self._refuse_token(refusal) from None
        if token is None:
            raise self._refuse_token(not_authenticated("decrypt token fail"))
        return token

    def _check_signature(self, request: Request, authorization: Authorization) -> None:
        access_key = authorization.access_key
        pair = self._credentials.pair(access_key)
        if pair is None:
            raise SignatureRefusedError(f"ak {access_key} not exist")
        self._lockout.check(access_key)
        now = self._options.clock()
        _check_security_token(request, pair, now)
        date = check_date(request, now)
        try:
            check_signature(request, authorization, pair.secret_key, date)
        except SignatureRefusedError:
            self._lockout.count_failure(access_key)
            raise
        self._lockout.forget(access_key)

    def _refuse_token(self, refusal: VendorError) -> VendorError:
        in_css = self._options.authenticator == "css"
        return css_error(400, "CSS.0045") if in_css else refusal


def _check_security_token(request: Request, pair: KeyPair, now: float) -> None:
    if pair.security_token is None:
        return
    if request.header("x-security-token") != pair.security_token:
        raise SignatureRefusedError("securityToken is invalid")
    if pair.expires_at is not None and now >= pair.expires_at:
        raise SignatureRefusedError("securityToken expired")
