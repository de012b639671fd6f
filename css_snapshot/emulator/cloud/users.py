"""The people and agencies IAM knows, and how often they got a password wrong."""

from collections.abc import Callable
from typing import Final

import attrs

from css_snapshot.emulator.cloud.vendor_errors import iam_error

_TOLERATED: Final = 5
_LOCKED: Final = 15 * 60.0


@attrs.define(kw_only=True)
class EmulatedUser:
    """An IAM user.

    Attributes:
        domain: Name of the account.
        name: Name of the user.
        password: Their password.
        failures: Wrong passwords in a row.
        locked_until: Seconds since the epoch.
    """

    domain: str
    name: str
    password: str = attrs.field(repr=False)
    failures: int = 0
    locked_until: float = 0.0


class Users:
    """The users of IAM.

    Args:
        clock: Answers seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._users: dict[tuple[str, str], EmulatedUser] = {}

    def add(self, domain: str, name: str, password: str) -> EmulatedUser:
        """Make a user, or give an old one a new password."""
        user = EmulatedUser(domain=domain, name=name, password=password)
        self._users[domain, name] = user
        return user

    def check(self, domain: object, name: object, password: object) -> EmulatedUser:
        """Demand the right password.

        Raises:
            VendorError: 401 IAM.0062 for a wrong one, 401 IAM.0061 once the user is
                locked, which more than five wrong ones in a row do for 15 minutes.
        """
        wrong = iam_error(401, "The username or password is wrong.", "IAM.0062")
        if not isinstance(domain, str) or not isinstance(name, str):
            raise wrong
        user = self._users.get((domain, name))
        if user is None:
            raise wrong
        if self._clock() < user.locked_until:
            raise iam_error(401, "The user is locked.", "IAM.0061")
        if password != user.password:
            user.failures += 1
            if user.failures > _TOLERATED:
                user.failures = 0
                user.locked_until = self._clock() + _LOCKED
            raise wrong
        user.failures = 0
        return user
