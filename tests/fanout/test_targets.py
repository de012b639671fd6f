"""Targets as values, and what stands for them in the journal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot.api.clusters import Cluster, ClusterStatus
from css_snapshot.errors import RequestValidationError
from css_snapshot.fanout import Summary, Target
from css_snapshot.fanout.targets import digest

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{3,63}", fullmatch=True)
INDICES = st.none() | st.lists(
    st.from_regex(r"[a-z0-9*_-]{1,8}", fullmatch=True), min_size=1, max_size=5
)
DESCRIPTIONS = st.none() | st.text("abc xyz.", max_size=20)
TARGETS = st.builds(Target, st.sampled_from(["c0", "c1"]), NAMES, INDICES, DESCRIPTIONS)


def values(target: Target) -> tuple[object, ...]:
    indices = target.request().indices
    unordered = None if indices is None else frozenset(indices)
    return target.cluster_id, target.name, unordered, target.description


@given(TARGETS, TARGETS)
def test_digests_are_equal_exactly_for_equal_values(one: Target, two: Target) -> None:
    same = values(one) == values(two)
    digests = [digest(target.cluster_id, target.request()) for target in (one, two)]

    assert (digests[0] == digests[1]) is same


def test_a_digest_does_not_change_from_release_to_release() -> None:
    target = Target("c0", "nightly-1", indices="b,a", description="x")

    assert digest("c0", target.request()).hex() == "eb48ef5be3f906bd65121af86d97f062"


def test_a_target_is_shown_as_cluster_and_name() -> None:
    assert str(Target("c0", "nightly-1")) == "c0/nightly-1"


def test_the_id_of_a_cluster_is_checked_with_its_own_name() -> None:
    with pytest.raises(RequestValidationError) as caught:
        Target("../c0", "nightly-1").request()

    assert caught.value.field == "cluster_id"


def test_a_target_of_a_cluster_knows_its_name_and_whether_it_is_ready() -> None:
    cluster = Cluster(
        id="c0", name="orders", status=ClusterStatus.AVAILABLE, actions=("REBOOTING",)
    )

    target = Target.of(cluster, "nightly-1", indices=["a"], description="x")

    assert target == Target("c0", "nightly-1", ["a"], "x")
    assert target.cluster_name == "orders"
    assert target.readiness == cluster.snapshot_readiness


def test_a_summary_is_one_line() -> None:
    summary = Summary(created=2, adopted=1, busy=1, elapsed=1.25, stopped="why")

    assert str(summary) == (
        "4 targets in 1.2 s: 2 created, 1 adopted, 1 busy, 0 failed; stopped early: why"
    )


@pytest.mark.parametrize(
    ("target", "stored"),
    [
        (Target("c-1", "name_1"), "2ee5d691f69a67d3cb87982c16cafce7"),
        (
            Target("c-2", "name_1", indices="b,a", description="hé"),
            "ba62ece2ac41f1c40e9d0fed1b6e3fb7",
        ),
    ],
)
def test_digests_are_those_that_journals_have(target: Target, stored: str) -> None:
    assert digest(target.cluster_id, target.request()).hex() == stored
