"""The forms of a record that programs read: JSON lines, YAML documents, names."""

import importlib
import json
from collections.abc import Mapping
from typing import Final, Literal

from css_snapshot.cli.output.text import plain
from css_snapshot.errors import ConfigurationError

Format = Literal["table", "json", "yaml", "name"]

_NAMED_BY_CLUSTER: Final = frozenset({"entry", "outcome", "policy", "settings"})
_NAMELESS: Final = frozenset({"demo", "journal", "summary"})


def formatted(record: Mapping[str, object], form: Format) -> str:
    """Return a record as a program wants it, empty if it has no such form.

    Args:
        record: What to write.
        form: `"json"`: one object on one line. `"yaml"`: one document. `"name"`: its
            name, or the cluster's id for what is about a cluster.

    Raises:
        ConfigurationError: If YAML is asked for and PyYAML is not installed.
    """
    if form == "yaml":
        return _yaml(record)
    if form == "name":
        return _name(record)
    return json.dumps(record)


def _yaml(record: Mapping[str, object]) -> str:
    try:
        yaml = importlib.import_module("yaml")
    except ImportError:
        raise ConfigurationError(
            "-o yaml: needs the package PyYAML: pip install pyyaml"
        ) from None
    text: str = yaml.safe_dump(dict(record), sort_keys=False, explicit_start=True)
    return text.removesuffix("\n")


def _name(record: Mapping[str, object]) -> str:
    kind = record.get("kind")
    if kind in _NAMELESS:
        return ""
    keys: tuple[str, ...] = ("name", "snapshot_id", "cluster_id", "endpoint")
    if kind in _NAMED_BY_CLUSTER:
        keys = ("cluster_id",)
    return next((plain(record[key]) for key in keys if record.get(key)), "")
