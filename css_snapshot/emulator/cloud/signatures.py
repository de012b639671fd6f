"""The check of AK/SK signatures, from the document alone and for the bytes request.

See the API Gateway guide, "API request signing": SDK-HMAC-SHA256.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote_to_bytes

import attrs

from css_snapshot.emulator.cloud.credentials import drop_oldest
from css_snapshot.emulator.cloud.request import Request

SCHEME: Final = "SDK-HMAC-SHA256"
_WINDOW: Final = 15 * 60.0
_DATE_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_DATE: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_DATE_HEADER: Final = "x-sdk-date"
_CONTENT_HEADER: Final = b"x-sdk-content-sha256"
_UNSIGNED: Final = b"UNSIGNED-PAYLOAD"
_AUTHORIZATION: Final = re.compile(
    rf"{SCHEME} Access=([!-~]{{1,128}}), ?"
    r"SignedHeaders=([!-+\--~]{1,4096}), ?Signature=([0-9a-f]{64})"
)


class SignatureRefusedError(Exception):
    """A signature does not hold; the message is the gateway's reason."""


@attrs.frozen
class Authorization:
    """The content of an `Authorization` header.

    Attributes:
        access_key: Whose signature it is said to be.
        signed: Names of the signed headers, lower case, sorted.
        signature: The signature, hexadecimal.
    """

    access_key: str
    signed: tuple[str, ...]
    signature: str


def read_authorization(header: str) -> Authorization:
    """Return the content of an `Authorization` header of the scheme.

    Raises:
        SignatureRefusedError: If the header is malformed, or the date is unsigned.
    """
    found = _AUTHORIZATION.fullmatch(header.strip())
    if found is None:
        raise SignatureRefusedError("authorization header format is invalid")
    access_key, names, signature = found.groups()
    signed = tuple(sorted({name.lower() for name in names.split(";")}))
    if _DATE_HEADER not in signed:
        raise SignatureRefusedError("x-sdk-date is not signed")
    return Authorization(access_key, signed, signature)


def check_date(request: Request, now: float) -> str:
    """Return the signing time, which must be within 15 minutes of the server's.

    Args:
        request: The request.
        now: The server's time in seconds since the epoch.

    Raises:
        SignatureRefusedError: If the time is missing, malformed or too far off.
    """
    value = request.header(_DATE_HEADER) or ""
    try:
        signed_at = _parse_date(value)
    except ValueError:
        reason = "calc aksk signature fail:invalid x-sdk-date"
        raise SignatureRefusedError(reason) from None
    if abs(now - signed_at) > _WINDOW:
        server = datetime.fromtimestamp(now, UTC).strftime(_DATE_FORMAT)
        raise SignatureRefusedError(
            "calc aksk signature fail:signature expired, "
            f"signature time:{value},server time:{server}"
        )
    return value


def check_signature(
    request: Request, authorization: Authorization, secret_key: str, date: str
) -> None:
    """Check that a request was signed with a secret key.

    Args:
        request: The request.
        authorization: The content of its `Authorization` header.
        secret_key: The secret key that belongs to the access key named there.
        date: The signing time, as `check_date` found it.

    Raises:
        SignatureRefusedError: If it was not.
    """
    canonical = canonical_request(request, authorization.signed)
    digest = hashlib.sha256(canonical).hexdigest().encode()
    to_sign = b"\n".join((SCHEME.encode(), date.encode(), digest))
    expected = hmac.new(secret_key.encode(), to_sign, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, authorization.signature):
        shown = canonical.decode("utf-8", "replace").replace("\n", "|")
        raise SignatureRefusedError(
            f"verify aksk signature fail, canonicalRequest:{shown}"
        )


def canonical_request(request: Request, signed: Sequence[str]) -> bytes:
    """Return a request in the one form that both sides hash.

    Args:
        request: The request.
        signed: Names of the signed headers, lower case, sorted.
    """
    headers = b"".join(
        b"%b:%b\n" % (name.encode(), request.header_bytes(name.encode()) or b"")
        for name in signed
    )
    return b"\n".join(
        (
            request.method.upper().encode(),
            _canonical_path(request.raw_path),
            _canonical_query(request.query),
            headers,
            ";".join(signed).encode(),
            _payload(request),
        )
    )


class Lockout:
    """Locks an access key for five minutes after more than five failures in a row.

    Only wrong signatures count here; whether expired ones do is not documented.

    Args:
        clock: Returns seconds since the epoch.
    """

    _TOLERATED = 5
    _SECONDS = 300.0

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # How many failures there were, and until when the key is locked.
        self._failures: dict[str, tuple[int, float]] = {}

    def check(self, access_key: str) -> None:
        """Check that an access key is not locked.

        Raises:
            SignatureRefusedError: If it is locked.
        """
        _count, until = self._failures.get(access_key, (0, 0.0))
        if self._clock() < until:
            raise SignatureRefusedError("AK access failed to reach the limit,forbidden")
        if until:
            self.forget(access_key)

    def count_failure(self, access_key: str) -> None:
        """Count a failure of a key that exists."""
        count = self._failures.pop(access_key, (0, 0.0))[0] + 1
        until = self._clock() + self._SECONDS if count > self._TOLERATED else 0.0
        drop_oldest(self._failures, self._failures)
        self._failures[access_key] = count, until

    def forget(self, access_key: str) -> None:
        """Forget a key's failures."""
        self._failures.pop(access_key, None)


def _parse_date(value: str) -> float:
    if _DATE.fullmatch(value) is None:
        raise ValueError(value)
    return datetime.strptime(value, _DATE_FORMAT).replace(tzinfo=UTC).timestamp()


def _encode(text: bytes) -> bytes:
    return quote(text, safe="").encode()


def _canonical_path(raw_path: bytes) -> bytes:
    segments = unquote_to_bytes(raw_path).split(b"/")
    path = b"/".join(_encode(segment) for segment in segments)
    return path if path.endswith(b"/") else path + b"/"


def _canonical_query(query: bytes) -> bytes:
    pairs = sorted(
        (_decode_query(key), _decode_query(value))
        for key, _, value in (part.partition(b"=") for part in query.split(b"&"))
        if key or value
    )
    return b"&".join(_encode(key) + b"=" + _encode(value) for key, value in pairs)


def _decode_query(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _payload(request: Request) -> bytes:
    if request.header_bytes(_CONTENT_HEADER) == _UNSIGNED:
        return _UNSIGNED
    return hashlib.sha256(request.body).hexdigest().encode()
