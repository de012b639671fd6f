"""The users that IAM knows, and their two factors."""

import base64
import hmac
import struct
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from css_snapshot.emulator.cloud.vendor_errors import VendorError, iam_error

_TOLERATED: Final = 5
_LOCKED_SECONDS: Final = 15 * 60.0
_PASSCODE_SECONDS: Final = 30


@attrs.define(kw_only=True)
class EmulatedUser:
    """An IAM user.

    Attributes:
        id: Their id.
        domain: Name of the account.
        name: Name of the user.
        password: Their password.
        totp_secret: What their passcodes are made of, in base 32; empty for a user
            without a second factor.
        failures: Wrong passwords in a row.
        locked_until: Seconds since the epoch.
    """

    id: str
    domain: str
    name: str
    password: str = attrs.field(repr=False)
    totp_secret: str = attrs.field(default="", repr=False)
    failures: int = 0
    locked_until: float = 0.0

    def passcode(self, moment: float) -> str:
        """Return the six digits of their second factor (RFC 6238) at a moment.

        Args:
            moment: Seconds since the epoch.
        """
        key = base64.b32decode(self.totp_secret.upper())
        counter = struct.pack(">Q", int(moment) // _PASSCODE_SECONDS)
        digest = hmac.digest(key, counter, "sha1")
        (number,) = struct.unpack_from(">I", digest, digest[-1] & 0xF)
        return f"{(number & 0x7FFFFFFF) % 10**6:06d}"


class Users:
    """The users of IAM.

    Args:
        clock: Returns seconds since the epoch.
        domain_id: Id of the one account there is.
    """

    def __init__(self, clock: Callable[[], float], domain_id: str) -> None:
        self._clock = clock
        self._domain_id = domain_id
        self._users: dict[str, EmulatedUser] = {}

    def add(
        self,
        domain: str,
        name: str,
        password: str,
        *,
        user_id: str | None = None,
        totp_secret: str = "",
    ) -> EmulatedUser:
        """Make a user, or give an old one a new password, and return them.

        Args:
            domain: Name of the account.
            name: Name of the user.
            password: Their password.
            user_id: Their id, made of the name if left out.
            totp_secret: What their passcodes are made of, in base 32.
        """
        user = EmulatedUser(
            id=name if user_id is None else user_id,
            domain=domain,
            name=name,
            password=password,
            totp_secret=totp_secret,
        )
        self._users[user.id] = user
        return user

    def get(self, user_id: str) -> EmulatedUser | None:
        """Return a user by id, `None` if there is none of that id."""
        return self._users.get(user_id)

    def check_password(self, document: Mapping[str, object]) -> EmulatedUser:
        """Return the user of a request, whose password is checked.

        Args:
            document: The user with id, or with name and domain, and password.

        Raises:
            VendorError: 401 IAM.0062 for a wrong password, 401 IAM.0061 once the user
                is locked, as more than five in a row do for 15 minutes.
        """
        user = self._find(document)
        if user is None:
            raise _wrong()
        if self._clock() < user.locked_until:
            raise iam_error(401, "The user is locked.", "IAM.0061")
        if document.get("password") != user.password:
            self._count_failure(user)
            raise _wrong()
        if not user.totp_secret:
            user.failures = 0
        return user

    def check_passcode(self, user: EmulatedUser, document: object) -> None:
        """Check that a passcode is a user's of now, or of half a minute ago.

        Args:
            user: The user, whose password is checked already.
            document: The user with id, or with name and domain, and passcode.

        Raises:
            VendorError: 401 if the passcode is wrong or another user's.
        """
        now = self._clock()
        good = {user.passcode(now), user.passcode(now - _PASSCODE_SECONDS)}
        given = document if isinstance(document, Mapping) else {}
        if self._find(given) is not user or given.get("passcode") not in good:
            self._count_failure(user)
            raise iam_error(401, "The passcode is wrong.")
        user.failures = 0

    def _count_failure(self, user: EmulatedUser) -> None:
        user.failures += 1
        if user.failures > _TOLERATED:
            user.failures = 0
            user.locked_until = self._clock() + _LOCKED_SECONDS

    def _find(self, document: Mapping[str, object]) -> EmulatedUser | None:
        user_id = document.get("id")
        if user_id is not None:
            return self._users.get(user_id) if isinstance(user_id, str) else None
        domain = document.get("domain")
        if not isinstance(domain, Mapping):
            return None
        for user in self._users.values():
            known = {"name": user.domain, "id": self._domain_id}
            if user.name == document.get("name") and matches(domain, known):
                return user
        return None


def matches(document: Mapping[str, object], known: Mapping[str, str]) -> bool:
    """Return whether a document names a thing by some of its fields, and none wrongly.

    Args:
        document: What was sent, such as `{"name": "cn-north-4"}`.
        known: The thing's fields.
    """
    given = {key: document[key] for key in known if document.get(key) is not None}
    return bool(given) and all(known[key] == value for key, value in given.items())


def _wrong() -> VendorError:
    return iam_error(401, "The username or password is wrong.", "IAM.0062")
