"""One part of the report: its text, and the figures that targets are about."""

from collections.abc import Sequence

import attrs

from benchmarks.targets import Figures


class CannotMeasureError(Exception):
    """A section can't be measured here; the text says what is missing."""


@attrs.frozen
class Section:
    """What was measured, ready to print.

    Attributes:
        title: The heading.
        method: What it ran against, how often, and how to read it.
        tables: What was found, as Markdown.
        figures: The figures that have a target.
        lacking: Why a target of it has none.
    """

    title: str
    method: str
    tables: Sequence[str]
    figures: Figures = attrs.field(factory=dict)
    lacking: str = "who is compared is not here, or gave up"

    def __str__(self) -> str:
        return "\n\n".join([f"## {self.title}", self.method, *self.tables])
