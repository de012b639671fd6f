"""The signature SDK-HMAC-SHA256: what is signed, in which form, with which key.

From the vendor's API signing guide, chapter "AK/SK Signing and Authentication
Algorithm". The step numbers in the docstrings are those of the guide's chapters 1
(canonical request), 2 (string to sign) and 3 (signature).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import parse_qsl, quote, unquote_to_bytes

import attrs
import httpx

from css_snapshot.auth.credentials import Credentials
from css_snapshot.auth.secret import Secret
from css_snapshot.errors import ConfigurationError

if TYPE_CHECKING:
    from hashlib import _Hash

ALGORITHM: Final = "SDK-HMAC-SHA256"
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
    signed = signed_headers((n.encode(), value.encode()) for n, value in merged.items())
    signer = SigningKey(credentials).signer(stamp, signed)
    authorization = signer.authorization(method.upper(), address.raw_path, body)
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

    __slots__ = ("_access_key", "_inner", "_outer")

    def __init__(self, credentials: Credentials) -> None:
        self._access_key = credentials.access_key
        # The two halves of HMAC (RFC 2104) with the key already in them: copies of
        # them take half the time that copies of an `hmac` object do.
        self._inner = sha256(_padded(credentials.secret_key).translate(_INNER))
        self._outer = sha256(_padded(credentials.secret_key).translate(_OUTER))

    def signer(self, stamp: str, headers: Headers) -> "Signer":
        """Make what is the same in all signatures of a second and of some headers.

        Args:
            stamp: The time of signing, as `X-Sdk-Date` has it.
            headers: From `signed_headers`.
        """
        stamped = [(name, value.strip()) for name, value in headers]
        stamped = sorted([*stamped, (_TIME, stamp.encode())])
        names = b";".join([name for name, _ in stamped])
        inner = self._inner.copy()
        inner.update(f"{ALGORITHM}\n{stamp}\n".encode())
        return Signer(
            inner=inner,
            outer=self._outer,
            headers=b"".join([b"%b:%b\n" % header for header in stamped])
            + b"\n"
            + names,
            payload=dict(stamped).get(b"x-sdk-content-sha256", b""),
            prefix=f"{ALGORITHM} Access={self._access_key},"
            f" SignedHeaders={names.decode()}, Signature=",
        )


def _hashed(body: bytes) -> tuple[bytes, bytes]:
    return body, sha256(body).hexdigest().encode()


_NO_BODY: Final = _hashed(b"")


def _padded(key: Secret) -> bytes:
    value = key.reveal().encode()
    return (sha256(value).digest() if len(value) > _BLOCK else value).ljust(
        _BLOCK, b"\0"
    )


# Without a repr: a security token is among the headers.
@attrs.define(kw_only=True, eq=False, repr=False)
class Signer:
    """Signs the requests of one second that have the same headers.

    Attributes:
        inner: The inner half of HMAC, with algorithm and time already in it.
        outer: The outer half.
        headers: The canonical headers, an empty line, and their names.
        payload: The hash of the body, if a header states it; else empty.
        prefix: What precedes the signature.
    """

    inner: "_Hash"
    outer: "_Hash"
    headers: bytes
    payload: bytes
    prefix: str
    _hashed: tuple[bytes, bytes] = attrs.field(init=False, default=_NO_BODY)

    def authorization(self, method: str, target: bytes, body: bytes) -> str:
        """Return the value of `Authorization` (steps 2 and 3).

        Args:
            method: HTTP method, in upper case.
            target: Path and query as sent.
            body: The bytes that will be sent.
        """
        request = self.canonical_request(method, target, body)
        inner, outer = self.inner.copy(), self.outer.copy()
        inner.update(sha256(request).hexdigest().encode())
        outer.update(inner.digest())
        return self.prefix + outer.hexdigest()

    def canonical_request(self, method: str, target: bytes, body: bytes) -> bytes:
        """Put a request into the one form that client and server agree on (step 1)."""
        path, _, query = target.partition(b"?")
        return b"\n".join(
            (
                method.encode(),
                canonical_path(path),
                canonical_query(query) if query else b"",
                self.headers,
                # An empty header states nothing: the vendor's signers hash the body.
                self.payload or self._hash(body),
            )
        )

    def _hash(self, body: bytes) -> bytes:
        # A fleet is asked for the same with the same body, and read without one. Read
        # and replaced as one, as several threads may sign.
        hashed = self._hashed
        if hashed[0] != body:
            self._hashed = hashed = _hashed(body)
        return hashed[1]


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
