"""A target on its way through a run."""

from datetime import datetime
from typing import Final

import attrs

from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.fanout.outcomes import Busy, Failed
from css_snapshot.fanout.targets import Target
from css_snapshot.models import Backup
from css_snapshot.typing import How
from css_snapshot.workflows.ensure import Intent

_BUSY_PAUSE: Final = 30.0
_BUSY_PAUSE_GROWTH: Final = 1.5
_LONGEST_BUSY_PAUSE: Final = 120.0


@attrs.define(eq=False)
class Job:
    """What has happened to a target so far.

    Attributes:
        target: The target.
        began: When it was first started, on the clock's monotonic scale.
        request: Its values, once they are checked.
        digest: Stands for them in the journal.
        previous: A creation that may have happened and is not resolved.
        since: When a creation was last about to be sent.
        intended: Whether this run has written an intent of it.
        attempts: How many times its creation was sent.
        throttled: How many times it was throttled.
        under_way: Whether its operation has been called, and not been turned away.
        fallback: Its outcome, if it was turned away and the run stops before it is
            its turn again.
        backup: The snapshot, once it is accepted.
        how: How it came about.
    """

    target: Target
    began: float = 0.0
    request: CreateSnapshotRequest | None = None
    digest: bytes = b""
    previous: Intent | None = None
    since: datetime | None = None
    intended: bool = False
    attempts: int = 0
    throttled: int = 0
    under_way: bool = False
    fallback: Busy | Failed | None = None
    backup: Backup | None = None
    how: How = "created"
    _busy_until: float | None = None
    _busy_pause: float = _BUSY_PAUSE

    @property
    def lane(self) -> str:
        """What it has to itself while it runs: its cluster."""
        # Nothing has been checked yet, and what is no text may not be hashable.
        return str(self.target.cluster_id)

    def busy_pause(self, now: float, patience: float) -> float | None:
        """Return the seconds until an occupied cluster is worth another try.

        Args:
            now: The monotonic time.
            patience: Seconds after which it is given up, counted from the first time
                it was found occupied.

        Returns:
            `None` when it is given up.
        """
        if self._busy_until is None:
            self._busy_until = now + patience
        pause = self._busy_pause
        if now + pause > self._busy_until:
            return None
        self._busy_pause = min(pause * _BUSY_PAUSE_GROWTH, _LONGEST_BUSY_PAUSE)
        return pause


@attrs.frozen
class Requeue:
    """The cluster is occupied, and the target is to be tried again.

    Attributes:
        pause: Seconds to wait before.
    """

    pause: float


@attrs.frozen
class Accepted:
    """The creation was accepted, and is to be watched until the snapshot ends."""
