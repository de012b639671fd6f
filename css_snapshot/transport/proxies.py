"""Proxies the environment names: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY."""

import importlib.util
import urllib.request
from collections.abc import Mapping
from typing import Final, Self

import attrs
import httpx

from css_snapshot.endpoints import is_loopback
from css_snapshot.errors import ConfigurationError

Origin = tuple[str, str, int | None]
"""Scheme, host and port (`None` for the scheme's own) of a request."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LAST_PORT: Final = 65535


@attrs.frozen
class EnvironmentProxies:
    """Which proxy, if any, leads to an origin.

    Attributes:
        urls: Proxy by scheme (`http`, `https`, `all`) and, under `no`, the hosts
            that are reached directly, as `urllib` reads them from the environment.
    """

    urls: Mapping[str, str] = attrs.field(repr=False)

    @classmethod
    def from_env(cls) -> Self:
        """Read the environment now, and check what it says.

        Raises:
            ConfigurationError: A proxy's address can't be used.
        """
        proxies = cls(urllib.request.getproxies())
        for scheme in ("http", "https"):
            proxies._for_scheme(scheme)
        return proxies

    def for_origin(self, origin: Origin) -> httpx.Proxy | None:
        """Answer the proxy for an origin, `None` to go there directly."""
        scheme, host, port = origin
        port = port or _DEFAULT_PORTS.get(scheme)
        if (
            is_loopback(host)
            or self._bypassed(host)
            or self._bypassed(f"{host}:{port}")
        ):
            return None
        return self._for_scheme(scheme)

    def _bypassed(self, host: str) -> bool:
        return bool(
            urllib.request.proxy_bypass_environment(host, dict(self.urls))  # type: ignore[attr-defined]  # typeshed has only proxy_bypass
        )

    def _for_scheme(self, scheme: str) -> httpx.Proxy | None:
        if not self._address(scheme):
            return None
        # The address may hold a password, so neither it nor httpx's own error, which
        # quotes it, gets into the message, or into a variable of this function.
        proxy = _parsed(self._address(scheme))
        if proxy is None:
            raise ConfigurationError(
                f"the proxy for {scheme} in the environment is not a usable address"
            )
        if proxy.url.scheme.startswith("socks") and not _has_socks():
            raise ConfigurationError(
                f"the proxy for {scheme} in the environment is a SOCKS proxy, which"
                " needs the package socksio"
            )
        return proxy

    def _address(self, scheme: str) -> str:
        return self.urls.get(scheme) or self.urls.get("all") or ""


def _parsed(address: str) -> httpx.Proxy | None:
    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
    except (ValueError, httpx.InvalidURL):
        return None
    usable = proxy.url.host and (proxy.url.port or 0) <= _LAST_PORT
    return proxy if usable else None


def _has_socks() -> bool:
    return importlib.util.find_spec("socksio") is not None
