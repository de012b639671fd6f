"""Tables whose ids stay whole, however narrow the terminal is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

import attrs
from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from css_snapshot.cli.output.text import cell, plain

Record = Mapping[str, object]

Narrow = Literal["drop", "fold", "keep"]
"""What happens to a column in a narrow terminal."""

_GAP: Final = 2
_LEAST_FOLDED: Final = 24


@attrs.frozen
class Column:
    """A column of a table.

    Attributes:
        header: Its heading.
        key: The key of the records that it shows.
        narrow: What happens to it in a narrow terminal: it is dropped, it is folded,
            or it is kept whole, as ids are, so that they can be copied.
    """

    header: str
    key: str
    narrow: Narrow = "drop"


def tabular(
    records: Sequence[Record], columns: Sequence[Column], console: Console
) -> Iterator[RenderableType]:
    """Draw records as a table, or one below the other where no table fits.

    Columns that can be dropped go from the last to the first until the others fit.

    Args:
        records: What to draw.
        columns: What is shown of each.
        console: Where it is drawn.
    """
    shown = _fitting(records, columns, console.width)
    if shown:
        yield _table(records, shown, on_terminal=console.is_terminal)
        return
    for number, record in enumerate(records):
        if number:
            yield Text()
        yield from vertical(record, columns)


def vertical(record: Record, columns: Iterable[Column]) -> Iterator[Text]:
    """Draw one record as a line for each column."""
    listed = tuple(columns)
    width = max(len(column.header) for column in listed)
    for column in listed:
        heading = f"{column.header.capitalize() + ':':<{width + 1}} "
        yield Text.assemble((heading, "bold"), cell(record.get(column.key)))


def _fitting(
    records: Sequence[Record], columns: Sequence[Column], width: int
) -> list[Column]:
    least = {column: _least_width(records, column) for column in columns}
    shown = list(columns)
    droppable = [column for column in columns if column.narrow == "drop"]
    while shown and sum(least[column] + _GAP for column in shown) > width + _GAP:
        if not droppable:
            return []
        shown.remove(droppable.pop())
    return shown


def _least_width(records: Iterable[Record], column: Column) -> int:
    widths = (cell_len(plain(record.get(column.key))) for record in records)
    needed = max(widths, default=0)
    if column.narrow == "fold":
        needed = min(needed, _LEAST_FOLDED)
    return max(needed, len(column.header))


def _table(
    records: Iterable[Record], columns: Iterable[Column], *, on_terminal: bool
) -> Table:
    shown = tuple(columns)
    table = Table(
        box=box.SIMPLE_HEAD if on_terminal else None,
        show_edge=False,
        pad_edge=False,
        # The lines of a box take a column of their own.
        padding=(0, _GAP - 1 if on_terminal else _GAP, 0, 0),
        header_style="bold",
    )
    for column in shown:
        folds = column.narrow == "fold"
        table.add_column(column.header, overflow="fold", no_wrap=not folds)
    for record in records:
        table.add_row(*(cell(record.get(column.key)) for column in shown))
    return table
