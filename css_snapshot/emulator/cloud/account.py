"""The one account of the emulated cloud, with its one project."""

from collections.abc import Mapping

import attrs

IDP_ID = "emulator-idp"
ID_TOKEN = "emulator-id-token-for-tests-only"  # noqa: S105 - well-known fake


@attrs.frozen(kw_only=True)
class Account:
    """An account, by whose names its users log in.

    Attributes:
        domain: Name of the account.
        domain_id: Its id.
        project_id: Id of the project.
        project_name: Name of the project, which is that of its region.
        agencies: Names of the agencies that may be assumed.
        roles: Names of the roles in a token.
        identity_providers: The id token that each identity provider vouches for.
    """

    domain: str = "emulator-domain"
    domain_id: str = "d0000000000000000000000000000001"
    project_id: str
    project_name: str = "cn-north-4"
    agencies: tuple[str, ...] = ("css_obs_agency",)
    roles: tuple[str, ...] = ("css_adm",)
    identity_providers: Mapping[str, str] = attrs.field(
        factory=lambda: {IDP_ID: ID_TOKEN}, repr=False
    )

    def domain_row(self) -> dict[str, object]:
        """Return the account as tokens and users name it."""
        return {"id": self.domain_id, "name": self.domain}

    def project_row(self) -> dict[str, object]:
        """Return the project as the list of projects shows it."""
        return {
            "id": self.project_id,
            "name": self.project_name,
            "domain_id": self.domain_id,
            "parent_id": self.domain_id,
            "enabled": True,
            "is_domain": False,
            "description": "",
        }

    def catalog(self, origin: str, project_id: str | None) -> list[dict[str, object]]:
        """Return the services that a token opens, with their public endpoints.

        Args:
            origin: The address at which the client found the emulator.
            project_id: The project of the token, if any; without it there is no CSS.
        """
        services = {("identity", "keystone"): "/v3", ("iam", "iam"): "/v3"}
        if project_id is not None:
            services["css", "css"] = f"/v1.0/{project_id}"
        return [
            {
                "id": f"emulator-{kind}",
                "type": kind,
                "name": name,
                "endpoints": [self._endpoint(kind, origin + path)],
            }
            for (kind, name), path in services.items()
        ]

    def _endpoint(self, kind: str, url: str) -> dict[str, object]:
        region = self.project_name
        return {
            "id": f"emulator-{kind}-public",
            "interface": "public",
            "region": region,
            "region_id": region,
            "url": url,
        }
