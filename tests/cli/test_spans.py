"""Spans of time and times of day, as people write them."""

import time as clock
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time

import pytest
import typer

from css_snapshot.cli.spans import next_at, span, time_of_day


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("0.5s", 0.5),
        ("3m", 180),
        ("2h", 7200),
        ("30d", 2592000),
        ("1w", 604800),
    ],
)
def test_a_span_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert span(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "26", "h", "-1h", "1 h", "1y", "1h30m", "\u0663h"]
)
def test_a_span_without_its_unit_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="such as 26h"):
        span(text)


@pytest.mark.parametrize("text", ["6", "24:00", "06:60", "06:00Z", "6 am", ""])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="such as 06:00"):
        time_of_day(text)


@pytest.fixture
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Let this machine be in another time zone."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        clock.tzset()

    yield move
    monkeypatch.undo()
    clock.tzset()


@pytest.mark.parametrize(
    ("now", "of_day", "expected"),
    [
        ("2026-11-24T01:00+00:00", "6:00", "2026-11-24T06:00+01:00"),
        ("2026-11-24T05:00+00:00", "06:00", "2026-11-25T06:00+01:00"),
        ("2026-11-24T04:59:59+00:00", "06:00", "2026-11-24T06:00+01:00"),
        # The clock goes back in the night between.
        ("2026-10-24T20:00+00:00", "06:00", "2026-10-25T06:00+01:00"),
        ("2026-10-23T20:00+00:00", "06:00", "2026-10-24T06:00+02:00"),
        # 02:30 is missing on that day.
        ("2026-03-28T20:00+00:00", "02:30", "2026-03-29T03:30+02:00"),
    ],
)
def test_the_next_time_of_day_is_this_machines(
    now: str, of_day: str, expected: str, in_zone: Callable[[str], None]
) -> None:
    in_zone("Europe/Berlin")
    local = datetime.fromisoformat(now).astimezone()

    found = next_at(time_of_day(of_day), local)

    assert found == datetime.fromisoformat(expected)
    assert found.utcoffset() == datetime.fromisoformat(expected).utcoffset()


def test_midnight_is_the_end_of_a_day(in_zone: Callable[[str], None]) -> None:
    in_zone("UTC")

    found = next_at(time(0, 0), datetime(2026, 11, 24, tzinfo=UTC))

    assert found == datetime(2026, 11, 25, tzinfo=UTC)
