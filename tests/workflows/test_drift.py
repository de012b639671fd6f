"""Drift: what differs is told, and what only looks different is not."""

from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot import Difference, PolicyDrift, SnapshotFrequency, SnapshotPolicy
from css_snapshot.api.decode import decode_policy
from css_snapshot.api.encode import encode_policy
from css_snapshot.workflows.drift import policy_drift

DAILY: Final = SnapshotPolicy(
    enabled=True, prefix="nightly", period="16:00 GMT+08:00", keep=7
)


def drift(have: SnapshotPolicy, want: SnapshotPolicy) -> dict[str, tuple[Any, Any]]:
    found = policy_drift("c1", have, want)
    return {field: (each.have, each.want) for field, each in found.items()}


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        ({"frequency": "DAY"}, {}),
        ({}, {"frequency": "DAY"}),
        ({"frequency": "day"}, {"frequency": "DAY"}),
        ({"indices": ["*"]}, {}),
        ({"indices": ["_all"]}, {}),
        ({"indices": []}, {"indices": "*"}),
        ({"indices": [""]}, {}),
        ({}, {"indices": "*"}),
        ({"indices": "b, a"}, {"indices": ["a", "b"]}),
        ({"period": "16:00 GMT+8"}, {}),
        ({"period": "16:00 GMT+08"}, {}),
        ({"period": "16:00 GMT+0800"}, {}),
        ({"period": "16:00 GMT+800"}, {}),
        ({"period": "16:00GMT+08:00"}, {}),
        ({"period": "16:00:00 gmt +8:00"}, {}),
        ({"period": "16:00 UTC+08:00"}, {}),
        ({"period": "16:00+08:00"}, {}),
        ({"period": "08:00 GMT"}, {}),
        ({"period": "8:00 GMT+00:00"}, {}),
        ({"period": "08:00Z"}, {}),
        ({"period": "22:00 GMT-10:00"}, {}),
        ({"period": "01:30 GMT-06:30"}, {}),
        ({"period": None}, {"period": "00:00 GMT+08:00"}),
        ({"period": "07:00 GMT+08:00", "frequency": "HOUR"}, {"frequency": "HOUR"}),
        ({"period": None, "frequency": "HOUR"}, {"frequency": "HOUR"}),
        ({"period": "16:00 GMT+8", "frequency": "SUN"}, {"frequency": "SUN"}),
        ({"bucket": "b", "base_path": "p", "agency": "a"}, {}),
        ({}, {"bucket": "b", "base_path": "p", "agency": "a"}),
    ],
    ids=repr,
)
def test_what_means_the_same_is_no_drift(
    shown: dict[str, Any], wanted: dict[str, Any]
) -> None:
    have, want = attrs.evolve(DAILY, **shown), attrs.evolve(DAILY, **wanted)

    found = policy_drift("c1", have, want)

    assert not found
    assert str(found) == "none"
    assert dict(found) == {}


@pytest.mark.parametrize(
    ("shown", "wanted", "field", "have", "want"),
    [
        ({"prefix": "old"}, {}, "prefix", "old", "nightly"),
        ({"prefix": None}, {}, "prefix", None, "nightly"),
        ({"keep": 14}, {}, "keep", 14, 7),
        ({"keep": None}, {}, "keep", None, 7),
        ({"frequency": "MON"}, {}, "frequency", "MON", "DAY"),
        ({}, {"frequency": "SUN"}, "frequency", "DAY", "SUN"),
        ({"indices": "a"}, {}, "indices", ("a",), ("*",)),
        ({}, {"indices": "a,b"}, "indices", ("*",), ("a", "b")),
        ({"indices": "*,-a"}, {}, "indices", ("*", "-a"), ("*",)),
        (
            {"period": "16:00 GMT"},
            {},
            "period",
            "16:00 GMT",
            "16:00 GMT+08:00",
        ),
        (
            {"period": "16:00"},
            {"period": "16:00 GMT+00:00"},
            "period",
            "16:00",
            "16:00 GMT+00:00",
        ),
        ({"period": "noon"}, {}, "period", "noon", "16:00 GMT+08:00"),
        (
            {"period": "18:00 GMT+00:00", "frequency": "MON"},
            {"period": "02:00 GMT+08:00", "frequency": "MON"},
            "period",
            "18:00 GMT+00:00",
            "02:00 GMT+08:00",
        ),
        ({"period": None}, {}, "period", "00:00 GMT+08:00", "16:00 GMT+08:00"),
    ],
    ids=repr,
)
def test_what_differs_is_told_with_both_values(
    shown: dict[str, Any], wanted: dict[str, Any], field: str, have: Any, want: Any
) -> None:
    found = drift(attrs.evolve(DAILY, **shown), attrs.evolve(DAILY, **wanted))

    assert found == {field: (have, want)}


def test_all_that_differs_is_told() -> None:
    off = SnapshotPolicy(enabled=False, prefix="a", keep=1, frequency="HOUR")

    found = policy_drift("c1", off, DAILY)

    assert found.cluster_id == "c1"
    assert list(found) == ["enabled", "prefix", "period", "keep", "frequency"]
    assert len(found) == 5
    assert found["keep"] == Difference(1, 7)
    assert "enabled: have False, want True" in str(found)
    assert "keep: have 1, want 7" in str(found)


def test_of_a_policy_that_is_wanted_off_nothing_else_matters() -> None:
    off = SnapshotPolicy(enabled=False)

    assert drift(attrs.evolve(DAILY, enabled=False), off) == {}
    assert drift(DAILY, off) == {"enabled": (True, False)}


def test_indices_are_shown_as_they_are_written() -> None:
    found = policy_drift("c1", attrs.evolve(DAILY, indices="a,b"), DAILY)

    assert str(found) == "indices: have a,b, want *"


def test_drifts_of_the_same_fields_are_equal() -> None:
    assert PolicyDrift("c1", {"keep": Difference(1, 2)}) == PolicyDrift(
        "c2", {"keep": Difference(1, 2)}
    )


POLICIES: Final = st.builds(
    SnapshotPolicy,
    enabled=st.just(True),
    prefix=st.sampled_from(["a", "nightly"]),
    period=st.builds(
        "{:02}:00 GMT{}{:02}:{}".format,
        st.integers(0, 23),
        st.sampled_from("+-"),
        st.integers(0, 14),
        st.sampled_from(["00", "30", "45"]),
    ),
    keep=st.integers(1, 90),
    frequency=st.none() | st.sampled_from(SnapshotFrequency),
    indices=st.none() | st.sampled_from(["*", "_all", "a", "b,a*"]),
)


@given(policy=POLICIES)
def test_what_was_sent_and_reads_back_has_not_drifted(policy: SnapshotPolicy) -> None:
    shown = decode_policy(encode_policy(policy, "both"))

    assert not policy_drift("c1", shown, policy)
    assert not policy_drift("c1", policy, policy)


@given(have=POLICIES, want=POLICIES)
def test_drift_goes_both_ways(have: SnapshotPolicy, want: SnapshotPolicy) -> None:
    there = drift(have, want)

    assert drift(want, have) == {
        field: (wanted, shown) for field, (shown, wanted) in there.items()
    }
