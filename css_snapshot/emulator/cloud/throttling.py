"""The limit of requests per window of time, as the gateway and IAM have one."""

from css_snapshot.emulator.cloud.options import Limit


class Throttle:
    """Allows so many requests in each window; refused ones count as well."""

    def __init__(self) -> None:
        self._window_began = 0.0
        self._used = 0

    def allows(self, limit: Limit, now: float) -> bool:
        """Count one request, and return whether it may pass.

        Args:
            limit: Requests allowed in one window, and its length in seconds.
            now: Seconds since the epoch.
        """
        allowed, seconds = limit
        if not 0 <= now - self._window_began < seconds:
            self._window_began = now
            self._used = 0
        self._used += 1
        return self._used <= allowed
