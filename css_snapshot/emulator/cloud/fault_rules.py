"""The rules by which faults strike requests, with seeded chance."""

import random
from collections.abc import Callable

import attrs

from css_snapshot.emulator.cloud.faults import Fault


@attrs.define(kw_only=True, eq=False)
class FaultRule:
    """Which requests a fault strikes; kept to remove it again.

    Attributes:
        fault: What goes wrong.
        operation: Only this operation, such as `"create"`; `None` for every one.
        cluster_id: Only this cluster; `None` for every one.
        times: How often it strikes still, `None` for ever.
        nth: Only the nth request that matches, counted from 1.
        probability: How likely it strikes a request that matches, from 0 to 1.
        matched: How many requests matched so far.
    """

    fault: Fault
    operation: str | None = None
    cluster_id: str | None = None
    times: int | None = 1
    nth: int | None = None
    probability: float | None = None
    matched: int = 0

    def strikes(
        self, operation: str, cluster_id: str | None, chance: Callable[[], float]
    ) -> bool:
        """Count a request if it matches, and return whether the fault strikes it.

        Args:
            operation: The operation requested.
            cluster_id: The cluster it is for.
            chance: Returns a random number from 0 to 1.
        """
        if self.times == 0 or self.operation not in (None, operation):
            return False
        if self.cluster_id not in (None, cluster_id):
            return False
        self.matched += 1
        if self.nth not in (None, self.matched):
            return False
        return self.probability is None or chance() < self.probability


class Faults:
    """The faults in force; of several that strike, the one added first wins.

    Args:
        seed: Where chance starts; equal seeds give equal runs.
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable chance is wanted
        self._rules: list[FaultRule] = []

    def __len__(self) -> int:
        return len(self._rules)

    def add(
        self,
        fault: Fault,
        *,
        operation: str | None = None,
        cluster_id: str | None = None,
        times: int | None = 1,
        nth: int | None = None,
        probability: float | None = None,
    ) -> FaultRule:
        """Put a fault in force.

        Args:
            fault: What goes wrong.
            operation: Only this operation, by its name in the list of the package's
                docstring, such as `"create"`.
            cluster_id: Only this cluster.
            times: How often it strikes at most, `None` for ever.
            nth: Only the nth request that matches, counted from 1.
            probability: How likely it strikes a request that matches, from 0 to 1.

        Returns:
            The rule, for `remove`.
        """
        rule = FaultRule(
            fault=fault,
            operation=operation,
            cluster_id=cluster_id,
            times=times,
            nth=nth,
            probability=probability,
        )
        self._rules.append(rule)
        return rule

    def remove(self, rule: FaultRule) -> None:
        """Take a fault out of force; one that is not in force is no error."""
        self._rules = [kept for kept in self._rules if kept is not rule]

    def clear(self) -> None:
        """Take all faults out of force."""
        self._rules = []

    def choose(self, operation: str, cluster_id: str | None = None) -> Fault | None:
        """Return what goes wrong with a request, `None` for nothing.

        Args:
            operation: The operation requested.
            cluster_id: The cluster it is for.
        """
        chosen: FaultRule | None = None
        for rule in self._rules:
            strikes = rule.strikes(operation, cluster_id, self._random.random)
            if strikes and chosen is None:
                chosen = rule
        if chosen is None:
            return None
        if chosen.times is not None:
            chosen.times -= 1
            if chosen.times == 0:
                self.remove(chosen)
        return chosen.fault
