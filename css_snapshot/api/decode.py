"""Bodies of successful answers as models."""

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeVar, TypeVarTuple

from css_snapshot.api.clusters import Cluster, ClusterPage
from css_snapshot.api.error_body import read_error_body
from css_snapshot.api.policies import SnapshotPolicy
from css_snapshot.api.sharing import with_shared_values
from css_snapshot.api.structure import Report, read_model, read_row
from css_snapshot.api.values import UnreadableError, read_fields, read_integer
from css_snapshot.models import Backup, Snapshot

T = TypeVar("T")
Args = TypeVarTuple("Args")

LARGE: Final = 1024 * 1024
"""Bytes of a body from which on reading it takes long enough to be felt."""

PIECE: Final = 128 * 1024
"""Bytes of a listing that are decoded at a time."""

_NOT_JSON: Final = "the body is not JSON"
_json: Final = json.JSONDecoder()
_BLANKS: Final = " \t\n\r"
_SPACE: Final = f"[{_BLANKS}]*"
_BOM: Final = codecs.BOM_UTF8.decode()
_BACKUPS: Final = re.compile(
    f"{_BOM}?" + _SPACE.join(("", r"\{", '"backups"', ":", r"\[", r"(\]?)", ""))
)
_BETWEEN: Final = re.compile(_SPACE.join(("", r"([,\]])", "")))
_FIRST_BYTE: Final = re.compile(rb"[^\x80-\xbf]")
"""The first byte of a character in UTF-8."""


class DecodeError(ValueError):
    """A body is not the answer that was asked for; the text says where."""


def ignore(field: str, problem: str) -> None:
    """Pass over a field that can't be read: what a decoder reports to by default."""


def decode_backup(body: bytes, report: Report = ignore) -> Backup:
    """Read the answer to a creation, `{"backup": {"id", "name"}}`."""
    backup = _model(_member(_document(body), "backup"), Backup, "backup", report)
    if not backup.id:
        raise DecodeError("backup.id is empty")
    return backup


def decode_snapshots(body: bytes, report: Report = ignore) -> tuple[Snapshot, ...]:
    """Read the answer to a listing, `{"backups": [...]}`, each snapshot once.

    A row needs a name; one without an id or a status is kept with that empty, so that
    it is seen but never taken for anything.
    """
    snapshots = _read(_backups(body), Snapshot, "backups[]", report)
    return _one_per_id(
        with_shared_values(snapshots) if len(body) > LARGE else snapshots
    )


def decode_policy(body: bytes, report: Report = ignore) -> SnapshotPolicy:
    """Read a policy; what was never set may come as null or as empty text."""
    document = _document(body)
    _member(document, "enable")
    fields = {
        name: value for name, value in read_fields(document).items() if value != ""
    }
    fields.setdefault("enable", False)
    return _model(fields, SnapshotPolicy, "policy", report)


def decode_clusters(body: bytes, report: Report = ignore) -> ClusterPage:
    """Read a page of clusters, `{"clusters": [...], "totalSize"}`.

    A row needs an id. A total that is not a count is none.
    """
    document = _document(body)
    rows = _rows(document, "clusters")
    clusters = tuple(_read(rows, Cluster, "clusters[]", report))
    return ClusterPage(
        clusters, _total(document, report), left_out=len(rows) - len(clusters)
    )


def decode_cluster(body: bytes, report: Report = ignore) -> Cluster:
    """Read one cluster, which comes without a wrapping."""
    return _model(_document(body), Cluster, "cluster", report)


def decode_nothing(body: bytes, _: Report = ignore) -> None:
    """Accept the answer of a call that has none, unless an error hides in it."""
    if not body.strip():
        return
    if read_error_body(body).code:
        raise DecodeError("an error came with a success status")
    # The page of a proxy or a portal is no proof that anything was done.
    _value(body)


def _text(body: bytes) -> str:
    # `json.loads` would guess the encoding first, but RFC 8259 leaves only this one.
    return _decoded(body.removeprefix(codecs.BOM_UTF8))


def _decoded(data: bytes | memoryview) -> str:
    # Half of a surrogate pair is for the reader of its field to judge.
    try:
        return str(data, "utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise DecodeError(_NOT_JSON) from None


def _piece(body: bytes, start: int, size: int) -> tuple[str, int]:
    """Return the text of so many bytes, up to a whole character, and where it ends."""
    found = _FIRST_BYTE.search(body, start + size)
    end = len(body) if found is None else found.start()
    return _decoded(memoryview(body)[start:end]), end


def _value(body: bytes) -> object:
    return _whole(_text(body))


def _whole(text: str) -> object:
    text = text.strip(_BLANKS)
    # `JSONDecoder.decode` looks for the whitespace itself, which takes as long.
    value, end = _parsed(_json.raw_decode, text)
    if end != len(text):
        raise DecodeError(_NOT_JSON)
    return value


def _parsed(parse: Callable[[*Args], T], *args: *Args) -> T:
    try:
        return parse(*args)
    except (ValueError, RecursionError):
        raise DecodeError(_NOT_JSON) from None


def _backups(body: bytes) -> Iterator[object]:
    """Iterate over the rows of a listing, parsed one by one where it begins with them.

    All rows at once would take many times the memory of the body, and its text at once
    as much again.
    """
    text, end = _piece(body, 0, PIECE)
    found = _BACKUPS.match(text)
    if found is None or found.end() == len(text):
        yield from _rows(_document(body), "backups")
        return
    is_over, at = found[1] == "]", found.end()
    while not is_over:
        row, found = _row(text, at)
        if found is not None:
            yield row
            is_over, at = found[1] == "]", found.end()
        elif end == len(body):
            raise DecodeError(_NOT_JSON)
        else:
            # A row longer than a piece is begun anew each time, so not too often.
            more, end = _piece(body, end, max(PIECE, 8 * (len(text) - at)))
            text, at = (text[at:] + more).lstrip(_BLANKS), 0
    rest = _whole('{"":[]' + text[at:] + _decoded(body[end:]))
    if isinstance(rest, dict) and "backups" in rest:
        raise DecodeError("backups is there twice")


def _row(text: str, at: int) -> tuple[object, re.Match[str] | None]:
    """Return a row and what stands behind it, `None` unless both are whole."""
    try:
        row, end = _json.raw_decode(text, at)
    except ValueError:
        return None, None
    except RecursionError:
        raise DecodeError(_NOT_JSON) from None
    return row, _BETWEEN.match(text, end)


def _document(body: bytes) -> Mapping[str, object]:
    document = _value(body)
    if not isinstance(document, dict):
        raise DecodeError("the body is not an object")
    return document


def _member(document: Mapping[str, object], name: str) -> object:
    if name not in document:
        raise DecodeError(f"{name} is missing")
    return document[name]


def _model(value: object, kind: type[T], where: str, report: Report) -> T:
    try:
        return read_model(value, kind, where, report)
    except UnreadableError as exc:
        raise DecodeError(f"{where}: {exc}") from None


def _rows(document: Mapping[str, object], name: str) -> list[object]:
    rows = _member(document, name)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise DecodeError(f"{name} is not a list")
    return rows


def _read(
    rows: Iterable[object], kind: type[T], where: str, report: Report
) -> Iterable[T]:
    for row in rows:
        model = read_row(row, kind, where, report)
        if model is not None:
            yield model


def _one_per_id(snapshots: Iterable[Snapshot]) -> tuple[Snapshot, ...]:
    """Return one row per id: a finished one if there is one, of several the last.

    A snapshot that has finished does not begin again; so an unfinished row beside a
    finished one is from before.
    """
    by_id: dict[str | int, Snapshot] = {}
    for position, snapshot in enumerate(snapshots):
        # Two that show no id are not the same for that.
        key = snapshot.id or position
        known = by_id.get(key)
        if known is None or snapshot.is_finished or not known.is_finished:
            by_id[key] = snapshot
    return tuple(by_id.values())


def _total(document: Mapping[str, object], report: Report) -> int | None:
    try:
        total = read_integer(document.get("totalSize"))
    except UnreadableError as exc:
        report("totalSize", str(exc))
        return None
    if total is not None and total < 0:
        report("totalSize", "negative")
        return None
    return total
