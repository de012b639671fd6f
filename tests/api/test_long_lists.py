"""Long lists: read in pieces as JSON reads them whole, and in little memory."""

import json
import tracemalloc
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from css_snapshot import Snapshot, SnapshotStatus
from css_snapshot.api.decode import LARGE, PIECE, DecodeError, decode_snapshots
from tests.support.thoroughness import examples

ROW: Final[dict[str, object]] = {
    "id": "4f1e0a6c-0b1f-4f21-9a4f-000000000001",
    "name": "snapshot-1",
    "status": "COMPLETED",
    "description": "",
    "clusterId": "ea244205-d641-45d9-9dcb-000000000000",
    "clusterName": "es-production",
    "created": "2026-11-25T10:00:00",
    "updated": "2026-11-25T10:05:00",
    "datastore": {"type": "elasticsearch", "version": "7.10.2"},
    "indices": "orders,customers",
    "backupType": "1",
    "backupMethod": "auto",
    "backupFrequency": "DAY",
    "backupExpectedStartTime": "2026-11-25 10:00 GMT+08:00",
    "backupKeepDay": 30,
    "backupPeriod": "10:00 GMT+08:00",
    "bucketName": "css-backup-production",
    "version": "7.10.2",
    "totalShards": 5,
    "failedShards": 0,
    "restoreStatus": "NO",
    "startTime": 1764036000000,
    "endTime": 1764036300000,
}
NAMES: Final = ("ein", "schnäppchen", "快照", "🗄️", 'a\\"b')
ROWS: Final = ",".join(json.dumps({"name": x}, ensure_ascii=False) for x in NAMES)
TAILS: Final = (
    f"{ROWS}]}}",
    f' \n{ROWS.replace(",", chr(9) + ", ")} ] ,\r\n "backup" : [1] }} ',
    '1, -2.5e+10 ,true,null,"]",[[]],{"name":"a"},NaN,-Infinity],"totalSize":1}',
    '{"name":"\\ud83d"},{"name":"\ud83d"},{"name":"\udc00\ud83d"}]}',
    f'{ROWS}],"a":1,"backups":[]}}',
    f"{ROWS},]}}",
    f"{ROWS} {ROWS}]}}",
    f"{ROWS}}}",
    ROWS,
    f"{ROWS}]",
    f"{ROWS}]}} {{}}",
    f"{ROWS}],}}",
    f'{ROWS},"\n"]}}',
    f"{ROWS},01]}}",
)


def a_list_up_to(size: int) -> str:
    """Return the beginning of a list: so many bytes of one row, and a comma."""
    head, tail = '{"backups":[{"name":"first","x":"', '"},'
    return head + "x" * (size - len(head) - len(tail)) + tail


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def names_in(body: bytes) -> list[str] | str:
    """Return the names of the snapshots in a body, or why it is none."""
    try:
        return [snapshot.name for snapshot in decode_snapshots(body)]
    except DecodeError as exc:
        return str(exc)


def names_by_json(body: bytes) -> list[str] | str:
    """Return the same, as the standard library reads the whole body."""
    pairs: list[tuple[str, object]] = []

    def keep(found: list[tuple[str, object]]) -> dict[str, object]:
        # The document itself comes last.
        pairs[:] = found
        return dict(found)

    try:
        text = body.decode("utf-8", "surrogatepass").removeprefix("\ufeff")
        document = json.loads(text, object_pairs_hook=keep)
    except (ValueError, RecursionError):
        return "the body is not JSON"
    if [name for name, _ in pairs].count("backups") > 1:
        return "backups is there twice"
    names = [row.get("name") for row in document["backups"] if isinstance(row, dict)]
    return [
        "".join(char if char.isprintable() else " " for char in name)
        for name in names
        if isinstance(name, str) and name
    ]


def bodies_cut_in(tail: str) -> Iterator[bytes]:
    """Yield the same list with its first piece ending at each byte of its tail."""
    for taken in range(len(encoded(tail)) + 2):
        yield encoded(a_list_up_to(PIECE - taken) + tail)


@pytest.mark.parametrize("tail", TAILS, ids=range(len(TAILS)))
def test_it_is_read_as_json_wherever_two_pieces_meet(tail: str) -> None:
    expected = names_by_json(encoded(a_list_up_to(PIECE) + tail))

    assert [body for body in bodies_cut_in(tail) if names_in(body) != expected] == []


def test_both_readings_of_those_lists_find_names_and_faults() -> None:
    found = [names_by_json(encoded(a_list_up_to(50) + tail)) for tail in TAILS]

    assert found[0] == ["first", *NAMES]
    assert {outcome for outcome in found if isinstance(outcome, str)} == {
        "the body is not JSON",
        "backups is there twice",
    }


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
rows = st.dictionaries(st.sampled_from("xyz"), values, max_size=2).map(
    lambda more: {"name": "a", **more}
)


@settings(max_examples=examples(300), deadline=None)
@given(
    listed=st.lists(rows | st.integers(), max_size=6),
    before=st.integers(0, 80),
    cut=st.integers(0, 200),
    put=st.sampled_from(
        [b"", b" ", b",", b"]", b"}", b'"', b"1", b"\xff", b"\xed\xa0"]
    ),
    dropped=st.integers(0, 2),
)
@example(listed=[], before=0, cut=0, put=b"", dropped=0)
def test_it_is_read_as_json_whatever_happened_to_it(
    listed: list[object], before: int, cut: int, put: bytes, dropped: int
) -> None:
    tail = json.dumps(listed).removeprefix("[") + "}"
    start = encoded(a_list_up_to(PIECE - before))
    if not listed:
        start = start.removesuffix(b",")
    rest = encoded(tail)
    body = start + rest[:cut] + put + rest[cut + dropped :]

    assert names_in(body) == names_by_json(body)


@pytest.mark.parametrize(
    "form",
    [
        '{"backups":[BLANKS]}',
        '{"backups":[BLANKS{"name":"a"}]}',
        '{"backups":[{"name":"a"}BLANKS]}',
        '{"backups":[{"name":"a"},BLANKS{"name":"b"}]}',
        '{"backups":[{"name":"a"}]BLANKS}',
        '{"backups":[{"name":"a"}]}BLANKS',
        'BLANKS{"backups":[{"name":"a"}]}',
        '{BLANKS"backups":[{"name":"a"}]}',
        '{"backups":BLANKS[{"name":"a"}]}',
        '{"backups":[BLANKS',
        '{"backups":[{"name":"a"},BLANKS]}',
        '\ufeffBLANKS{"backups":[{"name":"a"}]}',
        '\ufeff{"backups":[{"name":"a"},BLANKS{"name":"\ufeffb"}]}',
        '\ufeff\ufeff{"backups":[]}BLANKS',
    ],
)
@pytest.mark.parametrize("size", [PIECE // 2, PIECE, 3 * PIECE])
def test_blanks_may_take_more_than_a_piece(form: str, size: int) -> None:
    body = encoded(form.replace("BLANKS", "\r\n\t " * (size // 4)))

    assert names_in(body) == names_by_json(body)


@pytest.mark.parametrize("fault", ["", "\\x", '"'])
def test_a_row_may_take_many_pieces(fault: str) -> None:
    row = json.dumps({"name": "long", "x": ["ä" * PIECE] * 5}, ensure_ascii=False)
    body = encoded(f'{{"backups":[{row[:-3]}{fault}{row[-3:]},{{"name":"next"}}]}}')

    expected = "the body is not JSON" if fault else ["long", "next"]
    assert names_in(body) == expected == names_by_json(body)


@pytest.mark.parametrize("place", [PIECE - 1, PIECE, 3 * PIECE])
@pytest.mark.parametrize("garbage", [b"\xff", b"\x80", b"\xc3", b"\xed\xa0"])
def test_what_is_no_utf_8_is_refused_wherever_it_stands(
    place: int, garbage: bytes
) -> None:
    body = bytearray(encoded(a_list_up_to(4 * PIECE) + '{"name":"last"}]}'))
    body[place : place + len(garbage)] = garbage

    assert names_in(bytes(body)) == "the body is not JSON"


def of_size(size: int) -> bytes:
    """Return a list of about so many bytes, of rows as sites send them."""
    number = size // len(json.dumps(ROW, separators=(",", ":")))
    rows = [ROW | {"id": str(one), "name": f"snapshot-{one}"} for one in range(number)]
    return json.dumps({"backups": rows}, separators=(",", ":")).encode()


def test_snapshots_of_a_large_list_share_what_they_have_in_common() -> None:
    snapshots = decode_snapshots(of_size(LARGE + LARGE // 8))

    for field in (
        *("status", "cluster_id", "cluster_name", "description", "backup_type"),
        *("backup_method", "indices", "restore_status", "bucket", "version"),
        *("datastore", "frequency", "period"),
    ):
        assert len({id(getattr(one, field)) for one in snapshots}) == 1, field
    assert len({one.id for one in snapshots}) == len(snapshots)


def test_equal_values_of_different_fields_keep_their_types() -> None:
    row = ROW | {"name": "1", "status": "1", "description": "1", "backupMethod": "1"}
    rows = [row | {"id": str(one), "x": "x" * LARGE} for one in range(2)]

    _, snapshot = decode_snapshots(json.dumps({"backups": rows}).encode())

    assert type(snapshot.status) is SnapshotStatus
    assert type(snapshot.description) is type(snapshot.backup_method) is str


def test_sharing_changes_no_snapshot() -> None:
    rows = [ROW | {"id": str(one), "clusterName": f"es-{one}"} for one in range(9)]
    large = [row | {"x": "x" * LARGE} for row in rows[:2]] + rows[2:]

    def found(listed: list[dict[str, object]]) -> tuple[Snapshot, ...]:
        return decode_snapshots(json.dumps({"backups": listed}).encode())

    assert found(large) == found(rows)


def test_reading_a_large_list_takes_little_more_memory_than_its_snapshots() -> None:
    body = of_size(4 * LARGE)

    tracemalloc.start()
    try:
        snapshots = decode_snapshots(body)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(snapshots) > 1000
    # The text of the whole body alone would be as large again.
    assert peak - kept < len(body) / 4
    assert kept < 1.2 * len(body)
