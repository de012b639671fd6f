"""Single values, in all the types they were seen in, and in some that nobody saw yet."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot.api.values import (
    UnreadableError,
    one_line,
    read_fields,
    read_integer,
    read_loose_text,
    read_loose_truth,
    read_moment,
    read_names,
    read_pairs,
    read_text,
    read_truth,
    read_word,
)

Read = Callable[[object], object]

EVENING: Final = datetime(2024, 4, 2, 23, 23, tzinfo=UTC)


def _label(value: object) -> str:
    return getattr(value, "__name__", ascii(value))


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (read_text, "", ""),
        (read_text, "a b", "a b"),
        (read_word, 200, "200"),
        (read_word, "200", "200"),
        (read_loose_text, None, None),
        (read_loose_text, "", ""),
        (read_loose_text, 7, "7"),
        (read_loose_text, 7.5, "7.5"),
        (read_loose_text, ["192.0.2.1:9200", 9200], "192.0.2.1:9200,9200"),
        (read_loose_text, [], ""),
        (read_integer, None, None),
        (read_integer, "", None),
        (read_integer, "  ", None),
        (read_integer, 0, 0),
        (read_integer, "7", 7),
        (read_integer, " -7 ", -7),
        (read_integer, 7.0, 7),
        (read_integer, 10**30, 10**30),
        (read_integer, "9" * 20, int("9" * 20)),
        (read_truth, True, True),
        (read_truth, " False ", False),
        (read_loose_truth, None, None),
        (read_loose_truth, "", None),
        (read_loose_truth, False, False),
        (read_loose_truth, "TRUE", True),
        (read_loose_truth, 1, True),
        (read_loose_truth, "0", False),
        (read_names, None, ()),
        (read_names, "", ()),
        (read_names, "a,b", ("a", "b")),
        (read_names, " a, b ,,", ("a", "b")),
        (read_names, ["a", " b ", ""], ("a", "b")),
        (read_names, [1], ("1",)),
        (read_pairs, None, {}),
        (read_pairs, "", {}),
        (read_pairs, {"a": 1, "b": None, "c": True}, {"a": "1", "b": "", "c": "true"}),
        (read_pairs, [{"key": "a", "value": 1}], {"a": "1"}),
        (read_pairs, [{"key": "a"}], {"a": ""}),
        (read_pairs, [{"key": "a", "value": ["x"]}], {"a": '["x"]'}),
    ],
    ids=_label,
)
def test_a_value_is_read_or_converted(
    read: Read, value: object, expected: object
) -> None:
    found = read(value)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("read", "value", "problem"),
    [
        (read_text, None, "expected text, got nothing"),
        (read_text, 7, "expected text, got a number"),
        (read_text, 7.5, "expected text, got a number"),
        (read_text, True, "expected text, got true or false"),
        (read_text, [], "expected text, got a list"),
        (read_text, {}, "expected text, got an object"),
        (read_word, True, "expected text, got true or false"),
        (read_loose_text, True, "expected text, got true or false"),
        (read_loose_text, math.nan, "expected text, got a number"),
        (read_loose_text, [None], "expected text, got nothing"),
        (read_integer, "seven", "expected a whole number, got text"),
        (read_integer, "7.5", "expected a whole number, got text"),
        (read_integer, "9" * 21, "expected a whole number, got text"),
        (read_integer, "٣", "expected a whole number, got text"),
        (read_integer, "--7", "expected a whole number, got text"),
        (read_integer, 7.5, "expected a whole number, got a number"),
        (read_integer, math.inf, "expected a whole number, got a number"),
        (read_integer, True, "expected a whole number, got true or false"),
        (read_truth, "yes", "expected true or false, got other text"),
        (read_truth, 1, "expected text, got a number"),
        (read_loose_truth, "yes", "expected true or false, got something else"),
        (read_loose_truth, 2, "expected true or false, got something else"),
        (read_names, {}, "expected text, got an object"),
        (read_names, [{}], "expected text, got an object"),
        (read_pairs, "a=b", "expected an object, got text"),
        (read_pairs, ["a"], "expected an object, got text"),
        (read_pairs, [{"value": 1}], "expected text, got nothing"),
        (read_fields, [], "expected an object, got a list"),
    ],
    ids=_label,
)
def test_what_can_not_be_read_is_told_but_not_quoted(
    read: Read, value: object, problem: str
) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(value)

    assert str(caught.value) == problem


@pytest.mark.parametrize(
    "value",
    [
        "2024-04-02T23:23:00",
        "2024-04-02 23:23",
        "2024/04/02 23:23",
        "2024/4/2 23:23:00",
        "2024.04.02 23:23:00.000",
        " 2024/04/02  23:23:00,0 ",
        "2024-04-02T23:23:00Z",
        "2024/04/02 23:23 UTC",
        "2024-04-03 07:23:00 +0800",
        "2024/04/03 07:23 GMT+08:00",
        "2024-04-02T18:53:00-04:30",
        "20240402T232300Z",
        1712100180000,
        "1712100180000",
        1712100180,
        "1712100180",
        1712100180000.0,
    ],
    ids=_label,
)
def test_a_time_is_read_in_any_spelling_that_says_which_it_is(value: object) -> None:
    moment = read_moment(value)

    assert moment == EVENING
    assert moment is not None
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024/04/02", datetime(2024, 4, 2, tzinfo=UTC)),
        ("20240402", datetime(2024, 4, 2, tzinfo=UTC)),
        ("2024/04/02 23:23:59.1234567", EVENING + timedelta(0, 59, 123456)),
        (1712100180099, EVENING + timedelta(milliseconds=99)),
        (10**9, datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)),
        (10**11, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        (10**11 - 1, datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
    ],
)
def test_a_time_is_as_precise_as_it_came(value: object, expected: datetime) -> None:
    assert read_moment(value) == expected


@pytest.mark.parametrize("value", [None, "", " ", 0, "0", -1, "-1", 0.0], ids=_label)
def test_what_has_not_happened_has_no_time(value: object) -> None:
    assert read_moment(value) is None


@pytest.mark.parametrize(
    "value",
    [
        *("yesterday", "04/02/2024", "2/4/2024 23:23", "2024-04/02", "2024/13/01"),
        *("2024/04/31", "2024-04-02 25:00", "0001-01-01T00:00:00+14:00"),
        *("2024/04/02 23:23 +99:99", "99999999", 10**9 - 1, 10**30, 1e300, 1.5),
        *(1, True, [], {}, math.nan, math.inf, "2024-04-02T23:23:00 CST"),
    ],
    ids=_label,
)
def test_a_time_that_could_be_several_is_none_of_them(value: object) -> None:
    with pytest.raises(UnreadableError):
        read_moment(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain é 快照 🙂", "plain é 快照 🙂"),
        ("a\nb\rc\td", "a b c d"),
        ("\x1b[31mred", " [31mred"),
        ("\ud800x", " x"),
        ("user\u202etxt.exe\u2066", "user txt.exe "),
        ("\x00\x7f\x9b\u2028\ufeff", "     "),
    ],
)
def test_text_is_made_one_line_that_can_be_shown(text: str, expected: str) -> None:
    assert one_line(text) == expected
    for read in (read_text, read_word, read_loose_text):
        assert read(text) == expected
    assert read_pairs({text: text}) == {expected: expected}
    assert read_pairs([{"key": text, "value": [text]}]).keys() == {expected}


@given(st.text())
def test_any_text_is_one_line_and_can_be_encoded(text: str) -> None:
    line = one_line(text)

    assert line.isprintable()
    assert len(line) == len(text)
    line.encode()
    assert one_line(line) == line


JSON_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.just("key"), inner, max_size=3)
    ),
    max_leaves=8,
)
DATES: Final = st.from_regex(
    r"\d{1,5}[-/.]?\d{1,2}[-/.]?\d{1,2}([T ]\d{1,2}:\d\d(:\d\d(\.\d+)?)?)?( ?[+-]\d{4}|Z)?"
)


@given(JSON_VALUES | DATES)
def test_any_value_is_read_or_refused_without_being_quoted(value: Any) -> None:
    for read in (
        *(read_text, read_word, read_integer, read_truth, read_moment, read_names),
        *(read_loose_text, read_loose_truth, read_pairs, read_fields),
    ):
        try:
            read(value)
        except UnreadableError as exc:
            problem = str(exc)
        else:
            continue
        assert problem.startswith("expected ")
        assert len(problem) < 60


@given(
    st.datetimes(
        min_value=datetime(1974, 1, 1),  # noqa: DTZ001  # without a zone, see hypothesis
        max_value=datetime(9998, 1, 1),  # noqa: DTZ001  # as above
    ),
    st.integers(-14 * 60, 14 * 60),
)
def test_a_date_means_the_same_however_it_is_written(
    moment: datetime, minutes: int
) -> None:
    zone = timezone(timedelta(minutes=minutes))
    wanted = moment.replace(microsecond=0, tzinfo=zone)

    for text in (wanted.isoformat(), f"{wanted:%Y/%m/%d %H:%M:%S %z}"):
        assert read_moment(text) == wanted


@given(JSON_VALUES)
def test_what_json_has_survives_being_text(value: Any) -> None:
    pairs = read_pairs({"a": value})

    assert pairs["a"].isprintable()
    if isinstance(value, int):
        assert json.loads(pairs["a"]) == value
