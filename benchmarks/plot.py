"""A line chart as SVG, both axes logarithmic."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

import attrs

_WIDTH: Final = 860
_HEIGHT: Final = 460
_LEFT: Final = 70
_RIGHT: Final = 250
_TOP: Final = 40
_BOTTOM: Final = 50
_LABEL_GAP: Final = 16
_COLOURS: Final = (
    *("#1b9e77", "#d95f02", "#7570b3", "#e7298a", "#66a61e"),
    *("#e6ab02", "#a6761d", "#377eb8", "#666666", "#e41a1c"),
)


@attrs.frozen
class Line:
    """One line: its name, and its points by where they are on the lower axis."""

    name: str
    points: Mapping[int, float]


@attrs.frozen
class _Axis:
    """A logarithmic scale from pixels to pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)


def plot(lines: Sequence[Line], *, title: str, across: str, up: str) -> str:
    """Return the chart; every line has the same points on the lower axis."""
    marks = sorted(lines[0].points)
    values = [value for line in lines for value in line.points.values()]
    x = _Axis(marks[0] * 0.9, marks[-1] * 1.1, _LEFT, _WIDTH - _RIGHT)
    y = _Axis(min(values) * 0.8, max(values) * 1.25, _HEIGHT - _BOTTOM, _TOP)
    drawn = [
        _text(_LEFT, _TOP - 16, title, size=15),
        _text((x.start + x.end) / 2, _HEIGHT - 10, across, anchor="middle"),
        _text(14, _TOP - 4, up),
        *_grid(x, y, marks),
        *_curves(lines, x, y),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}"'
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">'
    )
    ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return "\n".join([head, ground, *drawn, "</svg>\n"])


def _grid(x: _Axis, y: _Axis, marks: Sequence[int]) -> Iterable[str]:
    for value in _round_values(y.low, y.high):
        yield _stroke([(x.start, y.at(value)), (x.end, y.at(value))], "#dddddd")
        yield _text(x.start - 6, y.at(value) + 4, f"{value:,}", anchor="end")
    for mark in marks:
        yield _stroke([(x.at(mark), y.start), (x.at(mark), y.end)], "#dddddd")
        yield _text(x.at(mark), y.start + 16, str(mark), anchor="middle")


def _curves(lines: Sequence[Line], x: _Axis, y: _Axis) -> Iterable[str]:
    last = max(lines[0].points)
    label = math.inf
    ranked = sorted(enumerate(lines), key=lambda ranked: ranked[1].points[last])
    for number, line in ranked:
        colour = _COLOURS[number % len(_COLOURS)]
        places = [(x.at(mark), y.at(line.points[mark])) for mark in sorted(line.points)]
        label = min(places[-1][1] + 4, label - _LABEL_GAP)
        yield _stroke(places, colour, width=2)
        yield _text(x.end + 8, label, line.name, colour=colour)


def _round_values(low: float, high: float) -> Iterable[int]:
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for step in (1, 2, 5):
            value = step * 10**power
            if value >= 1 and low <= value <= high:
                yield int(value)


def _stroke(
    places: Iterable[tuple[float, float]], colour: str, *, width: int = 1
) -> str:
    points = " ".join(f"{left:.1f},{top:.1f}" for left, top in places)
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}"'
        f' stroke-width="{width}"/>'
    )


def _text(
    left: float,
    top: float,
    text: str,
    *,
    anchor: str = "start",
    colour: str = "#222222",
    size: int = 12,
) -> str:
    return (
        f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}" fill="{colour}"'
        f' font-size="{size}">{escape(text)}</text>'
    )
