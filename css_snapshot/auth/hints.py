"""Variables in which other tools look for keys, for the hint in an error message."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

ACCESS_KEY: Final = "HUAWEICLOUD_SDK_AK"
SECRET_KEY: Final = "HUAWEICLOUD_SDK_SK"  # noqa: S105 - the name of a variable
SECURITY_TOKEN: Final = "HUAWEICLOUD_SDK_SECURITY_TOKEN"  # noqa: S105 - likewise
PROJECT_ID: Final = "HUAWEICLOUD_SDK_PROJECT_ID"
TOKEN: Final = "HUAWEICLOUD_SDK_TOKEN"  # noqa: S105 - likewise

_READ: Final[Mapping[str, str]] = {
    "ACCESS_KEY": ACCESS_KEY,
    "ACCESS_KEY_ID": ACCESS_KEY,
    "ACCESSKEY": ACCESS_KEY,
    "AK": ACCESS_KEY,
    "SECRET_KEY": SECRET_KEY,
    "SECRET_ACCESS_KEY": SECRET_KEY,
    "SECRETKEY": SECRET_KEY,
    "SK": SECRET_KEY,
    "SECURITY_TOKEN": SECURITY_TOKEN,
    "AUTH_TOKEN": TOKEN,
    "TOKEN": TOKEN,
}
# Terraform's provider reads HW_…, OpenStack's clients OS_…, the OTC's OTC_….
_OTHERS: Final = re.compile(
    r"(?:(?:HW|HWC|HWCLOUD|HUAWEI|HUAWEICLOUD|OS|OTC|CLOUD|CSS|SDK)_)+"
    rf"({'|'.join(_READ)})"
)


def misnamed(variables: Iterable[str]) -> str:
    """Say which variables look like keys, but are not read; empty if none does.

    Args:
        variables: Names of variables that are set.
    """
    found = {
        name: match[1]
        for name in variables
        if name not in _READ.values() and (match := _OTHERS.fullmatch(name.upper()))
    }
    return "".join(
        f"; {name} is set, but {_READ[kind]} is what is read"
        for name, kind in sorted(found.items())
    )
