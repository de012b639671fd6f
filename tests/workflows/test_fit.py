"""Which snapshot stands for the one asked for: what lists show of what was asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.models import Snapshot, SnapshotStatus
from css_snapshot.workflows.fit import compare

CLUSTER = "c1"
NAME = "nightly"

INDEX = st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True)


def shown(
    indices: str = "",
    *,
    status: str = "COMPLETED",
    failed_shards: int | None = 0,
    snapshot_id: str = "s1",
    cluster_id: str | None = CLUSTER,
) -> Snapshot:
    return Snapshot(
        id=snapshot_id,
        name=NAME,
        status=SnapshotStatus(status),
        cluster_id=cluster_id,
        indices=tuple(indices.split(",")) if indices else (),
        failed_shards=failed_shards,
    )


def asked(indices: str | None) -> CreateSnapshotRequest:
    return CreateSnapshotRequest(NAME, indices=indices)


@pytest.mark.parametrize(
    ("wanted", "present"),
    [
        (None, "anything,.kibana_1"),
        ("*", "anything"),
        ("_all", "a,b,.kibana_1"),
        ("a,b", "b,a"),
        ("spaced1,spaced2", "spaced1, spaced2"),
        ("logs-*", "logs-1,logs-2"),
        ("logs-*,other", "logs-1,other"),
        ("logs-*", ".ds-logs-app-2026.01.01-000001"),
        ("logs-*", ".ds-logs-app-000001"),
        ("*,-secret*", "logs-1"),
        ("a,b*", "a"),
        ("a[b]*", "a[b]1"),
        ("*,-a", "b"),
    ],
)
def test_it_stands_for_what_was_asked_without_a_doubt(
    wanted: str | None, present: str
) -> None:
    fit = compare(shown(present), CLUSTER, asked(wanted))

    assert (fit.misfit, fit.doubt) == (None, "")


@pytest.mark.parametrize(
    ("wanted", "present", "unseen"),
    [
        ("orders", "orders-000007", "orders"),
        ("current", "anything", "current"),
        ("logs-app", ".ds-logs-app-2026.01.01-000001", "logs-app"),
        ("a,b*", "b1", "a"),
        ("a,b", "a", "b"),
        ("a,missing", "a,resolved", "missing"),
        ("a", "", "does not show"),
        ("a*", "", "does not show"),
    ],
)
def test_what_the_service_may_have_resolved_is_adopted_with_a_doubt(
    wanted: str, present: str, unseen: str
) -> None:
    fit = compare(shown(present), CLUSTER, asked(wanted))

    assert fit.misfit is None
    assert unseen in fit.doubt


@pytest.mark.parametrize(
    ("wanted", "present", "unexplained"),
    [
        ("logs-*", "secret-only", "secret-only"),
        ("logs-*", "logs-1,other", "other"),
        ("a,b", "a,b,c", "c"),
        ("*,-secret*", "logs-1,secret-1", "secret-1"),
        ("logs-*", ".ds-metrics-app-2026.01.01-000001", ".ds-metrics"),
        ("a[b]*", "ab1", "ab1"),
    ],
)
def test_what_nothing_explains_is_proof_of_another_snapshot(
    wanted: str, present: str, unexplained: str
) -> None:
    fit = compare(shown(present), CLUSTER, asked(wanted))

    assert fit.misfit == "another"
    assert unexplained in fit.why


@pytest.mark.parametrize(
    ("snapshot", "misfit"),
    [
        (shown(status="BUILDING", failed_shards=None), None),
        (shown(status="COMPLETED", failed_shards=None), None),
        (shown(status="FAILED"), "spoiled"),
        (shown(status="PART_FAILED", failed_shards=1), "spoiled"),
        (shown(status="COMPLETED", failed_shards=1), "spoiled"),
        (shown(status="DELETING"), "another"),
        (shown(snapshot_id=""), "another"),
        (shown(cluster_id="another"), "another"),
        (shown(cluster_id=None), None),
    ],
)
def test_only_one_of_this_cluster_that_builds_or_is_usable_stands_for_anything(
    snapshot: Snapshot, misfit: str | None
) -> None:
    assert compare(snapshot, CLUSTER, asked(None)).misfit == misfit


@given(st.lists(INDEX, min_size=1, max_size=8, unique=True))
def test_what_was_asked_for_by_name_and_is_shown_fits(names: list[str]) -> None:
    fit = compare(shown(",".join(reversed(names))), CLUSTER, asked(",".join(names)))

    assert (fit.misfit, fit.doubt) == (None, "")


@given(st.lists(INDEX, min_size=1, max_size=8, unique=True), INDEX)
def test_an_index_too_many_is_always_noticed(names: list[str], other: str) -> None:
    if other in names:
        return

    fit = compare(shown(",".join([*names, other])), CLUSTER, asked(",".join(names)))

    assert fit.misfit == "another"
