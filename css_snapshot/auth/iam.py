"""The addresses of IAM, and the form in which it reads and writes."""

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import httpx

from css_snapshot.auth.secret import Secret
from css_snapshot.endpoints import check_endpoint, iam_endpoint
from css_snapshot.errors import ConfigurationError

ENDPOINT_VARIABLE: Final = "HUAWEICLOUD_SDK_IAM_ENDPOINT"
"""Names the address of IAM, where no argument does; the vendor's SDKs read it too."""

_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_REGION_PROJECT: Final = re.compile(r"([a-z]{2,8}(?:-[a-z0-9]+){1,3})(?:_.*)?")


def named(name_or_id: str, prefix: str = "") -> dict[str, str]:
    """Refer to a project or domain: 32 hexadecimal digits are an id, else a name."""
    return {f"{prefix}id" if _ID.fullmatch(name_or_id) else f"{prefix}name": name_or_id}


def address(endpoint: str | None, region: str | None, project: str = "") -> str:
    """Choose the address of IAM.

    Args:
        endpoint: The address itself, if known; else the environment may tell it.
        region: Else the region it serves.
        project: Else a project named after its region, as built-in projects are.

    Raises:
        ConfigurationError: If none of them tells, or the address is not safe.
    """
    stated = stated_address(endpoint, os.environ.get(ENDPOINT_VARIABLE))
    if stated is not None:
        return stated
    return iam_endpoint(_region_of(project) if region is None else region)


def stated_address(argument: str | None, variable: str | None) -> str | None:
    """Return the address of IAM that is stated, if one is.

    Args:
        argument: The argument `iam_endpoint`.
        variable: Else the value of the environment's variable.

    Raises:
        ConfigurationError: If the address is not safe.
    """
    source = "iam_endpoint" if argument else ENDPOINT_VARIABLE
    stated = (argument or variable or "").strip()
    if not stated:
        return None
    try:
        return check_endpoint(stated.rstrip("/").removesuffix("/v3"))
    except ConfigurationError as fault:
        rule = str(fault).partition(": ")[2]
        raise ConfigurationError(f"{source}: {rule}") from None


def _region_of(project: str) -> str:
    found = _REGION_PROJECT.fullmatch(project)
    if found is None:
        raise ConfigurationError(
            "iam_endpoint or region: one is needed, as the project is not named after"
            " its region"
        )
    return found[1]


def post(
    url: str, document: object, headers: Mapping[str, str | Secret]
) -> httpx.Request:
    """Make a request with a JSON body.

    Secrets in the document and in the headers are revealed here alone: none is ever
    in a local variable, which tools that print tracebacks like to show.

    Args:
        url: Where to.
        document: The body.
        headers: Headers besides those of any such request.
    """
    return httpx.Request(
        "POST",
        url,
        headers=[
            ("Content-Type", "application/json;charset=utf8"),
            ("Accept-Encoding", "identity"),
            *(
                (name, value.reveal() if isinstance(value, Secret) else value)
                for name, value in headers.items()
            ),
        ],
        content=json.dumps(document, default=Secret.reveal),
    )


def read_document(content: bytes) -> Mapping[str, object]:
    """Read a JSON object; anything else is read as an empty one."""
    try:
        document: object = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def read_time(text: object) -> datetime | None:
    """Read a time as IAM writes it: in UTC if it states no zone."""
    if not isinstance(text, str):
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
