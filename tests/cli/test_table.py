"""Tables in terminals of every width: ids stay whole, and nothing is cut."""

import io
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from css_snapshot.cli.output.table import Column, tabular, vertical

ID = "9dc4f5c9-33c0-45c7-9378-ae35ae350682"
COLUMNS = (
    Column("NAME", "name", narrow="fold"),
    Column("ID", "id", narrow="keep"),
    Column("STATUS", "status"),
    Column("CREATED", "created"),
)
RECORD = {"name": "nightly", "id": ID, "status": "COMPLETED", "created": "2026-11-24"}
WHOLE = len("nightly") + len(ID) + len("COMPLETED") + len("2026-11-24") + 3 * 2


def drawn(
    *records: Mapping[str, object], width: int, terminal: bool = True
) -> list[str]:
    screen = io.StringIO()
    console = Console(
        file=screen, width=width, force_terminal=terminal, color_system=None
    )
    for part in tabular(records, COLUMNS, console):
        console.print(part, soft_wrap=not hasattr(part, "add_row"))
    return [line.rstrip() for line in screen.getvalue().splitlines()]


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize(
    ("width", "headers"),
    [
        (WHOLE, "NAME ID STATUS CREATED"),
        (WHOLE - 1, "NAME ID STATUS"),
        (WHOLE - len("2026-11-24") - 2, "NAME ID STATUS"),
        (WHOLE - len("2026-11-24") - 3, "NAME ID"),
        (len("nightly") + len(ID) + 2, "NAME ID"),
    ],
)
def test_other_columns_go_first(width: int, headers: str, terminal: bool) -> None:
    header, *lines = drawn(RECORD, width=width, terminal=terminal)

    assert header.split() == headers.split()
    assert lines[-1].split()[:2] == ["nightly", ID]
    assert len(lines[-1]) <= width
    assert "  ".join(["nightly", ID]) == lines[-1][: len(f"nightly  {ID}")]


def test_a_long_name_is_folded_when_no_other_column_is_left() -> None:
    name = "nightly-of-a-cluster-with-a-long-name"
    width = 24 + 2 + len(ID)

    header, _, *lines = drawn(RECORD | {"name": name}, width=width)

    assert header.split() == ["NAME", "ID"]
    assert lines[0].split() == [name[:24], ID]
    assert lines[1] == name[24:]


def test_records_are_shown_one_below_the_other_where_no_table_fits() -> None:
    name = "nightly-of-a-cluster-with-a-long-name"
    width = 24 + 1 + len(ID)

    lines = drawn(RECORD | {"name": name}, RECORD, width=width)

    assert lines == [
        f"Name:    {name}",
        f"Id:      {ID}",
        "Status:  COMPLETED",
        "Created: 2026-11-24",
        "",
        "Name:    nightly",
        f"Id:      {ID}",
        "Status:  COMPLETED",
        "Created: 2026-11-24",
    ]


def test_headings_stand_out_and_states_have_colours() -> None:
    heading, state = (list(line.spans) for line in vertical(RECORD, COLUMNS[1:3]))

    assert [span.style for span in heading] == ["bold"]
    assert [str(span.style) for span in state] == ["bold", "green"]


@given(
    st.lists(st.text("abc-搜", min_size=1, max_size=64), min_size=1, max_size=4),
    st.integers(min_value=20, max_value=140),
)
def test_no_value_is_cut(names: list[str], width: int) -> None:
    records = [RECORD | {"name": name} for name in names]

    text = "".join(drawn(*records, width=width)).replace(" ", "")

    assert "…" not in text
    assert text.count(ID) == len(names)


def test_a_table_for_a_file_has_no_lines_and_every_column() -> None:
    assert drawn(RECORD, width=10_000, terminal=False) == [
        "NAME     ID                                    STATUS     CREATED",
        f"nightly  {ID}  COMPLETED  2026-11-24",
    ]
