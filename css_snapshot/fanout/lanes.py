"""One operation per cluster: which targets may start, and which wait behind another."""

from collections import deque
from typing import Generic, Protocol, TypeVar

import attrs


class HasLane(Protocol):
    """Something that must not run together with others of its lane."""

    @property
    def lane(self) -> str:
        """What it has to itself while it runs: a cluster's id."""
        ...


J = TypeVar("J", bound=HasLane)


@attrs.define
class Lanes(Generic[J]):
    """Jobs by lane: the first of each may start, the others wait behind it in order.

    Attributes:
        held: How many jobs wait, behind another or on the side.
    """

    held: int = 0
    _ready: deque[J] = attrs.field(factory=deque)
    _behind: dict[str, deque[J] | None] = attrs.field(factory=dict)

    def admit(self, job: J) -> None:
        """Take a job in; it is ready at once if nothing occupies its lane."""
        if job.lane not in self._behind:
            self._behind[job.lane] = None
            self._ready.append(job)
            return
        waiting = self._behind[job.lane]
        if waiting is None:
            waiting = self._behind[job.lane] = deque()
        waiting.append(job)
        self.held += 1

    def next(self) -> J | None:
        """Take a job that may start, `None` if there is none."""
        return self._ready.popleft() if self._ready else None

    @property
    def any_ready(self) -> bool:
        """Whether a job may start."""
        return bool(self._ready)

    def release(self, job: J) -> None:
        """Free the lane of a job that has ended; the next in it becomes ready."""
        waiting = self._behind.get(job.lane)
        if waiting:
            self._ready.append(waiting.popleft())
            self.held -= 1
        else:
            self._behind.pop(job.lane, None)

    def set_aside(self) -> None:
        """Count a job that waits for something else and keeps its lane."""
        self.held += 1

    def bring_back(self, job: J) -> None:
        """Make a job that was set aside ready again."""
        self.held -= 1
        self._ready.append(job)

    def clear(self) -> list[J]:
        """Drop all jobs that have not started.

        Returns:
            Those of them that were ready.
        """
        ready = list(self._ready)
        self._ready.clear()
        self._behind.clear()
        self.held = 0
        return ready
