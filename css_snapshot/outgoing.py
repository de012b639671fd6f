"""Requests to one endpoint and project: what never changes about them is made once."""

import platform
from typing import Final, TypeVar

import httpx

from css_snapshot.addresses import Addresses
from css_snapshot.errors import ConfigurationError
from css_snapshot.operations import Operation

T = TypeVar("T")

_CONNECT_SECONDS: Final = 10.0
_MAY_BE_WITHOUT_BODY: Final = frozenset({"DELETE", "GET"})


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
