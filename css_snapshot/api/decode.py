"""Models from the bodies of answers; what can't be read is said where."""

import functools
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from css_snapshot.api.clusters import (
    Cluster,
    ClusterPage,
    ClusterStatus,
    FailedReason,
    PolicySummary,
)
from css_snapshot.api.error_body import read_error_body
from css_snapshot.api.policies import SnapshotFrequency, SnapshotPolicy
from css_snapshot.api.values import (
    camel,
    read_fields,
    read_integer,
    read_moment,
    read_names,
    read_object,
    read_pairs,
    read_text,
    read_truth,
    read_word,
)
from css_snapshot.models import (
    Backup,
    BackupType,
    OpenStrEnum,
    RestoreStatus,
    Snapshot,
    SnapshotStatus,
)

T = TypeVar("T")

_NAMES: Final[Mapping[type, Mapping[str, str]]] = {
    Snapshot: {
        "bucket": "bucketName",
        "frequency": "backupFrequency",
        "period": "backupPeriod",
        "keep_days": "backupKeepDay",
        "expected_start_time": "backupExpectedStartTime",
    },
    SnapshotPolicy: {
        "enabled": "enable",
        "keep": "keepday",
        "cmk_id": "snapshotCmkId",
        "max_snapshot_rate": "maxSnapshotBytesPerSeconds",
        "max_restore_rate": "maxRestoreBytesPerSeconds",
    },
    PolicySummary: {
        "enabled": "backupEnable",
        "period": "bakPeriod",
        "frequency": "bakFrequency",
        "keep": "bakKeepDay",
    },
    Cluster: {
        "https_enabled": "httpsEnable",
        "authority_enabled": "authorityEnable",
        "description": "desc",
    },
}
_SPELLED_EITHER_WAY: Final = frozenset({Cluster, FailedReason})
_WORDS: Final = (
    BackupType,
    ClusterStatus,
    RestoreStatus,
    SnapshotFrequency,
    SnapshotStatus,
)
_CASES: Final[Mapping[type, Callable[[str], str]]] = {
    SnapshotStatus: str.upper,
    RestoreStatus: str.lower,
}


class DecodeError(ValueError):
    """A body is not the answer that was asked for; the text says where."""


def decode_backup(body: bytes) -> Backup:
    """Read the answer to a creation, `{"backup": {"id", "name"}}`."""
    backup = _structure(_member(_document(body), "backup"), Backup, "backup")
    if not backup.id:
        raise DecodeError("backup.id is empty")
    return backup


def decode_snapshots(body: bytes) -> tuple[Snapshot, ...]:
    """Read the answer to a listing, `{"backups": [...]}`."""
    return _rows(_document(body), "backups", Snapshot)


def decode_policy(body: bytes) -> SnapshotPolicy:
    """Read a policy; what was never set may come as null or as empty text."""
    document = _document(body)
    _member(document, "enable")
    fields = {
        name: value for name, value in read_fields(document).items() if value != ""
    }
    fields.setdefault("enable", False)
    return _structure(fields, SnapshotPolicy, "policy")


def decode_clusters(body: bytes) -> ClusterPage:
    """Read a page of clusters, `{"clusters": [...], "totalSize"}`."""
    document = _document(body)
    total = document.get("totalSize")
    return ClusterPage(
        _rows(document, "clusters", Cluster),
        None if total is None else _structure(total, int, "totalSize"),
    )


def decode_cluster(body: bytes) -> Cluster:
    """Read one cluster, which comes without a wrapping."""
    return _structure(_document(body), Cluster, "cluster")


def decode_nothing(body: bytes) -> None:
    """Accept the answer of a call that has none, unless an error hides in it."""
    if not body.strip():
        return
    if read_error_body(body).code:
        raise DecodeError("an error came with a success status")
    # The page of a proxy or a portal is no proof that anything was done.
    _json(body)


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise DecodeError("the body is not JSON") from None


def _document(body: bytes) -> Mapping[str, object]:
    document = _json(body)
    if not isinstance(document, Mapping):
        raise DecodeError("the body is not an object")
    return document


def _member(document: Mapping[str, object], name: str) -> object:
    if name not in document:
        raise DecodeError(f"{name} is missing")
    return document[name]


def _rows(document: Mapping[str, object], name: str, kind: type[T]) -> tuple[T, ...]:
    rows = _member(document, name)
    if rows is None:
        return ()
    if not isinstance(rows, list):
        raise DecodeError(f"{name} is not a list")
    return tuple(
        _structure(row, kind, f"{name}[{position}]")
        for position, row in enumerate(rows)
    )


def _structure(value: object, kind: type[T], where: str) -> T:
    try:
        return _answers.structure(value, kind)
    except Exception:  # noqa: BLE001  # cattrs passes on whatever a value provokes
        raise DecodeError(_explain(value, kind, where)) from None


def _explain(value: object, kind: type, where: str) -> str:
    """Find out what is wrong with an answer; only a bad one pays for this."""
    try:
        _explaining().structure(value, kind)
    except Exception as exc:  # noqa: BLE001  # as in _structure
        return "; ".join(cattrs.transform_error(exc, path=where))[:500]
    return f"{where} can't be read"


def _open_enum(value: object, kind: type[OpenStrEnum]) -> OpenStrEnum:
    word = read_word(value)
    case = _CASES.get(kind)
    return kind(word if case is None else case(word))


def _converter(*, explain: bool) -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=explain)
    converter.register_structure_hook(str, read_text)
    converter.register_structure_hook(int, read_integer)
    converter.register_structure_hook(bool, read_truth)
    converter.register_structure_hook(datetime | None, read_moment)
    converter.register_structure_hook_func(
        lambda kind: kind == tuple[str, ...], read_names
    )
    converter.register_structure_hook_func(
        lambda kind: kind == Mapping[str, str], read_pairs
    )
    for words in _WORDS:
        converter.register_structure_hook(words, _open_enum)

    def hook_of(kind: type[attrs.AttrsInstance]) -> Callable[..., object]:
        return _hook(converter, kind, explain=explain)

    # By factory, so that a hook is made when it is first needed, not on import.
    converter.register_structure_hook_factory(attrs.has, hook_of)
    return converter


def _hook(
    converter: cattrs.Converter, kind: type[attrs.AttrsInstance], *, explain: bool
) -> Callable[..., object]:
    names = _NAMES.get(kind, {})
    hook = make_dict_structure_fn(
        kind,
        converter,
        _cattrs_detailed_validation=explain,
        **{  # type: ignore[arg-type]  # mypy matches these against the named options
            field.name: override(rename=names.get(field.name, camel(field.name)))
            for field in attrs.fields(kind)
        },
    )
    if kind in _SPELLED_EITHER_WAY:
        return lambda value, _: hook(_either_way(value), kind)
    if any(field.default is attrs.NOTHING for field in attrs.fields(kind)):
        return hook
    # Without a field that must be there, even text would pass for an object.
    return lambda value, _: hook(read_object(value), kind)


def _either_way(value: object) -> dict[str, object]:
    fields = read_fields(value)
    if "failedReasons" in fields:
        fields["failedReason"] = fields["failedReasons"]
    return fields


@functools.cache
def _explaining() -> cattrs.Converter:
    return _converter(explain=True)


_answers: Final = _converter(explain=False)
