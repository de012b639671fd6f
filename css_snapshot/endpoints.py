"""Which address a region is served at, and which addresses are safe to sign for."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from css_snapshot.errors import ConfigurationError

_REGION: Final = re.compile(r"[a-z]{2,8}(?:-[a-z0-9]{1,32}){1,4}", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
_NAMED_ES: Final = frozenset({"cn-north-1", "cn-east-2"})
_OTHER_DOMAINS: Final[Mapping[str, str]] = {
    "eu-de": "otc.t-systems.com",
    "eu-nl": "otc.t-systems.com",
    "eu-ch2": "sc.otc.t-systems.com",
    "eu-west-0": "prod-cloud-ocb.orange-business.com",
}


def css_endpoint(region: str) -> str:
    """Answer the address of CSS in a region.

    Known are the regions of Huawei Cloud, of Open Telekom Cloud (`eu-de`, `eu-nl`,
    `eu-ch2`) and of Flexible Engine (`eu-west-0`). For `eu-west-101` the vendor's
    sources disagree: the one for CSS says `.com`, those for all other services say
    `.eu`, which is taken. Any address can be passed to the service instead.

    Args:
        region: For example `cn-north-4`. A region that is not known yet gets the
            form that most have.

    Raises:
        ConfigurationError: It does not look like a region.
    """
    check_region(region)
    service = "es" if region in _NAMED_ES else "css"
    return f"https://{service}.{region}.{_domain(region)}"


def iam_endpoint(region: str) -> str:
    """Answer the address of IAM for a region.

    Args:
        region: As for `css_endpoint`.

    Raises:
        ConfigurationError: It does not look like a region.
    """
    check_region(region)
    service = "iam-pub" if region == "eu-ch2" else "iam"
    return f"https://{service}.{region}.{_domain(region)}"


def check_region(region: str) -> None:
    """Check that a region can be a part of a host name.

    Raises:
        ConfigurationError: It can't.
    """
    if not isinstance(region, str) or _REGION.fullmatch(region) is None:
        raise ConfigurationError(
            "region: must be lower-case words joined by hyphens, such as cn-north-4"
        )


def check_endpoint(endpoint: str, *, allow_insecure: bool = False) -> str:
    """Check an address that credentials will be sent to.

    Args:
        endpoint: `https://host` or `https://host:port`; `http` only on loopback.
        allow_insecure: Accept `http` anywhere, which shows every request and
            answer to the network.

    Returns:
        The address without a trailing slash.

    Raises:
        ConfigurationError: It is not such an address. The message does not quote
            it, as it may hold a password.
    """
    if not isinstance(endpoint, str) or not endpoint.isascii():
        raise ConfigurationError("endpoint: must be an ASCII address")
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        raise ConfigurationError("endpoint: not an address") from None
    if "@" in parts.netloc:
        raise ConfigurationError("endpoint: must not hold a user or password")
    if parts.path not in {"", "/"} or "?" in endpoint or "#" in endpoint:
        raise ConfigurationError("endpoint: must be scheme and host alone, no path")
    host = parts.hostname or ""
    if _HOST.fullmatch(host) is None and not is_loopback(host):
        raise ConfigurationError("endpoint: has no usable host name")
    if parts.scheme == "http" and not (allow_insecure or is_loopback(host)):
        raise ConfigurationError(
            "endpoint: must be https; http is for loopback, or allow_insecure=True"
        )
    if parts.scheme not in {"http", "https"}:
        raise ConfigurationError("endpoint: must begin with https://")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port is None else f":{port}")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _domain(region: str) -> str:
    european = "eu" if region.startswith("eu-west-1") else "com"
    return _OTHER_DOMAINS.get(region, f"myhuaweicloud.{european}")
