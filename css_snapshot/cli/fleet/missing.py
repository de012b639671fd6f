"""The targets of a run that do not have what they wanted, by name."""

from typing import Final

import attrs

from css_snapshot.fanout import Outcome, Skipped, Target

_MOST_NAMED: Final = 20


@attrs.define
class Missing:
    """The targets without what they wanted: the first few by name, all by number.

    Attributes:
        count: How many there are.
    """

    count: int = 0
    _named: list[str] = attrs.field(factory=list, init=False)

    def add(self, outcome: Outcome[object]) -> None:
        """Add a target, and what became of it."""
        what = outcome.outcome.replace("_", " ")
        if isinstance(outcome, Skipped):
            what = f"{outcome.reason} in an earlier run"
        self._add(outcome.target, what)

    def add_unbegun(self, target: Target) -> None:
        """Add a target that the run did not get to."""
        self._add(target, "not begun")

    def __str__(self) -> str:
        more = self.count - len(self._named)
        listed = [*self._named, f"{more} more"] if more else self._named
        return ", ".join(listed)

    def _add(self, target: Target, what: str) -> None:
        self.count += 1
        if len(self._named) < _MOST_NAMED:
            self._named.append(f"{target.cluster_name or target.cluster_id} ({what})")
