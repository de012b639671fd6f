"""Requests as values, checked when they are made."""

import functools
import re
from collections.abc import Sequence
from typing import Final

import attrs

from css_snapshot.api.policies import SnapshotPolicy
from css_snapshot.api.rules import (
    check_description,
    check_id,
    check_match,
    check_name,
    check_renaming,
    check_text,
    split_indices,
)
from css_snapshot.errors import RequestValidationError

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_AGENCY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_RATE: Final = re.compile(r"-1|0|\d{1,4}(?:[kmgtp]b?|b)", re.ASCII | re.IGNORECASE)
_NOT_IN_BASE_PATH: Final = frozenset("\\:*?\"<>|'{}")
_BASE_PATH_LENGTH: Final = 512


@attrs.frozen
class CreateSnapshotRequest:
    r"""What to snapshot, and what to call it.

    Attributes:
        name: 4 to 64 characters: a lower-case letter, then lower-case letters,
            digits, hyphens or underscores.
        indices: Names or patterns, as a sequence or joined by commas; `None` for
            all. Joined at most 1,024 characters.
        description: At most 256 characters, none of `!<>=&"'\`.
        strict: `False` lets a description contain all but `<` and `>`, which the
            oldest sites accept and the newer ones refuse.

    Raises:
        RequestValidationError: If a value breaks its rule.
    """

    name: str
    indices: tuple[str, ...] | None = attrs.field(
        default=None, converter=split_indices, kw_only=True
    )
    description: str | None = attrs.field(default=None, kw_only=True)
    strict: bool = attrs.field(default=True, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_name(self.name)
        if self.description is not None:
            check_description(self.description, strict=self.strict)


def creation_request(
    name: str,
    *,
    indices: Sequence[str] | str | None = None,
    description: str | None = None,
    strict: bool = True,
) -> CreateSnapshotRequest:
    """Return what to snapshot: the same request again if the same is wanted.

    A fleet is asked for the same snapshot, cluster by cluster.

    Args:
        name: As for `CreateSnapshotRequest`.
        indices: Likewise.
        description: Likewise.
        strict: Likewise.

    Raises:
        RequestValidationError: If a value breaks its rule.
    """
    if isinstance(indices, list):
        indices = tuple(indices)
    # A sequence of another type may change between two calls.
    if indices is not None and not isinstance(indices, str | tuple):
        return _creation_request(name, indices, description, strict)
    try:
        return _known_request(name, indices, description, strict)
    except TypeError:
        # What has no hash is no text, and is refused.
        return _creation_request(name, indices, description, strict)


def _creation_request(
    name: str,
    indices: Sequence[str] | str | None,
    description: str | None,
    strict: bool,
) -> CreateSnapshotRequest:
    return CreateSnapshotRequest(
        name, indices=indices, description=description, strict=strict
    )


_known_request: Final = functools.lru_cache(maxsize=16, typed=True)(_creation_request)


@attrs.frozen(kw_only=True)
class RestoreSnapshotRequest:
    r"""What to restore of a snapshot, where to, and under which names.

    Attributes:
        target_cluster_id: The cluster to restore into: in the same region,
            available, of no lower version. May be the one the snapshot is of.
        indices: Names or patterns, as a sequence or joined by commas; `None` for
            all. Joined at most 1,024 characters.
        rename_pattern: Regular expression of the names to change, such as
            `index_(.+)`; 1 to 1,024 characters, no whitespace, no upper case, none of
            `"\<|>/?,`. Only together with the next.
        rename_replacement: What they become, such as `restored_index_$1`; the same
            rules.
        replace_existing: Whether indices of these names in the target are replaced.

    Raises:
        RequestValidationError: If a value breaks its rule.
    """

    target_cluster_id: str
    indices: tuple[str, ...] | None = attrs.field(default=None, converter=split_indices)
    rename_pattern: str | None = None
    rename_replacement: str | None = None
    replace_existing: bool = False

    def __attrs_post_init__(self) -> None:
        check_id("target_cluster_id", self.target_cluster_id)
        for field in ("rename_pattern", "rename_replacement"):
            value = getattr(self, field)
            if value is not None:
                check_renaming(field, value)
        # One without the other is ignored by the service, which would then restore
        # under the old names.
        if (self.rename_pattern is None) != (self.rename_replacement is None):
            raise RequestValidationError(
                "rename_pattern", "must come together with rename_replacement"
            )
        if not isinstance(self.replace_existing, bool):
            raise RequestValidationError("replace_existing", "must be True or False")


@attrs.frozen(kw_only=True)
class SnapshotSettings:
    r"""Where a cluster's snapshots are stored, and who may write there.

    Attributes:
        bucket: An OBS bucket of the standard class in the cluster's region, 3 to 63
            lower-case letters, digits, hyphens or periods.
        agency: The agency that lets the service write there, 1 to 64 letters,
            digits, hyphens or underscores.
        base_path: The folder in the bucket, 1 to 512 characters, none of
            `\:*?"<>|'{}`, no slash at the beginning, no period at either end.
        max_snapshot_rate: Limit of writing per second and node: 0 to 9999 with a
            unit from `b` to `pb`, such as `40mb`; `0` or `-1` for no limit.
        max_restore_rate: Limit of restoring, likewise.
        cmk_id: The key that encrypts them, on sites that offer it.
        policy: A policy to set by the same call, on sites that offer it.

    Raises:
        RequestValidationError: If a value breaks its rule.
    """

    bucket: str
    agency: str
    base_path: str | None = None
    max_snapshot_rate: str | None = None
    max_restore_rate: str | None = None
    cmk_id: str | None = None
    policy: SnapshotPolicy | None = None

    def __attrs_post_init__(self) -> None:
        check_match(
            "bucket",
            self.bucket,
            _BUCKET,
            "must be 3 to 63 lower-case letters, digits, hyphens or periods",
        )
        check_match(
            "agency",
            self.agency,
            _AGENCY,
            "must be 1 to 64 letters, digits, hyphens or underscores",
        )
        if self.base_path is not None:
            _check_base_path(self.base_path)
        for field in ("max_snapshot_rate", "max_restore_rate"):
            rate = getattr(self, field)
            if rate is not None:
                check_match(
                    field,
                    rate,
                    _RATE,
                    "must be 0 to 9999 with a unit, such as 40mb; 0 for no limit",
                )
        if self.cmk_id is not None:
            check_id("cmk_id", self.cmk_id)
        if self.policy is not None:
            self.policy.check()


def _check_base_path(value: str) -> None:
    check_text("base_path", value)
    if not 1 <= len(value) <= _BASE_PATH_LENGTH:
        raise RequestValidationError(
            "base_path", f"must be 1 to 512 characters, is {len(value)}"
        )
    for position, character in enumerate(value):
        if character in _NOT_IN_BASE_PATH or not character.isprintable():
            raise RequestValidationError(
                "base_path", "must not contain any of \\:*?\"<>|'{}", position=position
            )
    if value[0] in "/." or value[-1] == ".":
        raise RequestValidationError(
            "base_path", "must not begin with / or ., nor end with ."
        )
