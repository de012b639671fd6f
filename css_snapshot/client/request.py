"""Requests without credentials, to one endpoint.

httpx parses each URL it is given from the first character to the last, which takes
longer than the rest of a request. Our paths are made of constants and checked ids, in
which nothing is to be encoded or resolved, so they are put in place of the origin's
path where an `httpx.URL` has the layout known here. All else is parsed.
"""

import functools
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
_APPLICATION: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}(?:/[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64})?", re.ASCII
)


class RequestBuilder:
    """Builds requests, without credentials.

    Args:
        endpoint: A checked address, scheme and host alone.
        language: Language of the vendor's error texts.
        application: The program that uses this library, such as `my-app/1.2`, for the
            user agent.

    Attributes:
        endpoint: The address.

    Raises:
        ConfigurationError: If `application` is not a name, or a name and a version.
    """

    def __init__(
        self, endpoint: str, *, language: str, application: str | None = None
    ) -> None:
        self.endpoint = endpoint
        self._origin = httpx.URL(endpoint)
        self._layout_is_known = _is_known(self._origin, endpoint)
        self._common = (
            (b"Host", self._origin.netloc),
            (b"Content-Type", b"application/json"),
            (b"Accept", b"application/json"),
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", _user_agent(application).encode("ascii")),
            (b"X-Language", language.encode("ascii")),
        )
        # The requests of a fleet have a few lengths only, if not the same.
        self._headers = functools.lru_cache(maxsize=64)(self._prepare)

    def build(
        self, operation: Operation[T], project_id: str, limit: float
    ) -> httpx.Request:
        """Return the request of one attempt.

        Args:
            operation: What to do.
            project_id: The project's id, checked.
            limit: Wall-clock limit of the attempt, in seconds.

        Raises:
            ConfigurationError: If the path would change on the way.
        """
        method, body = operation.call.method, operation.body or b""
        states_length = bool(body) or method not in _MAY_BE_WITHOUT_BODY
        length = len(body) if states_length else None
        # Below the attempt's own limit, so that a connection that is never made is
        # reported as that: proof that nothing was sent.
        before_sending = min(_CONNECT_SECONDS, limit / 2)
        request = httpx.Request(
            method,
            self._url(operation.target(project_id)),
            headers=self._headers(project_id, length),
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

    def _prepare(self, project_id: str, length: int | None) -> httpx.Headers:
        """Make headers for `httpx.Request`, which copies them."""
        headers = [*self._common, (b"X-Project-Id", project_id.encode("ascii"))]
        if length is not None:
            headers.append((b"Content-Length", b"%d" % length))
        return httpx.Headers(headers)

    def _url(self, target: str) -> httpx.URL:
        if self._layout_is_known and _PLAIN.fullmatch(target):
            url = _placed(self._origin, target)
        else:
            url = httpx.URL(self.endpoint + target)
        if url.raw_path != target.encode():
            raise ConfigurationError(f"{target} would not be requested as it is")
        return url


def _placed(origin: httpx.URL, target: str) -> httpx.URL:
    path, _, query = target.partition("?")
    url = object.__new__(httpx.URL)
    parts = origin._uri_reference  # noqa: SLF001 - see above
    scheme, user, host, port, _, _, fragment = parts
    url._uri_reference = type(parts)(
        scheme, user, host, port, path, query or None, fragment
    )
    return url


def _is_known(origin: httpx.URL, endpoint: str) -> bool:
    try:
        placed = _placed(origin, _SAMPLE)
        parsed = httpx.URL(endpoint + _SAMPLE)
        return vars(placed) == vars(parsed) and placed.raw_path == parsed.raw_path
    except (AttributeError, TypeError, ValueError):
        return False


def _user_agent(application: str | None) -> str:
    # Imported where it is used, as it takes longer than all the rest of this package.
    from css_snapshot.version import __version__  # noqa: PLC0415

    ours = f"css-snapshot/{__version__} python/{platform.python_version()}"
    if application is None:
        return ours
    if not isinstance(application, str) or _APPLICATION.fullmatch(application) is None:
        raise ConfigurationError(
            "application: must be a name, or a name and a version, such as my-app/1.2"
        )
    return f"{application} {ours}"
