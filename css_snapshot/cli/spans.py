"""Spans of time and times of day, as people write them."""

import re
from datetime import datetime, time, timedelta
from typing import Final

import typer

_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TIME_OF_DAY: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


def span(text: str | float) -> float:
    """Return a span of time such as `30d` or `4h` in seconds.

    A unit is needed: a bare number would mean days to one and seconds to another.

    Args:
        text: The span; seconds where it is a default, which typer parses as well.

    Raises:
        typer.BadParameter: If the text is not a number with a unit.
    """
    if not isinstance(text, str):
        return text
    match = _SPAN.fullmatch(text)
    if match is None:
        raise typer.BadParameter(
            f"must be a number with its unit s, m, h, d or w, such as 26h, not {text!r}"
        )
    return float(match[1]) * _SECONDS[match[2]]


def time_of_day(text: str) -> time:
    """Return a time of day such as `06:00`.

    Raises:
        typer.BadParameter: If the text is not an hour and a minute.
    """
    match = _TIME_OF_DAY.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"must be a time of day such as 06:00, not {text!r}")
    return time(int(match[1]), int(match[2]))


def next_at(of_day: time, now: datetime) -> datetime:
    """Return when a time of day comes next, in this machine's time zone.

    Args:
        of_day: Hour and minute.
        now: The time, aware and in this machine's zone.
    """
    today = datetime.combine(now.date(), of_day)
    days = (today, today + timedelta(days=1))
    return next(moment for moment in map(_latest, days) if moment > now)


def _latest(day: datetime) -> datetime:
    """Return when a local time is, on a day with an offset of its own.

    Of a time that comes twice, as clocks are set back, the later one is meant; one that
    is left out, as they are set ahead, comes an hour later.
    """
    # Which fold means which, of a time that is left out, differs between versions:
    # https://github.com/python/cpython/issues/83861
    return max(day.replace(fold=fold).astimezone() for fold in (0, 1))
