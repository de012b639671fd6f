"""NO_PROXY: which hosts are reached without a proxy."""

import fnmatch
import ipaddress
import re
from collections.abc import Callable
from typing import Final, Self

import attrs

_SEPARATORS: Final = re.compile(r"[,\s]+")
_WITH_PORT: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*):(?P<port>\d+)")

Covers = Callable[[str], bool]
"""Tells whether a host, in lower case and without brackets, is meant."""


@attrs.frozen
class NoProxy:
    """The hosts that are reached without a proxy.

    An entry is a host, which covers its subdomains too (with or without a leading dot);
    a pattern with `*`; an address of IPv4 or IPv6, bracketed or not; or a network such
    as `10.0.0.0/8`. All but a network may be followed by `:port`. What can't be read as
    any of these covers nothing.

    Attributes:
        entries: What each entry covers, and at which port (`None` for all).
    """

    entries: tuple[tuple[Covers, int | None], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the variable's value, separated by commas or whitespace."""
        return cls(
            tuple(_entry(entry) for entry in _SEPARATORS.split(text.lower()) if entry)
        )

    def covers(self, host: str, port: int | None) -> bool:
        """Tell whether a host is reached directly.

        Args:
            host: A name or an address.
            port: The port of the request.
        """
        bare = host.lower().strip("[]").rstrip(".")
        return any(at in {None, port} and covers(bare) for covers, at in self.entries)


def _entry(text: str) -> tuple[Covers, int | None]:
    found = _WITH_PORT.fullmatch(text)
    if found is None:
        return _pattern(text), None
    return _pattern(found["host"]), int(found["port"])


def _pattern(text: str) -> Covers:
    if "*" in text:
        return lambda host: fnmatch.fnmatchcase(host, text)
    try:
        network = ipaddress.ip_network(re.sub(r"[\[\]]", "", text), strict=False)
    except ValueError:
        domain = text.strip(".")
        return lambda host: host == domain or host.endswith(f".{domain}")
    return lambda host: _is_within(host, network)


def _is_within(
    host: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network
) -> bool:
    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False
