"""The targets of a run that do not have what they wanted, by name."""

from collections.abc import Iterable
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

    count: int = attrs.field(default=0, init=False)
    _named: list[str] = attrs.field(factory=list, init=False)
    # Hashes, as there may be a hundred thousand of them.
    _ended: set[int] = attrs.field(factory=set, init=False)

    def note(self, outcome: Outcome[object], *, is_good: bool) -> None:
        """Take in what became of a target.

        Args:
            outcome: What became of it.
            is_good: Whether it has what it wanted.
        """
        self._ended.add(_key(outcome.target))
        if is_good:
            return
        what = outcome.outcome.replace("_", " ")
        if isinstance(outcome, Skipped):
            what = f"{outcome.reason} in an earlier run"
        self._add(outcome.target, what)

    def add_not_begun(self, targets: Iterable[Target]) -> None:
        """Add those of all targets that the run did not get to."""
        for target in targets:
            if _key(target) not in self._ended:
                self._add(target, "not begun")

    def __str__(self) -> str:
        more = self.count - len(self._named)
        listed = [*self._named, f"{more} more"] if more else self._named
        return ", ".join(listed)

    def _add(self, target: Target, what: str) -> None:
        self.count += 1
        if len(self._named) < _MOST_NAMED:
            self._named.append(f"{target.cluster_name or target.cluster_id} ({what})")


def _key(target: Target) -> int:
    return hash((target.cluster_id, target.name))
