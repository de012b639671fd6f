"""The look-up of a project's id by its name: `GET /v3/projects`."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

import httpx

from css_snapshot.auth import iam
from css_snapshot.auth.issuer import ask, open_transport
from css_snapshot.client.refusal import error_for
from css_snapshot.errors import ConfigurationError

PATH: Final = "/v3/projects"


async def look_up_project(
    name: str,
    *,
    endpoint: str,
    auth: httpx.Auth,
    transport: httpx.AsyncBaseTransport | None,
    timeout: float,
) -> str:
    """Return the id of the only project that has a name.

    Args:
        name: The project's name; that of a built-in one is its region's.
        endpoint: The address of IAM.
        auth: Authenticates the request.
        transport: Carries the request, and stays the caller's to close; by default
            one is made and closed.
        timeout: Seconds that IAM has to respond.

    Raises:
        ConfigurationError: If there is no such project, or several.
        APIError: If IAM refused.
        TransportError: If no response arrived.
    """
    url = httpx.URL(f"{endpoint}{PATH}", params={"name": name})
    request = httpx.Request("GET", url, headers={"Accept-Encoding": "identity"})
    async with open_transport(transport) as opened:
        response = await ask(opened, request, limit=timeout, name="IAM", auth=auth)
    if response.status_code != HTTPStatus.OK:
        raise error_for(response, "GET", PATH)
    ids = list(dict.fromkeys(_ids(response)))
    if not ids:
        raise ConfigurationError(
            f"project_id: IAM shows no project named {name} to this key;"
            " pass project_id, or grant it iam:projects:listProjects"
        )
    if len(ids) > 1:
        raise ConfigurationError(
            f"project_id: IAM shows {len(ids)} projects named {name}:"
            f" {', '.join(ids)}; pass the id of one"
        )
    return ids[0]


def _ids(response: httpx.Response) -> Iterator[str]:
    rows = iam.read_document(response.content).get("projects")
    for row in rows if isinstance(rows, list) else ():
        found = row.get("id") if isinstance(row, dict) else None
        if isinstance(found, str) and found:
            yield found
