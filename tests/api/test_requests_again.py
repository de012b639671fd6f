"""The same creation wanted again and again, as for each cluster of a fleet."""

from collections import deque
from typing import Any

import pytest

from css_snapshot.api.encode import encode_create
from css_snapshot.api.requests import CreateSnapshotRequest, creation_request
from css_snapshot.errors import RequestValidationError


@pytest.mark.parametrize("indices", [None, "a,b", ("a", "b"), ["a", "b"]])
def test_the_same_is_checked_and_encoded_once(indices: Any) -> None:
    one, two = (
        creation_request("nightly", indices=indices, description="d") for _ in range(2)
    )

    assert one is two
    assert one == CreateSnapshotRequest("nightly", indices=indices, description="d")
    assert encode_create(one) is encode_create(two)


@pytest.mark.parametrize(
    "other",
    [
        {"name": "nightly_2"},
        {"indices": ("b",)},
        {"indices": None},
        {"description": "e"},
        {"description": None},
        {"strict": False},
    ],
)
def test_what_differs_is_told_apart(other: dict[str, Any]) -> None:
    wanted: dict[str, Any] = {"name": "nightly", "indices": ("a",), "description": "d"}

    assert creation_request(**wanted) != creation_request(**wanted | other)
    assert creation_request(**wanted | other) == CreateSnapshotRequest(**wanted | other)


def test_a_sequence_that_changes_is_read_anew() -> None:
    # As hashable as any object that does not say how it is compared.
    indices = deque(["a"])
    names: Any = type("Names", (), {"__iter__": lambda _: iter(indices)})()

    before = creation_request("nightly", indices=names)
    indices.append("b")

    assert before.indices == ("a",)
    assert creation_request("nightly", indices=names).indices == ("a", "b")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ["nightly"]},
        {"name": "nightly", "indices": (["a"],)},
        {"name": "nightly", "indices": 5},
        {"name": "nightly", "indices": True},
        {"name": "nightly", "description": {}},
    ],
)
def test_what_can_not_be_looked_up_is_refused_as_it_always_is(
    wrong: dict[str, Any],
) -> None:
    with pytest.raises(RequestValidationError):
        creation_request(**wrong)
