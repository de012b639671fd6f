"""The calls of IAM about what there is: versions, projects, domains, users, agencies."""

from typing import Final
from uuid import NAMESPACE_OID, uuid5

from css_snapshot.emulator.cloud.access import Access
from css_snapshot.emulator.cloud.account import Account
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.request import Request
from css_snapshot.emulator.cloud.users import Users
from css_snapshot.emulator.cloud.vendor_errors import VendorError, iam_error

Document = dict[str, object]
_VERSION: Final = "v3.6"


class Directory:
    """What OpenStack-style clients and Terraform ask of IAM beside credentials.

    Args:
        account: The account.
        users: Its users.
        access: Checks the credentials of callers.
        options: Knows the agencies that CSS may use.
    """

    def __init__(
        self, account: Account, users: Users, access: Access, options: Options
    ) -> None:
        self._account = account
        self._users = users
        self._access = access
        self._options = options

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

    def list_agencies(self, request: Request) -> Document:
        """`GET /v3.0/OS-AGENCY/agencies`: all, or the one of a name."""
        self._identify(request)
        name = request.parameters().get("name")
        rows = map(self._agency_row, self._options.agencies)
        return {"agencies": [row for row in rows if name in {None, row["name"]}]}

    def show_agency(self, agency_id: str, request: Request) -> Document:
        """`GET /v3.0/OS-AGENCY/agencies/{agency_id}`."""
        self._identify(request)
        return {"agency": self._agency(agency_id)}

    def delete_agency(self, agency_id: str, request: Request) -> None:
        """`DELETE /v3.0/OS-AGENCY/agencies/{agency_id}`."""
        self._identify(request)
        gone = self._agency(agency_id)["name"]
        self._options.agencies = tuple(
            name for name in self._options.agencies if name != gone
        )

    def _agency(self, agency_id: str) -> Document:
        for row in map(self._agency_row, self._options.agencies):
            if row["id"] == agency_id:
                return row
        raise iam_error(404, "Could not find the agency.", "IAM.0004")

    def _agency_row(self, name: str) -> Document:
        return {
            "id": uuid5(NAMESPACE_OID, name).hex,
            "name": name,
            "domain_id": self._account.domain_id,
            "trust_domain_name": "op_svc_css",
            "duration": "FOREVER",
            "description": "",
        }

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
