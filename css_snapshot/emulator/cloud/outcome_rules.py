"""How snapshots end: the rules in force, and seeded chance."""

import random
from fnmatch import fnmatchcase

import attrs

from css_snapshot.emulator.cloud.snapshots import OUTCOMES, Outcome


@attrs.define(kw_only=True, eq=False)
class OutcomeRule:
    """How some snapshots are built and end; kept to remove it again.

    Attributes:
        outcome: How they end.
        cluster_id: Only those of this cluster; `None` for every one.
        name: Only those whose name matches this pattern, such as `nightly-*`.
        share: The share of them that it applies to, by chance, from 0 to 1.
        times: To how many it applies still, `None` for ever.
        build_seconds: How long they are BUILDING, `None` for as long as usual.
        total_shards: How many shards they have, `None` for the usual number.
        failed_shards: How many of them fail, `None` for the usual number.
    """

    outcome: Outcome = attrs.field(
        default="COMPLETED", validator=attrs.validators.in_(OUTCOMES)
    )
    cluster_id: str | None = None
    name: str | None = None
    share: float | None = None
    times: int | None = None
    build_seconds: float | None = None
    total_shards: int | None = None
    failed_shards: int | None = None


class OutcomeRules:
    """The rules in force; of several that apply, the one added first wins.

    Args:
        seed: Where chance starts; equal seeds give equal runs.
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable chance is wanted
        self._rules: list[OutcomeRule] = []

    def __len__(self) -> int:
        return len(self._rules)

    def add(
        self,
        outcome: Outcome = "COMPLETED",
        *,
        cluster_id: str | None = None,
        name: str | None = None,
        share: float | None = None,
        times: int | None = None,
        build_seconds: float | None = None,
        total_shards: int | None = None,
        failed_shards: int | None = None,
    ) -> OutcomeRule:
        """Put a rule in force; the arguments are the attributes of `OutcomeRule`.

        Returns:
            The rule, for `remove`.
        """
        rule = OutcomeRule(
            outcome=outcome,
            cluster_id=cluster_id,
            name=name,
            share=share,
            times=times,
            build_seconds=build_seconds,
            total_shards=total_shards,
            failed_shards=failed_shards,
        )
        self._rules.append(rule)
        return rule

    def remove(self, rule: OutcomeRule) -> None:
        """Take a rule out of force; one that is not in force is no error."""
        self._rules = [kept for kept in self._rules if kept is not rule]

    def clear(self) -> None:
        """Take all rules out of force."""
        self._rules = []

    def choose(self, cluster_id: str, name: str) -> OutcomeRule | None:
        """Return the rule for a new snapshot, `None` for none, and count its use.

        Args:
            cluster_id: The cluster it is taken of.
            name: Its name.
        """
        for rule in self._rules:
            if self._applies(rule, cluster_id, name):
                if rule.times is not None:
                    rule.times -= 1
                return rule
        return None

    def _applies(self, rule: OutcomeRule, cluster_id: str, name: str) -> bool:
        if rule.times == 0 or rule.cluster_id not in (None, cluster_id):
            return False
        if rule.name is not None and not fnmatchcase(name, rule.name):
            return False
        return rule.share is None or self._random.random() < rule.share
