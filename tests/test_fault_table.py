"""What `create`, `ensure` and a run make of each wire fault that meets a creation."""

from typing import Final

import fault_server
import fault_table
import pytest
from fault_table import WIRE, Row

from css_snapshot.transport import TransportKind

UNREAD: Final = {"reset at accept": 0, "never reads": 0}
HARMLESS: Final = {
    *("wrong content type", "1xx, then the answer"),
    *("HTTP/1.0, then closed", "kept, then closed"),
}
OVER_ALL: Final = ("reset before the answer", "body cut short", "201 with `{}`")


@pytest.fixture(scope="module", autouse=True)
def packed_bomb() -> None:
    """Pack the bomb before an attempt's time limit runs."""
    fault_server.bomb()


def assert_true(row: Row) -> None:
    ends = (row.carried_out, row.not_carried_out, row.run)
    assert row.posts == UNREAD.get(row.fault, 1)
    if row.fault in HARMLESS:
        assert (row.create, *ends) == ("created", "created", "created", "Created")
    elif row.fault in UNREAD:
        # It meets the look before the creation, so that none is sent.
        assert ends == (row.create, row.create, "Failed")
        assert row.sent == "None"
    else:
        assert ends == ("adopted", "IndeterminateCreateError", "Adopted")
        assert row.sent == "None"


@pytest.mark.parametrize("name", WIRE)
async def test_a_creation_is_made_once_and_its_end_is_told_truly(name: str) -> None:
    assert_true(await fault_table.measure_wire(name, "httpx", sdk=False))


@pytest.mark.parametrize("name", OVER_ALL)
async def test_that_does_not_depend_on_the_transport(
    name: str, transport_kind: TransportKind
) -> None:
    assert_true(await fault_table.measure_wire(name, transport_kind, sdk=False))


async def test_a_redirect_is_told_as_one_by_every_call() -> None:
    row = await fault_table.measure_redirect("httpx", sdk=False)

    assert row.create == row.carried_out == "UnexpectedStatusError"
    assert (row.posts, row.run, row.followed) == (1, "Failed", False)


def test_the_table_has_a_line_for_each_fault() -> None:
    rows = [fault_table.Row(fault=name) for name in WIRE]

    assert len(fault_table.markdown(rows).splitlines()) == len(WIRE) + 2
