"""Bodies of requests, with the names that changed over the years spelled as told."""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Final

import attrs
import cattrs
from cattrs.gen import make_dict_unstructure_fn, override

from css_snapshot.api.policies import SnapshotPolicy
from css_snapshot.api.requests import (
    CreateSnapshotRequest,
    RestoreSnapshotRequest,
    SnapshotSettings,
)
from css_snapshot.api.rules import check_id, check_text
from css_snapshot.api.values import camel
from css_snapshot.errors import RequestValidationError
from css_snapshot.typing import WireNames

_DRIFTED: Final = frozenset(
    {
        "target_cluster",
        "rename_pattern",
        "rename_replacement",
        "base_path",
        "delete_auto",
    }
)

# `json.dumps` would make one for each body.
_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

# Version 2 demands a time of day even where it has no meaning: each hour.
_ANY_PERIOD: Final = "00:00 GMT+08:00"


# A fleet is asked for the same snapshot, cluster by cluster.
@functools.lru_cache(maxsize=16)
def encode_create(request: CreateSnapshotRequest) -> bytes:
    """Return the body of a creation: compact JSON in UTF-8."""
    return _encode(_document(request))


def encode_restore(request: RestoreSnapshotRequest, names: WireNames) -> bytes:
    """Return the body of a restoration."""
    return _encode(_spelled(_document(request), names))


def encode_policy(
    policy: SnapshotPolicy, names: WireNames, *, delete_automatic: bool = False
) -> bytes:
    """Return the body of the call that sets a policy."""
    document = _document(policy)
    if delete_automatic:
        document["delete_auto"] = "true"
    return _encode(_spelled(document, names))


def encode_opening(policy: SnapshotPolicy) -> bytes:
    """Return the body of the call of version 2 that switches a policy on."""
    document = {"period": _ANY_PERIOD} | _document(policy)
    del document["enable"]
    return _encode(document)


def encode_settings(settings: SnapshotSettings, names: WireNames) -> bytes:
    """Return the body of the call that says where snapshots are stored."""
    document = _document(settings)
    if settings.policy is not None:
        document |= _document(settings.policy)
    return _encode(_spelled(document, names))


def encode_agency(domain_id: str, domain_name: str) -> bytes:
    """Return the body of the call that makes the agency for snapshots.

    Raises:
        RequestValidationError: If the account's id is not one, or its name is empty.
    """
    check_id("domain_id", domain_id)
    check_text("domain_name", domain_name)
    if not domain_name:
        raise RequestValidationError("domain_name", "must not be empty")
    return _encode({"domain_id": domain_id, "domain_name": domain_name, "type": "obs"})


def _encode(document: Mapping[str, object]) -> bytes:
    return _compact.encode(document).encode()


def _document(model: attrs.AttrsInstance) -> dict[str, object]:
    document: dict[str, object] = _requests.unstructure(model)
    return document


def _spelled(document: Mapping[str, object], names: WireNames) -> dict[str, object]:
    spelled: dict[str, object] = {}
    for name, value in document.items():
        if names != "camel" or name not in _DRIFTED:
            spelled[name] = value
        if names != "snake" and name in _DRIFTED:
            spelled[camel(name)] = value
    return spelled


def _joined(names: tuple[str, ...]) -> str:
    return ",".join(names)


def _quoted(truth: bool) -> str:
    return "true" if truth else "false"


def _of_creation(converter: cattrs.Converter) -> Callable[..., dict[str, object]]:
    return make_dict_unstructure_fn(
        CreateSnapshotRequest,
        converter,
        _cattrs_omit_if_default=True,
        indices=override(unstruct_hook=_joined),
        strict=override(omit=True),
    )


def _of_restoration(converter: cattrs.Converter) -> Callable[..., dict[str, object]]:
    return make_dict_unstructure_fn(
        RestoreSnapshotRequest,
        converter,
        _cattrs_omit_if_default=True,
        target_cluster_id=override(rename="target_cluster"),
        indices=override(unstruct_hook=_joined),
        replace_existing=override(rename="replace_exist_indices"),
    )


def _of_policy(converter: cattrs.Converter) -> Callable[..., dict[str, object]]:
    return make_dict_unstructure_fn(
        SnapshotPolicy,
        converter,
        _cattrs_omit_if_default=True,
        enabled=override(rename="enable", unstruct_hook=_quoted),
        keep=override(rename="keepday"),
        indices=override(unstruct_hook=_joined),
        bucket=override(omit=True),
        base_path=override(omit=True),
        agency=override(omit=True),
        cmk_id=override(omit=True),
        max_snapshot_rate=override(omit=True),
        max_restore_rate=override(omit=True),
    )


def _of_settings(converter: cattrs.Converter) -> Callable[..., dict[str, object]]:
    return make_dict_unstructure_fn(
        SnapshotSettings,
        converter,
        _cattrs_omit_if_default=True,
        max_snapshot_rate=override(
            rename="max_snapshot_bytes_per_seconds", unstruct_hook=str.lower
        ),
        max_restore_rate=override(
            rename="max_restore_bytes_per_seconds", unstruct_hook=str.lower
        ),
        cmk_id=override(rename="snapshotCmkId"),
        policy=override(omit=True),
    )


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    hooks = {
        CreateSnapshotRequest: _of_creation,
        RestoreSnapshotRequest: _of_restoration,
        SnapshotPolicy: _of_policy,
        SnapshotSettings: _of_settings,
    }
    # By factory, so that a hook is made when it is first needed, not on import.
    converter.register_unstructure_hook_factory(
        lambda kind: kind in hooks, lambda kind: hooks[kind](converter)
    )
    return converter


_requests: Final = _converter()
