"""The counts of a run: what is good, what is bad, and how they are told."""

from typing import Any, Final

import attrs
import pytest

from css_snapshot.fanout import Summary

GOOD: Final = ("created", "adopted", "completed", "done", "skipped")
BAD: Final = (
    *("spoiled", "late", "busy", "not_ready", "failed", "not_retried"),
    "indeterminate",
)


def test_a_summary_of_nothing_counts_nothing() -> None:
    nothing = Summary()

    assert set(attrs.asdict(nothing).values()) == {0, ""}
    assert (nothing.total, nothing.good, nothing.bad) == (0, 0, 0)
    assert nothing.is_success


@pytest.mark.parametrize("word", [*GOOD, *BAD])
def test_each_count_is_good_or_bad(word: str) -> None:
    counts: dict[str, Any] = {word: 3}
    summary = Summary(**counts)

    assert (summary.good, summary.bad) == ((3, 0) if word in GOOD else (0, 3))
    assert summary.total == 3
    assert summary.is_success == (word in GOOD)


def test_every_count_counts() -> None:
    words = (*GOOD, *BAD)
    counts: dict[str, Any] = {word: 10**place for place, word in enumerate(words)}
    summary = Summary(**counts)

    assert summary.good == 11_111
    assert summary.bad == 111_111_100_000
    assert summary.total == 111_111_111_111


@pytest.mark.parametrize("changes", [{"journal_open": 1}, {"stopped": "asked to"}])
def test_what_is_left_is_no_success(changes: dict[str, object]) -> None:
    assert not Summary(created=1, **changes).is_success  # type: ignore[arg-type]  # one of each


@pytest.mark.parametrize(
    ("summary", "text"),
    [
        (
            Summary(elapsed=1.25),
            "0 targets in 1.2 s: 0 failed",
        ),
        (
            Summary(completed=2, not_ready=1, not_retried=4, journal_open=5),
            (
                "7 targets in 0.0 s: 2 completed, 1 not ready, 0 failed, 4 not retried;"
                " 5 open in the journal"
            ),
        ),
        (
            Summary(done=2, stopped="`stop()` was called"),
            "2 targets in 0.0 s: 2 done, 0 failed; stopped early: `stop()` was called",
        ),
    ],
)
def test_a_summary_tells_its_counts(summary: Summary, text: str) -> None:
    assert str(summary) == text
