"""Addresses under one origin, which is parsed but once.

httpx parses every address it is given from its first character to its last, which
takes longer than the rest of a request. Our paths are made of constants and checked
ids, in which nothing is to be encoded or resolved, so they are put in place of the
origin's where an `httpx.URL` has the layout known here. All else is parsed.
"""

import re
from typing import Final

import httpx

_PLAIN: Final = re.compile(
    r"(?!.*/\.)/[A-Za-z0-9/._~-]*(?:\?[A-Za-z0-9&=%._~-]+)?", re.ASCII
)
_SAMPLE: Final = "/v1.0/p/clusters/c?start=1&limit=2"


class Addresses:
    """Makes addresses.

    Args:
        endpoint: A checked address, scheme and host alone.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._origin = httpx.URL(endpoint)
        self._is_known = _is_known(self._origin, endpoint)

    def at(self, target: str) -> httpx.URL:
        """Answer the address of a path with a query, both already encoded."""
        if self._is_known and _PLAIN.fullmatch(target):
            return _placed(self._origin, target)
        return httpx.URL(self._endpoint + target)


def _placed(origin: httpx.URL, target: str) -> httpx.URL:
    path, _, query = target.partition("?")
    address = object.__new__(httpx.URL)
    parts = origin._uri_reference  # noqa: SLF001 - see above
    address._uri_reference = parts._replace(path=path, query=query or None)
    return address


def _is_known(origin: httpx.URL, endpoint: str) -> bool:
    try:
        placed = _placed(origin, _SAMPLE)
        parsed = httpx.URL(endpoint + _SAMPLE)
        return vars(placed) == vars(parsed) and placed.raw_path == parsed.raw_path
    except (AttributeError, TypeError, ValueError):
        return False
