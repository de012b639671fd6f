"""The addresses that credentials may be sent to."""

import contextlib
import ipaddress
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from css_snapshot.errors import ConfigurationError, unchained

_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
_NAMED_ES: Final = frozenset({"cn-north-1", "cn-east-2"})
_HUAWEI_CLOUD: Final = (
    *("ae-ad-1", "af-north-1", "af-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "cn-east-2", "cn-east-3"),
    *("cn-east-4", "cn-east-5", "cn-north-1", "cn-north-11", "cn-north-12"),
    *("cn-north-2", "cn-north-4", "cn-north-9", "cn-south-1", "cn-south-2"),
    *("cn-south-4", "cn-southwest-2", "cn-southwest-3", "la-north-2", "la-south-2"),
    *("me-east-1", "my-kualalumpur-1", "na-mexico-1", "sa-brazil-1", "tr-west-1"),
)
_DOMAINS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_HUAWEI_CLOUD, "myhuaweicloud.com"),
    # The vendor's list for CSS says .com, those for all its other services say .eu.
    "eu-west-101": "myhuaweicloud.eu",
    "eu-de": "otc.t-systems.com",
    "eu-nl": "otc.t-systems.com",
    "eu-ch2": "sc.otc.t-systems.com",
    "eu-west-0": "prod-cloud-ocb.orange-business.com",
    # The vendor's list says myhuaweicloud.com, but another company runs this region:
    # https://registry.terraform.io/providers/sbercloud-terraform/sbercloud
    "ru-moscow-1": "hc.sbercloud.ru",
}


def css_endpoint(region: str) -> str:
    """Return the address of CSS in a region.

    Known are the regions of Huawei Cloud, of Open Telekom Cloud (`eu-de`, `eu-nl`,
    `eu-ch2`), of Flexible Engine (`eu-west-0`) and of SberCloud, now Cloud.ru
    (`ru-moscow-1`). The address of another one is passed to the service itself.

    Args:
        region: For example `cn-north-4`.

    Raises:
        ConfigurationError: If the region is not known. Credentials are not sent to an
            address that is only guessed.
    """
    domain = _domain(region, "`endpoint` (in the environment: CSS_ENDPOINT)")
    service = "es" if region in _NAMED_ES else "css"
    return f"https://{service}.{region}.{domain}"


def iam_endpoint(region: str) -> str:
    """Return the address of IAM for a region.

    Args:
        region: As for `css_endpoint`.

    Raises:
        ConfigurationError: If the region is not known.
    """
    domain = _domain(region, "`iam_endpoint`")
    service = "iam-pub" if region == "eu-ch2" else "iam"
    return f"https://{service}.{region}.{domain}"


def check_endpoint(endpoint: str, *, allow_insecure: bool = False) -> str:
    """Check an address that credentials will be sent to.

    Args:
        endpoint: `https://host` or `https://host:port`, an address of IPv6 in
            brackets; `http` only on loopback.
        allow_insecure: Accept `http` anywhere, which shows every request and
            response to the network.

    Returns:
        The address without a trailing slash.

    Raises:
        ConfigurationError: If `endpoint` is not such an address. The message does not
            quote it, as it may contain a password.
    """
    if not isinstance(endpoint, str) or not endpoint.isascii():
        raise ConfigurationError("endpoint: must be an ASCII address")
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        # Its text quotes what it can't read, which may be a password.
        with unchained:
            raise ConfigurationError("endpoint: not an address") from None
    if "@" in parts.netloc:
        raise ConfigurationError("endpoint: must not contain a user or password")
    if parts.path not in {"", "/"} or "?" in endpoint or "#" in endpoint:
        raise ConfigurationError("endpoint: must be scheme and host alone, no path")
    host = _checked_host(parts.hostname or "", bracketed="[" in parts.netloc)
    if parts.scheme == "http" and not (allow_insecure or is_loopback(host)):
        raise ConfigurationError(
            "endpoint: must be https; http is for loopback, or allow_insecure=True"
        )
    if parts.scheme not in {"http", "https"}:
        raise ConfigurationError("endpoint: must begin with https://")
    return f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")


def is_loopback(host: str) -> bool:
    """Check whether a host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _checked_host(host: str, *, bracketed: bool) -> str:
    """Return a host as it is written in an address."""
    if not bracketed and _HOST.fullmatch(host):
        return host
    if bracketed and "%" not in host:
        with contextlib.suppress(ValueError):
            return f"[{ipaddress.IPv6Address(host)}]"
    raise ConfigurationError("endpoint: has no usable host name")


def _domain(region: str, argument: str) -> str:
    domain = _DOMAINS.get(region) if isinstance(region, str) else None
    if domain is None:
        raise ConfigurationError(
            f"region: {region!r:.40} is not known; pass the address of the service as"
            f" {argument}; known regions: {', '.join(sorted(_DOMAINS))}"
        )
    return domain
