"""The refusal of requests that come from elsewhere: other hosts, other sites' pages."""

import hmac
import ipaddress
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from css_snapshot.emulator.cloud.request import Request
from css_snapshot.emulator.cloud.vendor_errors import VendorError, gateway_error

_OWN_SITE: Final = ("same-origin", "none")
_BODIES: Final = ("POST", "PATCH")


class Hosts:
    """The names under which the emulator responds.

    A page of another site can make a name of its own lead to this machine (DNS
    rebinding) and then read what the emulator says; it can't make its requests carry
    another `Host` than that name.

    Args:
        bound: The address that is listened on. If it is not of this machine alone, all
            addresses are served, but no more names.
        names: Names to serve as well.
    """

    def __init__(self, bound: str, names: Iterable[str] = ()) -> None:
        self._names = {"localhost", bound.lower(), *(name.lower() for name in names)}
        self._any_address = not _is_loopback(bound)

    def serves(self, host: str) -> bool:
        """Return whether requests for a host are served.

        Args:
            host: The value of the header `Host`, with or without a port.
        """
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._names or _is_loopback(name):
            return True
        return self._any_address and _is_address(name)


def refuse_foreign(request: Request, hosts: Hosts | None) -> VendorError | None:
    """Return the refusal of a request from elsewhere, `None` for a good one.

    Args:
        request: The request.
        hosts: The names that are served, `None` for every one.
    """
    host = request.header("host") or ""
    if hosts is not None and not hosts.serves(host):
        text = "The API does not exist or has not been published under this host"
        return gateway_error(404, "APIGW.0101", text)
    origin = request.header("origin")
    site = request.header("sec-fetch-site") or "none"
    if site not in _OWN_SITE or origin not in (None, request.origin):
        return gateway_error(403, "APIGW.0306", "The page of another site is refused")
    return None


def check_admin(request: Request, token: str) -> None:
    """Check the token and the content type of a call under `/_emulator/`.

    Args:
        request: The request.
        token: The admin token.

    Raises:
        VendorError: 401 APIGW.0301 if the token is missing or wrong, 415 if a body is
            not declared as JSON, as no form of a page can declare it.
    """
    given = (request.header("x-emulator-token") or "").encode("latin-1")
    if not hmac.compare_digest(given, token.encode()):
        text = "X-Emulator-Token is missing or wrong"
        raise gateway_error(401, "APIGW.0301", text)
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if request.method in _BODIES and kind != "application/json":
        raise gateway_error(415, "APIGW.0201", "The body is not application/json")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    return _is_address(name) and ipaddress.ip_address(name).is_loopback
