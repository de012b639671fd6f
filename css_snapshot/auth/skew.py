"""A clock to sign by, put right by the server's when that refuses a signature."""

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from css_snapshot.auth.signing import timestamp

logger = logging.getLogger("css_snapshot.auth")

TOLERANCE: Final = timedelta(seconds=60)
"""A smaller difference can't be why a signature, good for 15 minutes, was refused."""

_SECOND: Final = timedelta(seconds=1)
_EXPIRED: Final = re.compile(
    rb"signature expired.{0,200}?server time:\s*(\d{8}T\d{6}Z)", re.DOTALL
)


class SigningClock:
    """A clock that can be put right by what a server says.

    Args:
        clock: Returns an aware datetime.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._offset = timedelta()
        self._stamp: tuple[datetime, datetime, str] | None = None

    @property
    def offset(self) -> timedelta:
        """What is added to the clock: positive when the server is ahead."""
        return self._offset

    def stamp(self) -> str:
        """Return the time of signing, as `X-Sdk-Date` wants it.

        Raises:
            ConfigurationError: If the clock returns a datetime without a time zone.
        """
        now = self._clock() + self._offset
        # Formatting takes longer than comparing. Read and replaced as one, as several
        # threads may sign.
        known = self._stamp
        if known is not None and known[0] <= now < known[1]:
            return known[2]
        text = timestamp(now)
        began = now.astimezone(UTC).replace(microsecond=0)
        self._stamp = (began, began + _SECOND, text)
        return text

    def correct(self, refusal: bytes, used: timedelta) -> bool:
        """Take over the server's time, if a stale signature is why it refused.

        Args:
            refusal: Body of the response.
            used: The offset that the refused request was signed with.

        Returns:
            Whether signing again promises better: the response says that the signature
            expired, and the server's time differs by over a minute from the one used.
        """
        server = _server_time(refusal)
        if server is None:
            return False
        offset = server - self._clock()
        if abs(offset - used) <= TOLERANCE:
            return False
        if abs(offset - self._offset) > TOLERANCE:
            self._offset = offset
            logger.warning(
                "the local clock differs from the server's by %+.0f s:"
                " signing with the server's time from now on",
                offset.total_seconds(),
            )
        return True


def _server_time(refusal: bytes) -> datetime | None:
    found = _EXPIRED.search(refusal)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1].decode(), "%Y%m%dT%H%M%SZ").replace(
            tzinfo=UTC
        )
    except ValueError:
        return None
