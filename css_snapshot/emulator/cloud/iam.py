"""The calls of IAM that give tokens and temporary keys."""

from collections.abc import Mapping
from typing import Final

import attrs

from css_snapshot.emulator.cloud.access import Access
from css_snapshot.emulator.cloud.account import Account
from css_snapshot.emulator.cloud.credentials import Credentials, IssuedToken, iam_time
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.request import Request
from css_snapshot.emulator.cloud.throttling import Throttle
from css_snapshot.emulator.cloud.users import Users, matches
from css_snapshot.emulator.cloud.vendor_errors import VendorError, iam_error

Document = Mapping[str, object]
Person = tuple[str, str]
_DURATIONS: Final = range(900, 86401)
# The last second of 9999, since the field must be a date.
_NEVER: Final = 253402300799.0


@attrs.frozen
class TokenReply:
    """What IAM says with a token.

    Attributes:
        text: The token, which travels in the header `X-Subject-Token`.
        document: What is said of it.
    """

    text: str = attrs.field(repr=False)
    document: Document


class Iam:
    """Gives out tokens and temporary keys.

    Args:
        account: The account.
        users: Who may have a token.
        credentials: What was given out.
        access: Checks callers that already have credentials.
        options: How long tokens are valid, and how many requests are too many.
    """

    def __init__(
        self,
        account: Account,
        *,
        users: Users,
        credentials: Credentials,
        access: Access,
        options: Options,
    ) -> None:
        self.account = account
        self._users = users
        self._credentials = credentials
        self._access = access
        self._options = options
        self._throttle = Throttle()

    def create_token(self, request: Request) -> TokenReply:
        """`POST /v3/auth/tokens` for a password, a token or an agency."""
        self._check_rate()
        auth = _section(_read(request), "auth")
        identity = _section(auth, "identity")
        methods = _methods(identity)
        person = self._prove(request, identity, methods)
        return self._issue(request, auth, person, methods)

    def create_token_for_id_token(self, request: Request) -> TokenReply:
        """`POST /v3.0/OS-AUTH/id-token/tokens`: a token for one of OpenID Connect."""
        self._check_rate()
        auth = _section(_read(request), "auth")
        given = _section(auth, "id_token").get("id")
        provider = request.header("x-idp-id") or ""
        expected = self.account.identity_providers.get(provider)
        if expected is None or given != expected:
            raise iam_error(401, "The id token or its provider is invalid.")
        return self._issue(request, auth, (provider, provider), ("mapped",))

    def show_token(self, request: Request) -> TokenReply:
        """`GET /v3/auth/tokens`: what is known of the token in `X-Subject-Token`."""
        self._check_caller(request)
        token = self._find_token(request.header("x-subject-token") or "", status=404)
        return self._reply(request, token)

    def create_temporary_keys(self, request: Request) -> dict[str, object]:
        """`POST /v3.0/OS-CREDENTIAL/securitytokens` for a token or an agency."""
        identity = _section(_section(_read(request), "auth"), "identity")
        method = _methods(identity)[0]
        if method not in ("token", "assume_role"):
            raise _unsupported(method)
        given = identity.get(method)
        options: Document = given if isinstance(given, Mapping) else {}
        self._check_holder(request, options)
        if method == "assume_role":
            self._check_agency(options)
        duration = options.get("duration_seconds", _DURATIONS.start)
        if not isinstance(duration, int) or duration not in _DURATIONS:
            raise iam_error(400, "duration_seconds is not between 900 and 86400.")
        return self._credentials.temporary_pair(duration).document()

    def _check_rate(self) -> None:
        limit = self._options.iam_throttle
        if limit is None or self._throttle.allows(limit, self._options.clock()):
            return
        raise iam_error(
            429,
            "The request is too frequent: the limit is "
            f"{limit[0]} times per {limit[1]:g} seconds.",
            "IAM.0012",
        )

    def _prove(
        self, request: Request, identity: Document, methods: tuple[str, ...]
    ) -> Person:
        if methods in (("password",), ("password", "totp")):
            return self._prove_password(identity, methods)
        if methods == ("token",):
            token = self._find_token(_section(identity, "token").get("id"), status=401)
            return token.user_id, token.user_name
        if methods == ("assume_role",):
            self._check_caller(request)
            agency = self._check_agency(_section(identity, "assume_role"))
            return agency, agency
        raise _unsupported(methods[0])

    def _prove_password(self, identity: Document, methods: tuple[str, ...]) -> Person:
        user = self._users.check_password(
            _section(_section(identity, "password"), "user")
        )
        if "totp" in methods and user.totp_secret:
            passcode = _section(identity, "totp").get("user")
            self._users.check_passcode(user, passcode)
        elif user.totp_secret:
            raise iam_error(401, "The user must give a passcode as well.")
        return user.id, user.name

    def _check_agency(self, role: Document) -> str:
        account = self.account
        known = {"domain_name": account.domain, "domain_id": account.domain_id}
        agency = role.get("agency_name")
        if not matches(role, known):
            raise iam_error(404, "Could not find the domain of the agency.")
        if not isinstance(agency, str) or agency not in account.agencies:
            raise iam_error(404, "Could not find the agency.")
        return agency

    def _check_caller(self, request: Request) -> None:
        try:
            self._access.identify(request)
        except VendorError as refusal:
            raise iam_error(401, refusal.message) from None

    def _check_holder(self, request: Request, options: Document) -> None:
        text = options.get("id")
        if not isinstance(text, str):
            self._check_caller(request)
        elif self._credentials.check_token(text) is None:
            raise iam_error(401, "The token is invalid.")

    def _find_token(self, text: object, *, status: int) -> IssuedToken:
        try:
            found = self._credentials.check_token(str(text))
        except VendorError:
            found = None
        if found is None:
            raise iam_error(status, "Could not find the token.")
        return found

    def _issue(
        self,
        request: Request,
        auth: Document,
        person: Person,
        methods: tuple[str, ...],
    ) -> TokenReply:
        token = self._credentials.issue_token(
            self._read_scope(auth),
            seconds=self._options.token_seconds,
            user=person,
            methods=methods,
        )
        return self._reply(request, token)

    def _read_scope(self, auth: Document) -> str | None:
        account = self.account
        scope = auth.get("scope")
        scope = scope if isinstance(scope, Mapping) else {}
        domain = {"id": account.domain_id, "name": account.domain}
        if scope.get("domain") is not None:
            _check_scope(scope["domain"], domain, "domain")
        project = scope.get("project")
        if project is None:
            return None
        known = {"id": account.project_id, "name": account.project_name}
        _check_scope(project, known, "project")
        if project.get("domain") is not None:
            _check_scope(project["domain"], domain, "domain")
        return account.project_id if known.keys() & project.keys() else None

    def _reply(self, request: Request, token: IssuedToken) -> TokenReply:
        account = self.account
        domain = account.domain_row()
        expires_at = _NEVER if token.expires_at is None else token.expires_at
        body: dict[str, object] = {
            "expires_at": iam_time(expires_at),
            "issued_at": iam_time(token.issued_at),
            "methods": list(token.methods),
            "roles": [{"id": "0", "name": role} for role in account.roles],
            "user": {"id": token.user_id, "name": token.user_name, "domain": domain},
        }
        if token.project_id is None:
            body["domain"] = domain
        else:
            names = {"id": account.project_id, "name": account.project_name}
            body["project"] = {**names, "domain": domain}
        if not request.parameters().get("nocatalog"):
            body["catalog"] = account.catalog(request.origin, token.project_id)
        return TokenReply(token.text, {"token": body})


def _read(request: Request) -> Document:
    try:
        document = request.document()
    except VendorError:
        document = None
    if not isinstance(document, Mapping):
        raise iam_error(400, "The request body is not a JSON object.")
    return document


def _section(document: Document, name: str) -> Document:
    section = document.get(name)
    if not isinstance(section, Mapping):
        raise iam_error(400, f"The request body lacks {name}.")
    return section


def _methods(identity: Document) -> tuple[str, ...]:
    methods = identity.get("methods")
    if not isinstance(methods, list) or not methods:
        raise iam_error(400, "The request body lacks methods.")
    return tuple(str(method)[:32] for method in methods)


def _unsupported(method: str) -> VendorError:
    return iam_error(400, f"The authentication method {method} is unsupported.")


def _check_scope(given: object, known: Mapping[str, str], what: str) -> None:
    if not isinstance(given, Mapping):
        raise iam_error(400, f"scope.{what} is not an object.")
    for key, value in known.items():
        if given.get(key) not in (None, value):
            raise iam_error(401, f"The {what} of the scope is unknown.")
