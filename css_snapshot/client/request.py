"""Requests to one endpoint and project: what never changes about them is made once."""

import platform
import re
from typing import Final, TypeVar

import httpx

from css_snapshot.api.operations import Operation
from css_snapshot.errors import ConfigurationError

T = TypeVar("T")

_CONNECT_SECONDS: Final = 10.0
_MAY_BE_WITHOUT_BODY: Final = frozenset({"DELETE", "GET"})
_PLAIN: Final = re.compile(
    r"(?!.*/\.)/[A-Za-z0-9/._~-]*(?:\?[A-Za-z0-9&=%._~-]+)?", re.ASCII
)
_SAMPLE: Final = "/v1.0/p/clusters/c?start=1&limit=2"


class Outgoing:
    """Makes requests, without credentials.

    Args:
        endpoint: A checked address, scheme and host alone.
        project_id: A checked id.
        language: Language of the vendor's error texts.
    """

    def __init__(self, endpoint: str, project_id: str, language: str) -> None:
        self._addresses = Addresses(endpoint)
        self._project_id = project_id
        self._headers = [
            (b"Host", httpx.URL(endpoint).netloc),
            (b"Content-Type", b"application/json"),
            (b"Accept", b"application/json"),
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", _user_agent().encode("ascii")),
            (b"X-Language", language.encode("ascii")),
            (b"X-Project-Id", project_id.encode("ascii")),
        ]

    def request(self, operation: Operation[T], limit: float) -> httpx.Request:
        """Make the request of one attempt.

        Args:
            operation: What to do.
            limit: Wall-clock limit of the attempt, in seconds.

        Raises:
            ConfigurationError: The path would change on the way.
        """
        target = operation.target(self._project_id)
        url = self._addresses.at(target)
        if url.raw_path != target.encode():
            raise ConfigurationError(f"{target} would not be requested as it is")
        method, body = operation.call.method, operation.body or b""
        headers = self._headers
        if body or method not in _MAY_BE_WITHOUT_BODY:
            headers = [*headers, (b"Content-Length", b"%d" % len(body))]
        # Below the attempt's own limit, so that a connection that is never made is
        # reported as that: proof that nothing was sent.
        before_sending = min(_CONNECT_SECONDS, limit / 2)
        request = httpx.Request(
            method,
            url,
            headers=headers,
            stream=httpx.ByteStream(body),
            extensions={
                "timeout": {
                    "connect": before_sending,
                    "pool": before_sending,
                    "read": limit,
                    "write": None,
                }
            },
        )
        # Such a stream httpx does not read by itself, as it does `content`, which it
        # takes many times as long for.
        request.read()
        return request


def _user_agent() -> str:
    # Where it is used, as it takes longer to import than all the rest of this package.
    from importlib import metadata  # noqa: PLC0415

    try:
        version = metadata.version("css-snapshot")
    except metadata.PackageNotFoundError:
        version = "unknown"
    return f"css-snapshot/{version} python/{platform.python_version()}"


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
