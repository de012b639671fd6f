"""Verifies AK/SK signatures, from the document alone and for the bytes received.

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

from css_snapshot.emulator.cloud.received import Received

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
class Claim:
    """What an `Authorization` header claims.

    Attributes:
        access_key: Whose signature it is said to be.
        signed: Names of the signed headers, lower case, sorted.
        signature: The signature, hexadecimal.
    """

    access_key: str
    signed: tuple[str, ...]
    signature: str


def read_claim(authorization: str) -> Claim:
    """Read an `Authorization` header of the scheme.

    Raises:
        SignatureRefusedError: It is malformed, or leaves the date unsigned.
    """
    found = _AUTHORIZATION.fullmatch(authorization.strip())
    if found is None:
        raise SignatureRefusedError("authorization header format is invalid")
    access_key, names, signature = found.groups()
    signed = tuple(sorted({name.lower() for name in names.split(";")}))
    if _DATE_HEADER not in signed:
        raise SignatureRefusedError("x-sdk-date is not signed")
    return Claim(access_key, signed, signature)


def check_date(received: Received, now: float) -> str:
    """Demand a signing time within 15 minutes of the server's, and answer it.

    Args:
        received: The request.
        now: The server's time in seconds since the epoch.

    Raises:
        SignatureRefusedError: It is missing, malformed or too far off.
    """
    value = received.header(_DATE_HEADER) or ""
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
    received: Received, claim: Claim, secret_key: str, date: str
) -> None:
    """Demand that the claim's signature is that of the secret key over the request.

    Args:
        received: The request.
        claim: What its `Authorization` header claims.
        secret_key: The secret key that belongs to the claimed access key.
        date: The signing time, as `check_date` found it.

    Raises:
        SignatureRefusedError: It isn't.
    """
    canonical = canonical_request(received, claim.signed)
    digest = hashlib.sha256(canonical).hexdigest().encode()
    to_sign = b"\n".join((SCHEME.encode(), date.encode(), digest))
    expected = hmac.new(secret_key.encode(), to_sign, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, claim.signature):
        shown = canonical.decode("utf-8", "replace").replace("\n", "|")
        raise SignatureRefusedError(
            f"verify aksk signature fail, canonicalRequest:{shown}"
        )


def canonical_request(received: Received, signed: Sequence[str]) -> bytes:
    """Put a request into the one form that both sides hash.

    Args:
        received: The request.
        signed: Names of the signed headers, lower case, sorted.
    """
    headers = b"".join(
        b"%b:%b\n" % (name.encode(), received.header_bytes(name.encode()) or b"")
        for name in signed
    )
    return b"\n".join(
        (
            received.method.upper().encode(),
            _canonical_path(received.raw_path),
            _canonical_query(received.query),
            headers,
            ";".join(signed).encode(),
            _payload(received),
        )
    )


class Lockout:
    """Locks an access key for five minutes after more than five failures in a row.

    Only wrong signatures count here; whether expired ones do is not documented.

    Args:
        clock: Answers seconds since the epoch.
    """

    _TOLERATED = 5
    _SECONDS = 300.0

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._locked_until: dict[str, float] = {}

    def check(self, access_key: str) -> None:
        """Demand that a key is not locked.

        Raises:
            SignatureRefusedError: It is.
        """
        until = self._locked_until.get(access_key)
        if until is None:
            return
        if self._clock() < until:
            raise SignatureRefusedError("AK access failed to reach the limit,forbidden")
        self.succeeded(access_key)

    def failed(self, access_key: str) -> None:
        """Count a failure of a key that exists."""
        failures = self._failures.get(access_key, 0) + 1
        self._failures[access_key] = failures
        if failures > self._TOLERATED:
            self._locked_until[access_key] = self._clock() + self._SECONDS

    def succeeded(self, access_key: str) -> None:
        """Forget a key's failures."""
        self._failures.pop(access_key, None)
        self._locked_until.pop(access_key, None)


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


def _payload(received: Received) -> bytes:
    if received.header_bytes(_CONTENT_HEADER) == _UNSIGNED:
        return _UNSIGNED
    return hashlib.sha256(received.body).hexdigest().encode()
