"""The calls of IAM that look something up: versions, projects, domains, users."""

from typing import Final

from css_snapshot.emulator.cloud.access import Access
from css_snapshot.emulator.cloud.account import Account
from css_snapshot.emulator.cloud.request import Request
from css_snapshot.emulator.cloud.users import Users
from css_snapshot.emulator.cloud.vendor_errors import VendorError, iam_error

Document = dict[str, object]
_VERSION: Final = "v3.6"


class Directory:
    """What OpenStack-style clients ask of IAM before they reach CSS.

    Args:
        account: The account.
        users: Its users.
        access: Checks the credentials of callers.
    """

    def __init__(self, account: Account, users: Users, access: Access) -> None:
        self._account = account
        self._users = users
        self._access = access

    def list_versions(self, request: Request) -> Document:
        """`GET /`: the versions of the API."""
        return {"versions": {"values": [_version_row(request)]}}

    def show_version(self, request: Request) -> Document:
        """`GET /v3`: the one version there is."""
        return {"version": _version_row(request)}

    def list_projects(self, request: Request) -> Document:
        """`GET /v3/projects` and `/v3/auth/projects`: all, or those of a name."""
        self._identify(request)
        project = self._account.project_row()
        wanted = request.parameters().get("name", project["name"])
        rows = [project] if wanted == project["name"] else []
        return {"projects": rows, "links": {"self": None}}

    def list_domains(self, request: Request) -> Document:
        """`GET /v3/auth/domains`: the caller's account."""
        self._identify(request)
        return {"domains": [self._domain()], "links": {"self": None}}

    def show_domain(self, domain_id: str, request: Request) -> Document:
        """`GET /v3/domains/{domain_id}`."""
        self._identify(request)
        if domain_id != self._account.domain_id:
            raise iam_error(404, "Could not find the domain.", "IAM.0004")
        return {"domain": self._domain()}

    def show_user(self, user_id: str, request: Request) -> Document:
        """`GET /v3/users/{user_id}`."""
        self._identify(request)
        user = self._users.get(user_id)
        if user is None:
            raise iam_error(404, "Could not find the user.", "IAM.0004")
        domain_id = self._account.domain_id
        row = {"id": user.id, "name": user.name, "domain_id": domain_id}
        return {"user": {**row, "enabled": True, "description": ""}}

    def show_catalog(self, request: Request) -> Document:
        """`GET /v3/auth/catalog`: the services that the caller's token opens."""
        project_id = self._identify(request)
        catalog = self._account.catalog(request.origin, project_id)
        return {"catalog": catalog, "links": {"self": None}}

    def _domain(self) -> Document:
        return {**self._account.domain_row(), "enabled": True, "description": ""}

    def _identify(self, request: Request) -> str | None:
        try:
            return self._access.identify(request)
        except VendorError as refusal:
            raise iam_error(401, refusal.message) from None


def _version_row(request: Request) -> Document:
    return {
        "id": _VERSION,
        "status": "stable",
        "updated": "2016-04-04T00:00:00Z",
        "links": [{"rel": "self", "href": f"{request.origin}/v3/"}],
        "media-types": [
            {
                "base": "application/json",
                "type": "application/vnd.openstack.identity-v3+json",
            }
        ],
    }
