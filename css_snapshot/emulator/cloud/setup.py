"""A set-up of the emulated cloud, as a file or the calls from outside describe it.

The keys of a set-up, in JSON here; all may be left out:

    {
      "options": {"build_seconds": 60, "site": "otc"},
      "clusters": [
        {
          "name": "css-orders", "engine": "elasticsearch", "version": "7.10.2",
          "status": "200", "nodes": ["200", "303"], "tags": {"stage": "prod"},
          "age": 86400, "count": 1,
          "indices": ["orders-000007"], "aliases": {"orders": ["orders-000007"]},
          "policy": {"enabled": true, "frequency": "HOUR", "keep_day": 3},
          "repository": {"bucket": "css-backup"},
          "outcomes": ["FAILED"], "build_seconds": 30,
          "snapshots": [
            {"name": "nightly-1", "age": 86400, "outcome": "PART_FAILED",
             "failed_shards": 2, "indices": "orders", "automatic": false}
          ]
        }
      ],
      "outcomes": [{"outcome": "FAILED", "name": "nightly-*", "share": 0.1}],
      "faults": [{"fault": "status", "arguments": {"status": 500}, "times": 2}]
    }

Options are those of `EmulatorState`, a cluster is an `EmulatedCluster`, outcomes are
as of `OutcomeRules.add`, faults as of `Fault` and `Faults.add`. Ages are in seconds.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import attrs

from css_snapshot.emulator.cloud.clusters import EmulatedCluster
from css_snapshot.emulator.cloud.faults import Fault
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.outcome_rules import OutcomeRule
from css_snapshot.emulator.cloud.snapshots import EmulatedSnapshot, Outcome
from css_snapshot.emulator.cloud.state import EmulatorState
from css_snapshot.emulator.cloud.structuring import (
    SetupError,
    convert,
    read_fields,
    structure,
)

__all__ = [
    "SetupError",
    "add_clusters",
    "add_fault",
    "add_outcome_rule",
    "add_snapshot",
    "change_cluster",
    "change_options",
    "create_state",
]

T = TypeVar("T")
FAULTS: Final[Mapping[str, Callable[..., Fault]]] = {
    "status": Fault.status,
    "status_after_commit": Fault.status_after_commit,
    "delay": Fault.delay,
    "delay_after_commit": Fault.delay_after_commit,
    "drop": Fault.drop,
    "drop_after_commit": Fault.drop_after_commit,
    "reset": Fault.reset,
    "reset_after_commit": Fault.reset_after_commit,
    "truncate": Fault.truncate,
    "drip": Fault.drip,
    "garbage": Fault.garbage,
    "redirect": Fault.redirect,
    "throttle": Fault.throttle,
    "body": Fault.body,
}
_PARTS: Final = ("options", "clusters", "outcomes", "faults")
# What only time and calls change, and what a set-up says otherwise.
_COURSE: Final = (
    *("snapshots", "created", "restorations", "restored"),
    *("deletes_until", "caught_up"),
)
_MOST_AT_ONCE: Final = 10_000
_MOST_RULES: Final = 1_000


@attrs.frozen(kw_only=True)
class _PastSnapshot:
    """A snapshot that is there already."""

    name: str
    age: float = 0.0
    indices: str = "*"
    description: str = ""
    automatic: bool = False
    outcome: Outcome = "COMPLETED"
    build_seconds: float | None = None
    total_shards: int | None = None
    failed_shards: int | None = None


@attrs.frozen(kw_only=True)
class _FaultRule:
    """A fault, and the requests that it strikes."""

    fault: str
    arguments: Mapping[str, Any] = attrs.field(factory=dict)
    operation: str | None = None
    cluster_id: str | None = None
    times: int | None = 1
    nth: int | None = None
    probability: float | None = None


def create_state(document: object, **defaults: object) -> EmulatorState:
    """Return a new emulated cloud, set up as a document describes it.

    Args:
        document: The set-up.
        **defaults: Arguments of `EmulatorState` that hold unless the set-up says
            otherwise; `clusters` holds unless the set-up lists clusters.

    Raises:
        SetupError: If the document is wrong.
    """
    if not isinstance(document, Mapping):
        raise SetupError("set-up: is not an object")
    for key in document:
        if key not in _PARTS:
            raise SetupError(f"set-up: {key!r} is not one of {', '.join(_PARTS)}")
    options = read_fields(EmulatorState, document.get("options", {}), "options")
    if "clusters" in document:
        defaults["clusters"] = 0
    state = EmulatorState(**{**defaults, **options})
    steps = {
        "clusters": add_clusters,
        "outcomes": add_outcome_rule,
        "faults": add_fault,
    }
    for part, step in steps.items():
        rows = document.get(part, [])
        if not isinstance(rows, list):
            raise SetupError(f"{part}: is not a list")
        for number, row in enumerate(rows):
            step(state, row, f"{part}[{number}]")
    return state


def add_clusters(
    state: EmulatorState, document: object, where: str = "cluster"
) -> list[EmulatedCluster]:
    """Add a cluster, or `count` like it, with its snapshots, and return them."""
    fields = _object(document, where)
    count = _take(fields, "count", int, 1, where)
    age = _take(fields, "age", float, 0.0, where)
    snapshots = fields.pop("snapshots", [])
    if not isinstance(snapshots, list):
        raise SetupError(f"{where}.snapshots: is not a list")
    if not 0 <= count <= _MOST_AT_ONCE:
        raise SetupError(f"{where}.count: is not from 0 to {_MOST_AT_ONCE}")
    made = []
    for _ in range(count):
        values = read_fields(EmulatedCluster, fields, where, without=_COURSE)
        values["created"] = state.clock() - age
        made.append(_add_cluster(state, values, where))
        for number, row in enumerate(snapshots):
            add_snapshot(state, made[-1].id, row, f"{where}.snapshots[{number}]")
    return made


def add_snapshot(
    state: EmulatorState, cluster_id: str, document: object, where: str = "snapshot"
) -> EmulatedSnapshot:
    """Add a snapshot of the past to a cluster, and return it."""
    past = structure(_PastSnapshot, document, where)
    return state.add_snapshot(
        cluster_id,
        past.name,
        indices=past.indices,
        description=past.description,
        automatic=past.automatic,
        age=past.age,
        outcome=OutcomeRule(
            outcome=past.outcome,
            build_seconds=past.build_seconds,
            total_shards=past.total_shards,
            failed_shards=past.failed_shards,
        ),
    )


def change_cluster(
    state: EmulatorState, cluster_id: str, document: object
) -> EmulatedCluster:
    """Change a cluster's name, tags, status and what else a set-up can say of it."""
    cluster = state.cluster(cluster_id)
    without = (*_COURSE, "id")
    values = read_fields(EmulatedCluster, document, "cluster", without=without)
    for name, value in values.items():
        try:
            setattr(cluster, name, value)
        except ValueError as exc:
            raise SetupError(f"cluster.{name}: {exc.args[0]}") from None
    return cluster


def change_options(state: EmulatorState, document: object) -> None:
    """Change options of a running emulated cloud."""
    for name, value in read_fields(Options, document, "options").items():
        setattr(state, name, value)


def add_outcome_rule(
    state: EmulatorState, document: object, where: str = "outcome"
) -> None:
    """Put a rule in force for how snapshots end."""
    rule = structure(OutcomeRule, document, where)
    if len(state.outcomes) >= _MOST_RULES:
        raise SetupError(f"{where}: there are {_MOST_RULES} rules already")
    state.outcomes.add(**attrs.asdict(rule))


def add_fault(state: EmulatorState, document: object, where: str = "fault") -> None:
    """Put a fault in force."""
    rule = structure(_FaultRule, document, where)
    if rule.fault not in FAULTS:
        raise SetupError(f"{where}: fault must be one of {', '.join(FAULTS)}")
    try:
        fault = FAULTS[rule.fault](**rule.arguments)
    except (TypeError, ValueError, AttributeError):
        raise SetupError(f"{where}: arguments don't fit the fault") from None
    if len(state.faults) >= _MOST_RULES:
        raise SetupError(f"{where}: there are {_MOST_RULES} faults already")
    state.faults.add(
        fault,
        operation=rule.operation,
        cluster_id=rule.cluster_id,
        times=rule.times,
        nth=rule.nth,
        probability=rule.probability,
    )


def _add_cluster(
    state: EmulatorState, values: dict[str, object], where: str
) -> EmulatedCluster:
    try:
        return state.add_cluster(EmulatedCluster(**values))  # type: ignore[arg-type]  # read by their types
    except ValueError as exc:
        raise SetupError(f"{where}: {exc.args[0]}") from None


def _object(document: object, where: str) -> dict[str, object]:
    if not isinstance(document, Mapping):
        raise SetupError(f"{where}: is not an object")
    return dict(document)


def _take(
    fields: dict[str, object], name: str, hint: type[T], default: T, where: str
) -> T:
    value: T = convert(hint, fields.pop(name, default), f"{where}.{name}")
    return value
