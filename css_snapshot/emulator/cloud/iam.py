"""IAM: tokens for passwords and agencies, temporary keys, projects."""

from collections.abc import Mapping
from typing import Final

import attrs

from css_snapshot.emulator.cloud.access import Access
from css_snapshot.emulator.cloud.answers import Answer, json_answer
from css_snapshot.emulator.cloud.credentials import Credentials, IssuedToken, iam_time
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.received import Received
from css_snapshot.emulator.cloud.throttling import Throttle
from css_snapshot.emulator.cloud.users import Users
from css_snapshot.emulator.cloud.vendor_errors import VendorError, iam_error

_DURATIONS: Final = range(900, 86401)


@attrs.frozen(kw_only=True)
class Account:
    """The one account, with its one project.

    Attributes:
        domain: Name of the account.
        domain_id: Its id.
        project_id: Id of the project.
        project_name: Name of the project, which is that of its region.
        agencies: Names of the agencies that may be assumed.
        roles: Names of the roles in a token.
    """

    domain: str = "emulator-domain"
    domain_id: str = "d0000000000000000000000000000001"
    project_id: str
    project_name: str = "cn-north-4"
    agencies: tuple[str, ...] = ("css_obs_agency",)
    roles: tuple[str, ...] = ("css_adm",)


class Iam:
    """Carries out the calls of IAM.

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

    def create_token(self, received: Received) -> Answer:
        """`POST /v3/auth/tokens` for a password or an agency."""
        self._refuse_haste()
        auth = _section(_document(received), "auth")
        identity = _section(auth, "identity")
        method = _method(identity)
        if method == "password":
            name = self._check_password(_section(identity, "password"))
        elif method == "assume_role":
            self._check_caller(received)
            name = self._check_agency(_section(identity, "assume_role"))
        else:
            raise iam_error(400, f"The authentication method {method} is unsupported.")
        token = self._credentials.issue_token(
            self._scope(auth), seconds=self._options.token_seconds
        )
        body = self._token_document(token, method, name)
        if not received.parameters().get("nocatalog"):
            body["catalog"] = []
        headers = {"X-Subject-Token": token.text}
        return json_answer(201, {"token": body}, headers)

    def create_temporary_keys(self, received: Received) -> Answer:
        """`POST /v3.0/OS-CREDENTIAL/securitytokens` for a token or an agency."""
        identity = _section(_section(_document(received), "auth"), "identity")
        method = _method(identity)
        if method not in ("token", "assume_role"):
            raise iam_error(400, f"The authentication method {method} is unsupported.")
        given = identity.get(method)
        options: Mapping[str, object] = given if isinstance(given, Mapping) else {}
        self._check_holder(received, options)
        if method == "assume_role":
            self._check_agency(options)
        duration = options.get("duration_seconds", _DURATIONS.start)
        if not isinstance(duration, int) or duration not in _DURATIONS:
            raise iam_error(400, "duration_seconds is not between 900 and 86400.")
        pair = self._credentials.temporary_pair(duration)
        return json_answer(201, pair.document())

    def list_projects(self, received: Received) -> Answer:
        """`GET /v3/projects`, all or those of a name."""
        self._check_caller(received)
        account = self.account
        wanted = received.parameters().get("name", account.project_name)
        project = {
            "id": account.project_id,
            "name": account.project_name,
            "domain_id": account.domain_id,
            "parent_id": account.domain_id,
            "enabled": True,
            "is_domain": False,
            "description": "",
        }
        rows = [project] if wanted == account.project_name else []
        return json_answer(200, {"projects": rows, "links": {"self": None}})

    def _refuse_haste(self) -> None:
        limit = self._options.iam_throttle
        if limit is None or self._throttle.allows(limit, self._options.clock()):
            return
        raise iam_error(
            429,
            "The request is too frequent: the limit is "
            f"{limit[0]} times per {limit[1]:g} seconds.",
            "IAM.0012",
        )

    def _check_password(self, password: Mapping[str, object]) -> str:
        user = _section(password, "user")
        domain = _section(user, "domain").get("name")
        return self._users.check(domain, user.get("name"), user.get("password")).name

    def _check_agency(self, role: Mapping[str, object]) -> str:
        account = self.account
        named = role.get("domain_name") == account.domain
        agency = role.get("agency_name")
        if not (named or role.get("domain_id") == account.domain_id):
            raise iam_error(404, "Could not find the domain of the agency.")
        if not isinstance(agency, str) or agency not in account.agencies:
            raise iam_error(404, "Could not find the agency.")
        return agency

    def _check_caller(self, received: Received) -> None:
        try:
            self._access.identify(received)
        except VendorError as refusal:
            raise iam_error(401, refusal.message) from None

    def _check_holder(self, received: Received, options: Mapping[str, object]) -> None:
        text = options.get("id")
        if not isinstance(text, str):
            self._check_caller(received)
        elif self._credentials.check_token(text) is None:
            raise iam_error(401, "The token is invalid.")

    def _scope(self, auth: Mapping[str, object]) -> str | None:
        account = self.account
        scope = auth.get("scope")
        project = scope.get("project") if isinstance(scope, Mapping) else None
        if project is None:
            return None
        if not isinstance(project, Mapping):
            raise iam_error(400, "scope.project is not an object.")
        known = {"id": account.project_id, "name": account.project_name}
        for key, value in known.items():
            if project.get(key) not in (None, value):
                raise iam_error(401, "The project of the scope is unknown.")
        return account.project_id if known.keys() & project.keys() else None

    def _token_document(
        self, token: IssuedToken, method: str, name: str
    ) -> dict[str, object]:
        account = self.account
        domain = {"id": account.domain_id, "name": account.domain}
        project = {
            "id": account.project_id,
            "name": account.project_name,
            "domain": domain,
        }
        return {
            "expires_at": iam_time(token.expires_at or 0.0),
            "issued_at": iam_time(token.issued_at),
            "methods": [method],
            **({"project": project} if token.project_id else {"domain": domain}),
            "roles": [{"id": "0", "name": role} for role in account.roles],
            "user": {"id": "emulator-user", "name": name, "domain": domain},
        }


def _document(received: Received) -> Mapping[str, object]:
    try:
        document = received.document()
    except VendorError:
        document = None
    if not isinstance(document, Mapping):
        raise iam_error(400, "The request body is not a JSON object.")
    return document


def _section(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    section = document.get(name)
    if not isinstance(section, Mapping):
        raise iam_error(400, f"The request body lacks {name}.")
    return section


def _method(identity: Mapping[str, object]) -> str:
    methods = identity.get("methods")
    if not isinstance(methods, list) or not methods:
        raise iam_error(400, "The request body lacks methods.")
    return str(methods[0])[:32]
