"""What was asked of the emulator and how it answered: for tests to look at."""

from collections import Counter, deque
from typing import NamedTuple

_KEPT = 10_000


class RecordedRequest(NamedTuple):
    """One request that was dealt with.

    Attributes:
        method: HTTP method.
        path: Path as it was sent, without the query.
        status: HTTP status answered, `None` if no answer was sent.
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
        self.requests: deque[RecordedRequest] = deque(maxlen=_KEPT)
        self.counts: Counter[str] = Counter()

    def arrived(self, operation: str) -> None:
        """Count a request the moment it is here, whatever becomes of it."""
        self.counts[operation] += 1

    def answered(self, method: str, path: str, status: int | None) -> None:
        """Note what became of a request.

        Args:
            method: HTTP method.
            path: Path as it was sent, without the query.
            status: HTTP status answered, `None` if no answer was sent.
        """
        self.requests.append(RecordedRequest(method, path, status))
