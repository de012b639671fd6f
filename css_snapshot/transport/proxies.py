"""The proxies that the environment names: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY."""

import importlib.util
import os
import urllib.request
from collections.abc import Mapping
from typing import Final, Self

import attrs
import httpx

from css_snapshot.endpoints import is_loopback
from css_snapshot.errors import ConfigurationError
from css_snapshot.transport.no_proxy import NoProxy

Origin = tuple[str, str, int | None]
"""Scheme, host and port (`None` for the scheme's own) of a request."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
LAST_PORT: Final = 65535


@attrs.frozen
class Proxy:
    """A proxy, and where it is named.

    Attributes:
        variable: The environment variable, for messages: the address itself may hold
            a password.
        address: The address, as httpx takes it.
    """

    variable: str
    address: httpx.Proxy = attrs.field(repr=False)

    @property
    def scheme(self) -> str:
        """The protocol it is spoken to in."""
        return self.address.url.scheme

    @property
    def is_socks(self) -> bool:
        """Whether it is a SOCKS proxy, not an HTTP one."""
        return self.scheme.startswith("socks")


@attrs.frozen
class EnvironmentProxies:
    """Which proxy, if any, leads to an origin.

    A proxy is looked at when an origin needs it, so that one that can't be used stops
    nobody else.

    Attributes:
        urls: Proxy by scheme (`http`, `https`, `all`) and, under `no`, the hosts
            that are reached directly, as `urllib` reads them from the environment.
    """

    urls: Mapping[str, str] = attrs.field(repr=False)
    _direct: NoProxy = attrs.field(
        default=attrs.Factory(
            lambda self: NoProxy.parse(self.urls.get("no", "")), takes_self=True
        ),
        init=False,
        repr=False,
    )

    @classmethod
    def from_env(cls) -> Self:
        """Read the environment as it is now."""
        return cls(urllib.request.getproxies())

    def for_origin(self, origin: Origin) -> Proxy | None:
        """Return the proxy for an origin, `None` to go there directly.

        Raises:
            ConfigurationError: If the proxy's address can't be used.
        """
        scheme, host, port = origin
        kind = next((kind for kind in (scheme, "all") if self.urls.get(kind)), None)
        if kind is None or is_loopback(host):
            return None
        if self._direct.covers(host, port or _DEFAULT_PORTS.get(scheme)):
            return None
        # The address may hold a password, so neither it nor httpx's own error, which
        # quotes it, gets into the message, or into a variable of this function.
        variable = _variable(kind)
        address = _parsed(self.urls[kind])
        if address is None:
            raise ConfigurationError(
                f"{variable}: is not the address of a proxy that can be used; it must"
                " begin with http://, https://, socks5:// or socks5h://"
            )
        proxy = Proxy(variable, address)
        if proxy.is_socks and not _has_socks():
            raise ConfigurationError(
                f"{variable}: is a SOCKS proxy, which needs the package socksio"
            )
        return proxy


def _variable(kind: str) -> str:
    """Return the variable that `urllib` took the proxy from: lower case goes first."""
    name = f"{kind}_proxy"
    return name if os.environ.get(name) else name.upper()


def _parsed(address: str) -> httpx.Proxy | None:
    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
    except (ValueError, httpx.InvalidURL):
        return None
    usable = proxy.url.host and (proxy.url.port or 0) <= LAST_PORT
    return proxy if usable else None


def _has_socks() -> bool:
    return importlib.util.find_spec("socksio") is not None
