"""The rules: at each edge and one past it, and never an error that is not ours."""

import contextlib
import re
from collections.abc import Callable, Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot import RequestValidationError
from css_snapshot.api.rules import (
    check_description,
    check_engine,
    check_id,
    check_match,
    check_name,
    check_number,
    check_renaming,
    check_seconds,
    check_text,
    split_indices,
)

Check = Callable[[object], object]

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(max_size=8),
    st.text(max_size=70),
    st.text('ab-_*,. /?<>A\\"\u00e9\ud800', max_size=20),
    st.lists(st.one_of(st.text(max_size=8), st.integers()), max_size=4),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def refusal(check: Callable[[], object]) -> RequestValidationError:
    with pytest.raises(RequestValidationError) as caught:
        check()
    return caught.value


@pytest.mark.parametrize(
    "check",
    [
        lambda value: check_id("id", cast(str, value)),
        lambda value: check_name(cast(str, value)),
        lambda value: check_description(cast(str, value), strict=True),
        lambda value: check_description(cast(str, value), strict=False),
        lambda value: split_indices(cast(str, value)),
        lambda value: check_renaming("rename_pattern", cast(str, value)),
        lambda value: check_match("prefix", cast(str, value), re.compile("a+"), "no"),
        lambda value: check_text("name", value),
        lambda value: check_number("keep", cast(int, value), least=0, most=9),
        lambda value: check_seconds("older_than", cast(float, value)),
        lambda value: check_engine(cast(str, value)),
    ],
    ids=[
        *("id", "name", "description", "seed-description", "indices", "renaming"),
        *("match", "text", "number", "seconds", "engine"),
    ],
)
@given(value=ANYTHING)
def test_any_value_passes_or_is_refused_with_our_error(
    check: Check, value: object
) -> None:
    with contextlib.suppress(RequestValidationError):
        check(value)


@pytest.mark.parametrize("value", ["a", "A-z_09", "x" * 64])
def test_an_id_may_be(value: str) -> None:
    check_id("cluster_id", value)


@pytest.mark.parametrize(
    ("value", "position"),
    [("", None), ("x" * 65, None), ("a/b", 1), ("..", 0), ("ab\n", 2), ("é", 0)],
)
def test_an_id_may_not_be(value: str, position: int | None) -> None:
    error = refusal(lambda: check_id("cluster_id", value))

    assert (error.field, error.position) == ("cluster_id", position)


@pytest.mark.parametrize("value", ["abcd", "a123", "a_-_", "a" * 64, "snap-2026_03"])
def test_a_name_may_be(value: str) -> None:
    check_name(value)


@pytest.mark.parametrize(
    ("value", "position"),
    [
        ("", None),
        ("abc", None),
        ("a" * 65, None),
        ("1abc", 0),
        ("-abc", 0),
        ("_abc", 0),
        ("Abcd", 0),
        ("abCd", 2),
        ("ab cd", 2),
        ("ab.cd", 2),
        ("abcd\n", 4),
        ("abcé", 3),
        ("abc٣", 3),
        ("a" * 64 + "B", None),
    ],
)
def test_a_name_may_not_be(value: str, position: int | None) -> None:
    error = refusal(lambda: check_name(value))

    assert (error.field, error.position) == ("name", position)


@given(st.from_regex(r"[a-z][a-z0-9_-]{3,63}", fullmatch=True))
def test_every_name_of_the_documented_form_passes(value: str) -> None:
    check_name(value)


@given(st.text(max_size=70))
def test_no_other_name_passes(value: str) -> None:
    documented = re.fullmatch(r"[a-z][a-z0-9_-]{3,63}", value) is not None
    try:
        check_name(value)
    except RequestValidationError:
        assert not documented
    else:
        assert documented


@pytest.mark.parametrize("value", ["", "x" * 256, "nightly; before 1.2 (über)\n"])
def test_a_description_may_be(value: str) -> None:
    check_description(value, strict=True)


@pytest.mark.parametrize("character", "!<>=&\"'\\")
def test_a_description_holds_nothing_that_any_site_refuses(character: str) -> None:
    error = refusal(lambda: check_description("ab" + character, strict=True))

    assert (error.field, error.position) == ("description", 2)


def test_the_oldest_rule_for_descriptions_refuses_angle_brackets_alone() -> None:
    check_description("!=&\"'\\", strict=False)

    assert refusal(lambda: check_description("a<", strict=False)).position == 1
    assert refusal(lambda: check_description("a>", strict=False)).position == 1


def test_a_description_has_at_most_256_characters() -> None:
    error = refusal(lambda: check_description("x" * 257, strict=True))

    assert "257" in error.rule


def test_half_a_character_is_refused_as_it_can_not_be_sent() -> None:
    error = refusal(lambda: check_description("ab\ud800", strict=False))

    assert error.position == 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        ("a", ("a",)),
        ("a,b*", ("a", "b*")),
        (["a", "b"], ("a", "b")),
        ((".kibana", "logs-2018-06*"), (".kibana", "logs-2018-06*")),
        ("x" * 1024, ("x" * 1024,)),
    ],
)
def test_indices_come_one_by_one(
    given: Sequence[str] | str | None, expected: tuple[str, ...] | None
) -> None:
    assert split_indices(given) == expected


@pytest.mark.parametrize(
    ("value", "position"),
    [
        ("", None),
        ([], None),
        ([""], None),
        ("a,,b", None),
        (["a", ""], None),
        ("a,b c", 1),
        (["a,b"], 1),
        ("aB", 1),
        ("a\tb", 1),
        ("x" * 1025, None),
        (["x" * 512, "y" * 512], None),
        *((f"a{character}", 1) for character in '"\\<|>/?'),
        ([1], None),
        (7, None),
    ],
)
def test_indices_may_not_be(value: Sequence[str] | str, position: int | None) -> None:
    error = refusal(lambda: split_indices(value))

    assert (error.field, error.position) == ("indices", position)


@pytest.mark.parametrize("value", ["index_(.+)", "restored_index_$1", "x" * 1024])
def test_a_renaming_may_be(value: str) -> None:
    check_renaming("rename_pattern", value)


@pytest.mark.parametrize("value", ["", "x" * 1025, "a b", "A", "a,b", "a|b", "a\\d"])
def test_a_renaming_may_not_be(value: str) -> None:
    error = refusal(lambda: check_renaming("rename_pattern", value))

    assert error.field == "rename_pattern"


@pytest.mark.parametrize(
    ("value", "passes"),
    [(0, False), (1, True), (90, True), (91, False), (True, False), (1.0, False)],
)
def test_a_number_keeps_its_bounds(value: int, passes: bool) -> None:
    if passes:
        check_number("keep", value, least=1, most=90)
    else:
        refusal(lambda: check_number("keep", value, least=1, most=90))


def test_a_number_without_upper_bound_says_the_lower_one() -> None:
    assert "at least 0" in refusal(lambda: check_number("keep", -1, least=0)).rule


@pytest.mark.parametrize("value", [0, 0.0, 1e9])
def test_seconds_may_be(value: float) -> None:
    check_seconds("older_than", value)


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), True, "60"])
def test_seconds_may_not_be(value: float) -> None:
    assert refusal(lambda: check_seconds("older_than", value)).field == "older_than"


@pytest.mark.parametrize("value", ["Elasticsearch", "", "kibana"])
def test_an_engine_is_one_of_three(value: str) -> None:
    check_engine("opensearch")

    assert refusal(lambda: check_engine(value)).field == "engine"


@pytest.mark.parametrize("engine", ["elasticsearch", "opensearch", "logstash"])
def test_each_engine_can_be_asked_for(engine: str) -> None:
    check_engine(engine)
