"""A key kept from being locked for too many refused signatures."""

import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from css_snapshot.errors import AuthenticationError

MOST: Final = 4
"""Refused signatures in a row, after which nothing more is signed.

More than five lock the key, for everybody:
https://support.huaweicloud.com/intl/en-us/devg-apisign/api-sign-0001.html
"""

PAUSE: Final = 300.0
"""Seconds without a signature, after which the gateway counts anew."""

_REFUSED: Final = re.compile(
    rb"verify aksk signature fail|failed to reach the limit", re.IGNORECASE
)


class Lockout:
    """Counts refused signatures, and stops signing before the key is locked.

    Requests that are in flight at the same time are not held up: they may be refused
    before the first refusal is known.

    Args:
        monotonic: Returns seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self.reset()

    def reset(self) -> None:
        """Begin anew: a signature was accepted, or the key is another one."""
        self._refused = 0
        self._last = 0.0

    def count(self, refusal: bytes) -> None:
        """Count a 401, if the signature is why.

        Args:
            refusal: Body of the response.
        """
        if _REFUSED.search(refusal) is not None:
            self._refused += 1
            self._last = self._monotonic()

    def check(self) -> None:
        """Check that one more signature can't lock the key.

        Raises:
            AuthenticationError: If the last ones were all refused.
        """
        if self._refused < MOST:
            return
        if self._monotonic() - self._last >= PAUSE:
            self.reset()
            return
        stopped = AuthenticationError(
            f"not sent: the service refused the last {self._refused} signatures made"
            " with this key, and a few more would lock it; check the secret key",
            status=HTTPStatus.UNAUTHORIZED,
        )
        stopped.sent = False
        raise stopped
