"""The service that an Airflow connection describes."""

import json
from typing import Final, Protocol

import httpx

from css_snapshot.auth import AkSkAuth, Credentials, PasswordAuth
from css_snapshot.errors import ConfigurationError
from css_snapshot.service import SnapshotService

CONNECTION_TYPE: Final = "css_snapshot"
HOOK_NAME: Final = "Huawei Cloud CSS snapshots"

_EXTRA: Final = frozenset(
    {"domain", "endpoint", "iam_endpoint", "project_id", "region", "security_token"}
)


class Connection(Protocol):
    """The fields of an Airflow connection that are read."""

    conn_id: str
    login: str | None
    password: str | None
    extra: str | None


def service_for(connection: Connection) -> SnapshotService:
    """Create a service from a connection.

    Args:
        connection: Its fields, as the docstring of the package explains them.

    Raises:
        ConfigurationError: If a field is missing or invalid.
    """
    extra = _extra_of(connection)
    return SnapshotService(
        project_id=extra.get("project_id"),
        auth=_auth(connection, extra),
        region=extra.get("region"),
        endpoint=extra.get("endpoint"),
    )


def _auth(connection: Connection, extra: dict[str, str]) -> httpx.Auth:
    if not connection.login or not connection.password:
        raise ConfigurationError(
            f"connection {connection.conn_id}: login and password are needed, which"
            " are the access key and the secret key"
        )
    domain = extra.get("domain")
    if domain is None:
        return AkSkAuth(
            Credentials(
                access_key=connection.login,
                secret_key=connection.password,
                security_token=extra.get("security_token"),
            )
        )
    project = extra.get("project_id") or extra.get("region")
    if project is None:
        raise ConfigurationError(
            f"connection {connection.conn_id}: project_id or region is needed"
        )
    return PasswordAuth(
        connection.login,
        connection.password,
        domain,
        project,
        region=extra.get("region"),
        iam_endpoint=extra.get("iam_endpoint"),
    )


def _extra_of(connection: Connection) -> dict[str, str]:
    try:
        extra: object = json.loads(connection.extra or "{}")
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        # Without the parser's own error, which holds the whole text.
        raise ConfigurationError(
            f"connection {connection.conn_id}: the extra is not a JSON object"
        )
    unknown = sorted(set(extra) - _EXTRA)
    if unknown:
        raise ConfigurationError(
            f"connection {connection.conn_id}: unknown in the extra:"
            f" {', '.join(unknown)}; known: {', '.join(sorted(_EXTRA))}"
        )
    return {key: str(value) for key, value in extra.items() if value}
