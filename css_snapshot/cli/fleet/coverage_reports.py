"""What a check of the coverage found, in the forms that its readers expect."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final, get_args

from css_snapshot.cli.fleet.covered import Covered
from css_snapshot.cli.output.calendar import drawn, legend
from css_snapshot.cli.output.nagios import NagiosCode, harmless, status_line
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.records import JsonRecord
from css_snapshot.cli.output.table import Column
from css_snapshot.serialize import to_dict
from css_snapshot.typing import CoverageState

_STATES: Final[tuple[CoverageState, ...]] = get_args(CoverageState)
# A cluster of which nothing is known may be worse off than one with a warning.
_SEVERITY: Final = (
    NagiosCode.OK,
    NagiosCode.WARNING,
    NagiosCode.UNKNOWN,
    NagiosCode.CRITICAL,
)


def coverage_record(covered: Covered) -> JsonRecord:
    """Return the record of a cluster's coverage, and of its last days."""
    calendar = {day.isoformat(): state for day, state in covered.days.items()}
    return {"kind": "coverage", **to_dict(covered.coverage), "calendar": calendar}


def write_table(output: Output, found: Sequence[Covered]) -> None:
    """Write a table with a calendar, what its characters mean, and the counts."""
    shown = next((covered.days for covered in found if covered.days), {})
    names = Counter(covered.coverage.cluster_name for covered in found)
    rows = [_row(covered, names) for covered in found]
    has_ids = any(row["cluster"] == row["cluster_id"] for row in rows)
    columns = (
        Column("CLUSTER", "cluster", narrow="keep" if has_ids else "fold"),
        Column("STATE", "state", narrow="keep"),
        Column(f"{len(shown)} DAYS", "days", narrow="keep"),
        Column("WHY", "why", narrow="fold"),
        Column("LAST GOOD", "last_good"),
        Column("ID", "cluster_id"),
    )
    output.rows(rows, columns, empty="no clusters")
    if shown:
        output.line(legend(shown))
    output.line(_counts(found))


def nagios_report(found: Sequence[Covered], max_age: float) -> tuple[str, NagiosCode]:
    """Return what a Nagios plugin writes, and the code it ends with.

    A cluster without a fresh snapshot is critical, one that could not be looked at
    unknown, and one whose last snapshot failed after a fresh one a warning.

    Args:
        found: What was found.
        max_age: The seconds that a snapshot may be old.
    """
    codes = [_nagios_code(covered) for covered in found]
    code = max(codes, key=_SEVERITY.index)
    data = [f"{state}={count}" for state, count in _by_state(found).items()]
    ages = [one.coverage.age for one in found if one.coverage.age is not None]
    if ages:
        data.append(f"oldest={max(ages):.0f}s;;{max_age:.0f};0")
    first = f"{status_line(code, _counts(found))} | {' '.join(data)}"
    lines = [
        _nagios_line(covered, each)
        for wanted in reversed(_SEVERITY[1:])
        for covered, each in zip(found, codes, strict=True)
        if each is wanted
    ]
    return "\n".join((first, *lines)), code


def is_covered(covered: Covered) -> bool:
    """Return whether a cluster has a fresh usable snapshot."""
    return covered.coverage.state == "fresh"


def _nagios_code(covered: Covered) -> NagiosCode:
    coverage = covered.coverage
    if coverage.state == "unreadable":
        return NagiosCode.UNKNOWN
    if coverage.state != "fresh":
        return NagiosCode.CRITICAL
    return NagiosCode.WARNING if coverage.failures_since else NagiosCode.OK


def _by_state(found: Sequence[Covered]) -> dict[str, int]:
    """Return how many clusters are in each state that any is in."""
    counts = Counter(covered.coverage.state for covered in found)
    return {state: counts[state] for state in _STATES if counts[state]}


def _counts(found: Sequence[Covered]) -> str:
    states = _by_state(found)
    fresh = states.pop("fresh", 0)
    clusters = f"cluster{'' if len(found) == 1 else 's'}"
    others = "".join(f", {count} {state}" for state, count in states.items())
    return f"{fresh} of {len(found)} {clusters} fresh{others}"


def _row(covered: Covered, names: Counter[str]) -> JsonRecord:
    coverage = covered.coverage
    is_clear = coverage.cluster_name and names[coverage.cluster_name] == 1
    good = coverage.last_good
    return {
        "cluster": coverage.cluster_name if is_clear else coverage.cluster_id,
        "state": coverage.state,
        "days": drawn(covered.days.values()) or None,
        "why": coverage.why,
        "last_good": None if good is None else _time(good.start_time or good.created),
        "cluster_id": coverage.cluster_id,
    }


def _nagios_line(covered: Covered, code: NagiosCode) -> str:
    coverage = covered.coverage
    name = coverage.cluster_name or coverage.cluster_id
    return harmless(f"{code.name}: {name} is {coverage.state}: {coverage.why}")


def _time(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
