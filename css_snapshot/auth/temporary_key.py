"""A temporary key, as IAM and the metadata service of an instance hand it out."""

from collections.abc import Mapping

import httpx

from css_snapshot.auth import iam
from css_snapshot.auth.credentials import Credentials
from css_snapshot.errors import ConfigurationError, InvalidResponseError


def read_temporary_key(response: httpx.Response, method: str, path: str) -> Credentials:
    """Read a temporary key from a response, as IAM and metadata services write it.

    Args:
        response: A fully read response.
        method: HTTP method of the request, for the error message.
        path: Path of the request, for the error message.

    Raises:
        InvalidResponseError: If there is no whole key in it.
    """
    credentials = _credentials(iam.read_document(response.content).get("credential"))
    if credentials is None:
        raise unreadable(response, method, path)
    return credentials


def unreadable(
    response: httpx.Response, method: str, path: str
) -> InvalidResponseError:
    """Return the error for a success that is not what was asked for."""
    return InvalidResponseError(
        f"{method} {path}: the response is not what was asked for",
        status=response.status_code,
        method=method,
        path=path,
    )


def _credentials(found: object) -> Credentials | None:
    if not isinstance(found, Mapping):
        return None
    ends = iam.read_time(found.get("expires_at"))
    if ends is None or "securitytoken" not in found:
        return None
    try:
        return Credentials(
            access_key=found.get("access", ""),
            secret_key=found.get("secret", ""),
            security_token=found["securitytoken"],
            expires_at=ends,
        )
    except ConfigurationError:
        return None
