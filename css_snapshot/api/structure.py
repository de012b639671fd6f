"""Objects of the vendor's JSON as models, whatever their optional fields look like.

Sites differ in what they send, and change without notice. So a field that can't be read
is left out and reported, and never takes down the row, the page or the fleet that it is
in. Only what identifies a thing is required.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar, get_args

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from css_snapshot.api.clusters import (
    Cluster,
    ClusterInstance,
    ClusterStatus,
    FailedReason,
    PolicySummary,
)
from css_snapshot.api.policies import SnapshotFrequency, SnapshotPolicy
from css_snapshot.api.values import (
    UnreadableError,
    camel,
    read_fields,
    read_integer,
    read_loose_text,
    read_loose_truth,
    read_moment,
    read_names,
    read_object,
    read_pairs,
    read_text,
    read_truth,
    read_word,
)
from css_snapshot.models import (
    BackupType,
    OpenStrEnum,
    RestoreStatus,
    Snapshot,
    SnapshotStatus,
)

T = TypeVar("T")

Report = Callable[[str, str], object]
"""Is told of a field that can't be read: where it stands, and what is wrong with it."""

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
_CASES: Final[Mapping[type, Callable[[str], str]]] = {
    SnapshotStatus: str.upper,
    SnapshotFrequency: str.upper,
    RestoreStatus: str.lower,
}
_WORDS: Final = (
    BackupType,
    ClusterStatus,
    RestoreStatus,
    SnapshotFrequency,
    SnapshotStatus,
)
_NODES: Final = attrs.fields(Cluster).instances.type
# A cluster is addressed by its id. A snapshot is told apart by its name: a list that
# left one out for want of an id would look like proof that it was never created.
_KNOWN_BY: Final[Mapping[type, str]] = {Snapshot: "name", Cluster: "id"}


def read_model(
    value: object,
    kind: type[T],
    where: str,
    report: Report,
    *,
    known_by: str | None = None,
) -> T:
    """Return an object as a model, without the optional fields that can't be read.

    Args:
        value: The object, out of a decoded body.
        kind: The model's class.
        where: Where the object stands in the body.
        report: Is told of each field that is left out.
        known_by: The one required field that can't be missing; the others become
            empty. `None` for all of them.

    Raises:
        UnreadableError: If `value` is not an object, or a required field can't be read.
    """
    try:
        return _models.structure(value, kind)
    except Exception:  # noqa: BLE001  # cattrs passes on whatever a value provokes
        readable = _readable(value, kind, where, report, known_by)
    return _models.structure(readable, kind)


def read_row(value: object, kind: type[T], where: str, report: Report) -> T | None:
    """Return a row of a list as a model, `None` if nothing tells what it stands for.

    Args:
        value: The row.
        kind: The model's class.
        where: Where the rows stand in the body.
        report: Is told of each field that is left out, and of the row if it is.
    """
    known_by = _KNOWN_BY[kind]
    try:
        row = read_model(value, kind, where, report, known_by=known_by)
    except UnreadableError as exc:
        report(where, f"a row is left out: {exc}")
        return None
    if not getattr(row, known_by):
        report(where, f"a row is left out: its {known_by} is empty")
        return None
    return row


def _readable(
    value: object, kind: type, where: str, report: Report, known_by: str | None = None
) -> Mapping[str, object]:
    """Return the fields of an object that can be read; only an odd one pays for it."""
    given = _fields_of(value, kind)
    fields: dict[str, object] = {}
    for field in attrs.fields(kind):
        name = _wire_name(kind, field.name)
        place = f"{where}.{name}"
        is_required = field.default is attrs.NOTHING
        try:
            fields[name] = _read_field(given.get(name), field.type, place, report)
        except Exception as exc:  # noqa: BLE001  # as in read_model
            problem = str(exc) if isinstance(exc, UnreadableError) else "can't be read"
            if is_required:
                if known_by in {None, field.name}:
                    raise UnreadableError(f"{name}: {problem}") from None
                fields[name] = ""
            report(place, problem)
    return fields


def _read_field(value: object, kind: object, place: str, report: Report) -> object:
    """Return a field as it came, but for what can't be read within it."""
    model = _model_in(kind)
    if model is not None and value is not None:
        value = _readable_within(value, model, place, report)
    _models.structure(value, kind)  # type: ignore[arg-type]  # a type, as attrs has it
    return value


def _readable_within(value: object, model: type, place: str, report: Report) -> object:
    if isinstance(value, list):
        each = f"{place}[]"
        return [_readable_within(item, model, each, report) for item in value]
    return _readable(value, model, place, report)


def _model_in(kind: object) -> type | None:
    """Return the model in a type such as `Model | None` or `tuple[Model, ...]`."""
    if isinstance(kind, type) and attrs.has(kind):
        return kind
    return next(filter(None, map(_model_in, get_args(kind))), None)


def _wire_name(kind: type, name: str) -> str:
    return _NAMES.get(kind, {}).get(name, camel(name))


def _fields_of(value: object, kind: type) -> Mapping[str, object]:
    if kind not in _SPELLED_EITHER_WAY:
        return read_object(value)
    fields = read_fields(value)
    if "failedReasons" in fields:
        fields["failedReason"] = fields["failedReasons"]
    return fields


def _read_word(value: object, kind: type[OpenStrEnum]) -> OpenStrEnum:
    word = read_word(value)
    case = _CASES.get(kind)
    return kind(word if case is None else case(word))


def _read_nodes(value: object, _: object) -> tuple[ClusterInstance, ...] | None:
    if value is None:
        return None
    # Even empty text would pass for a list: as a cluster without nodes.
    if not isinstance(value, list):
        raise UnreadableError("expected a list, got something else")
    return tuple(_models.structure(node, ClusterInstance) for node in value)


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=False)
    converter.register_structure_hook(str, read_text)
    converter.register_structure_hook(bool, read_truth)
    converter.register_structure_hook(str | None, read_loose_text)
    converter.register_structure_hook(bool | None, read_loose_truth)
    converter.register_structure_hook(int | None, read_integer)
    converter.register_structure_hook(datetime | None, read_moment)
    converter.register_structure_hook_func(
        lambda kind: kind == tuple[str, ...], read_names
    )
    converter.register_structure_hook_func(
        lambda kind: kind == Mapping[str, str], read_pairs
    )
    converter.register_structure_hook(_NODES, _read_nodes)
    for words in _WORDS:
        converter.register_structure_hook(words, _read_word)

    def hook_of(kind: type[attrs.AttrsInstance]) -> Callable[..., object]:
        return _hook(converter, kind)

    # By factory, so that a hook is made when it is first needed, not on import.
    converter.register_structure_hook_factory(attrs.has, hook_of)
    return converter


def _hook(
    converter: cattrs.Converter, kind: type[attrs.AttrsInstance]
) -> Callable[..., object]:
    hook = make_dict_structure_fn(
        kind,
        converter,
        _cattrs_detailed_validation=False,
        **{  # type: ignore[arg-type]  # mypy matches these against the named options
            field.name: override(rename=_wire_name(kind, field.name))
            for field in attrs.fields(kind)
        },
    )
    if kind is Snapshot:
        # By far the most rows there are; text instead of an object fails by itself.
        return hook
    # Without a field that must be there, even text would pass for an object.
    return lambda value, _: hook(_fields_of(value, kind), kind)


_models: Final = _converter()
