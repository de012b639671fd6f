"""The signature SDK-HMAC-SHA256: what is signed, in which form, with which key.

From the vendor's API signing guide, chapter "AK/SK Signing and Authentication
Algorithm". The step numbers in the docstrings are those of the guide's chapters 1
(canonical request), 2 (string to sign) and 3 (signature).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Self, TypeAlias
from urllib.parse import parse_qsl, quote, unquote_to_bytes

import attrs
import httpx

from css_snapshot.auth.credentials import Credentials
from css_snapshot.auth.secret import Secret
from css_snapshot.errors import ConfigurationError

ALGORITHM: Final = "SDK-HMAC-SHA256"
_ALGORITHM: Final = ALGORITHM.encode()
_TIME: Final = b"x-sdk-date"
SIGNED_HEADERS: Final = frozenset(
    {
        b"content-type",
        b"host",
        b"x-domain-id",
        b"x-project-id",
        b"x-sdk-content-sha256",
        b"x-sdk-date",
        b"x-security-token",
    }
)
"""Lower-case names of the headers that are signed when a request has them.

What a proxy, a tracer or the transport may add or change on the way is not signed.
"""
_SIGNED_BUT_THE_TIME: Final = SIGNED_HEADERS - {_TIME}

_PLAIN_PATH: Final = (
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
)
_ANY_BYTE: Final = "surrogateescape"

_BLOCK: Final = sha256().block_size
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""Lower-case names, and values."""


def sign(
    method: str,
    url: httpx.URL | str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    credentials: Credentials,
    at: datetime,
) -> dict[str, str]:
    """Return the headers that make a request a signed one, for 15 minutes around `at`.

    Args:
        method: HTTP method.
        url: The whole address as it will be sent.
        headers: The headers as they will be sent; of them, those named in
            `SIGNED_HEADERS` are signed. `Host` is taken from the address if missing.
        body: The bytes that will be sent, empty for none.
        credentials: What to sign with.
        at: The time of signing, aware.

    Returns:
        `X-Sdk-Date`, `Authorization`, and `X-Security-Token` for temporary keys:
        to be set on the request, in place of any it has.

    Raises:
        ConfigurationError: If `at` is not aware.
    """
    address = httpx.URL(url)
    stamp = timestamp(at)
    added = {"X-Sdk-Date": stamp}
    if credentials.security_token is not None:
        added["X-Security-Token"] = credentials.security_token.reveal()
    merged = {"host": address.netloc.decode()}
    for name, value in (*headers.items(), *added.items()):
        merged[name.lower()] = value
    authorization = SigningKey(credentials).authorization(
        method.upper(),
        address.raw_path,
        stamp,
        signed_headers((n.encode(), value.encode()) for n, value in merged.items()),
        body,
    )
    return added | {"Authorization": authorization}


def timestamp(at: datetime) -> str:
    """Return the value of `X-Sdk-Date` for a time.

    Raises:
        ConfigurationError: If `at` has no time zone, so that it can't be turned into
            UTC.
    """
    if at.utcoffset() is None:
        raise ConfigurationError("clock: must return datetimes with a time zone")
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def signed_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Pick the headers to sign, but for the time of signing."""
    return tuple(
        [
            (lower, value)
            for name, value in headers
            if (lower := name.lower()) in _SIGNED_BUT_THE_TIME
        ]
    )


class SigningKey:
    """An access key and its secret, made ready for many signatures."""

    __slots__ = ("_access_key", "_form", "_inner", "_outer")

    def __init__(self, credentials: Credentials) -> None:
        self._access_key = credentials.access_key
        # The two halves of HMAC (RFC 2104) with the key already in them: copies of
        # them take half the time that copies of an `hmac` object do.
        self._inner = sha256(_padded(credentials.secret_key).translate(_INNER))
        self._outer = sha256(_padded(credentials.secret_key).translate(_OUTER))
        # The headers of one service are the same in each of its requests.
        self._form = _Form.of(())

    def authorization(
        self, method: str, target: bytes, stamp: str, headers: Headers, body: bytes
    ) -> str:
        """Return the value of `Authorization` (step 3).

        Args:
            method: HTTP method, in upper case.
            target: Path and query as sent.
            stamp: The time of signing, as `X-Sdk-Date` has it.
            headers: From `signed_headers`.
            body: The bytes that will be sent.
        """
        # Read and replaced as one, as several threads may share the key.
        form = self._form
        if headers != form.headers:
            form = self._form = _Form.of(headers)
        time = stamp.encode()
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(
            string_to_sign(time, form.canonical_request(method, target, time, body))
        )
        outer.update(inner.digest())
        return (
            f"{ALGORITHM} Access={self._access_key}, "
            f"SignedHeaders={form.names}, Signature={outer.hexdigest()}"
        )


def _padded(key: Secret) -> bytes:
    value = key.reveal().encode()
    return (sha256(value).digest() if len(value) > _BLOCK else value).ljust(
        _BLOCK, b"\0"
    )


def string_to_sign(stamp: bytes, request: bytes) -> bytes:
    """Join what the key is applied to: algorithm, time, canonical request (step 2)."""
    digest = sha256(request).hexdigest().encode()
    return b"\n".join((_ALGORITHM, stamp, digest))


# Without a repr: a security token is among the headers.
@attrs.frozen(eq=False, repr=False)
class _Form:
    """What the canonical requests with the same headers have in common.

    Attributes:
        headers: The headers, as they were given.
        names: The names of the signed headers, joined by semicolons.
        before: The canonical headers, up to the time of signing.
        after: What follows the time: further headers, an empty line, the names.
        payload: The hash of the body, if a header states it; else empty.
    """

    headers: Headers
    names: str
    before: bytes
    after: bytes
    payload: bytes

    @classmethod
    def of(cls, headers: Headers) -> Self:
        """Put headers into the form and order they are signed in."""
        ordered = sorted([(name, value.strip()) for name, value in headers])
        earlier = [header for header in ordered if header[0] < _TIME]
        later = ordered[len(earlier) :]
        names = b";".join([name for name, _ in (*earlier, (_TIME, b""), *later)])
        return cls(
            headers,
            names.decode(),
            b"".join([b"%b:%b\n" % header for header in earlier]) + _TIME + b":",
            b"\n" + b"".join([b"%b:%b\n" % header for header in later]) + b"\n" + names,
            dict(ordered).get(b"x-sdk-content-sha256", b""),
        )

    def canonical_request(
        self, method: str, target: bytes, stamp: bytes, body: bytes
    ) -> bytes:
        """Put a request into the one form that client and server agree on (step 1).

        Args:
            method: HTTP method, in upper case.
            target: Path and query as sent.
            stamp: The time of signing.
            body: The bytes that will be sent.
        """
        path, _, query = target.partition(b"?")
        return b"\n".join(
            (
                method.encode(),
                canonical_path(path),
                canonical_query(query) if query else b"",
                self.before + stamp + self.after,
                # An empty header states nothing: the vendor's signers hash the body.
                self.payload or sha256(body).hexdigest().encode(),
            )
        )


def canonical_path(path: bytes) -> bytes:
    """Decode a path, encode all but unreserved characters, and end it in a slash."""
    if path.translate(None, _PLAIN_PATH):
        path = quote(unquote_to_bytes(path), safe="/").encode()
    return path if path.endswith(b"/") else path + b"/"


def canonical_query(query: bytes) -> bytes:
    """Decode a query, sort it by name and value, and encode all but unreserved."""
    pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors=_ANY_BYTE)
    encoded = [
        f"{quote(name, '', errors=_ANY_BYTE)}={quote(value, '', errors=_ANY_BYTE)}"
        for name, value in sorted(pairs)
    ]
    return "&".join(encoded).encode()
