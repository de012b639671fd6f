"""The metadata that Airflow reads of a package with a connection type."""

from typing import Final

from css_snapshot.integrations.airflow.connection import CONNECTION_TYPE, HOOK_NAME

_FIELDS: Final = {
    "region": "Region, such as cn-north-4",
    "endpoint": "Endpoint of the service, instead of the region's",
    "project_id": "Id of the project",
    "domain": "Account of the IAM user, if login and password are a user's",
    "iam_endpoint": "Endpoint of IAM, instead of the region's",
}
_SECRET_FIELDS: Final = {"security_token": "Security token of temporary keys"}


def provider_info() -> dict[str, object]:
    """Return the provider's metadata; the entry point `apache_airflow_provider`."""
    return {
        "package-name": "css-snapshot",
        "name": "css_snapshot",
        "description": "Snapshots of Huawei Cloud Search Service (CSS) clusters",
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-class-name": f"{__package__}.hook.SnapshotHook",
                "hook-name": HOOK_NAME,
                "ui-field-behaviour": {
                    "hidden-fields": ["host", "port", "schema"],
                    "relabeling": {
                        "login": "Access key (AK)",
                        "password": "Secret key (SK)",
                    },
                },
                "conn-fields": _field_definitions(),
            }
        ],
    }


def _field_definitions() -> dict[str, object]:
    text = {"type": ["string", "null"]}
    secret = {**text, "format": "password"}
    return {
        **{name: {"label": label, "schema": text} for name, label in _FIELDS.items()},
        **{
            name: {"label": label, "schema": secret}
            for name, label in _SECRET_FIELDS.items()
        },
    }
