"""The record of what was requested and how the emulator responded."""

from collections import Counter, deque
from typing import Final, NamedTuple

_MOST_REQUESTS: Final = 10_000
# A path may be 64 KiB long; ten thousand of those would be 640 MB.
_LONGEST_PATH: Final = 1_024


class RecordedRequest(NamedTuple):
    """One request that was dealt with.

    Attributes:
        method: HTTP method.
        path: Path as it was sent, without the query; its first 1,024 characters.
        status: HTTP status of the response, `None` if none was sent.
    """

    method: str
    path: str
    status: int | None


class Ledger:
    """The latest requests, and how many there were of each operation.

    Attributes:
        requests: The latest 10,000, oldest first.
        counts: How many requests there were, by operation; injected faults count.
    """

    def __init__(self) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=_MOST_REQUESTS)
        self.counts: Counter[str] = Counter()

    def count(self, operation: str) -> None:
        """Count a request the moment it has arrived, whatever becomes of it."""
        self.counts[operation] += 1

    def record(self, method: str, path: str, status: int | None) -> None:
        """Record what became of a request.

        Args:
            method: HTTP method.
            path: Path as it was sent, without the query.
            status: HTTP status of the response, `None` if none was sent.
        """
        self.requests.append(RecordedRequest(method, path[:_LONGEST_PATH], status))
