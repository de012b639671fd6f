"""Targets as people write them: a line each."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs

from css_snapshot.api.clusters import Cluster
from css_snapshot.cli.fleet.text_files import read_lines, source_name
from css_snapshot.errors import RequestValidationError
from css_snapshot.fanout import Target

_FIELDS: Final = 3
_KEYS: Final = ("cluster_id", "name", "indices", "description")


@attrs.frozen(kw_only=True)
class Defaults:
    """What is wanted of a target that does not say so itself.

    Attributes:
        name: The snapshot's name, `None` if each target has to say it.
        indices: Names or patterns joined by commas; `None` for all.
        description: The snapshot's description.
    """

    name: str | None = None
    indices: str | None = None
    description: str | None = None

    def target(
        self,
        cluster_id: str,
        name: str | None = None,
        indices: str | None = None,
        description: str | None = None,
    ) -> Target:
        """Return a target, checked.

        Args:
            cluster_id: The cluster.
            name: The snapshot's name, if the target says it.
            indices: Its indices, if the target says them.
            description: Its description, if the target says it.

        Raises:
            RequestValidationError: If a value breaks its rule, or there is no name.
        """
        wanted = self.name if name is None else name
        if wanted is None:
            raise RequestValidationError(
                "name", "is missing: give each target one, or all of them --snapshot"
            )
        target = Target(
            cluster_id,
            wanted,
            indices=self.indices if indices is None else indices,
            description=self.description if description is None else description,
        )
        target.request()
        return target

    def target_of(self, cluster: Cluster) -> Target:
        """Return the target of a cluster, with what the list of clusters says of it.

        Args:
            cluster: The cluster.

        Raises:
            RequestValidationError: As `target` raises it.
        """
        return attrs.evolve(
            self.target(cluster.id),
            cluster_name=cluster.name,
            readiness=cluster.snapshot_readiness,
        )


def name_at(template: str, now: datetime | None = None) -> str:
    """Return a name with the date and time filled in.

    Args:
        template: A name; `{date}` stands for `20261124`, `{time}` for `020000`.
        now: The time, aware; by default it is taken from the clock, in UTC.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return template.replace("{date}", f"{moment:%Y%m%d}").replace(
        "{time}", f"{moment:%H%M%S}"
    )


def read_targets(path: Path, defaults: Defaults) -> Iterator[Target]:
    """Read the targets of a file; see `targets_in`.

    Args:
        path: The file; `-` for the standard input.
        defaults: What is wanted where a line does not say so.

    Raises:
        ConfigurationError: If the file can't be read.
        RequestValidationError: As `targets_in` raises it.
    """
    return targets_in(read_lines(path), source_name(path), defaults)


def clusters_in(path: Path) -> list[str]:
    """Return the clusters of a file of targets, whatever else it says of them.

    Args:
        path: The file; `-` for the standard input.

    Raises:
        ConfigurationError: If the file can't be read.
        RequestValidationError: As `targets_in` raises it.
    """
    return [one.cluster_id for one in read_targets(path, Defaults(name="unnamed"))]


def targets_in(
    lines: Iterable[str], source: str, defaults: Defaults
) -> Iterator[Target]:
    """Read targets, a line each.

    A line is a cluster, the snapshot's name and indices joined by commas, of which the
    latter two may be left out; or a JSON object with `cluster_id`, `name`, `indices`,
    `description`. Empty lines and those that begin with `#` don't count.

    Args:
        lines: The lines.
        source: Where they come from, for messages.
        defaults: What is wanted where a line does not say so.

    Raises:
        RequestValidationError: If a line has another form, or breaks a rule.
    """
    for number, line in enumerate(lines, start=1):
        text = line.strip().removeprefix("\ufeff")
        if not text or text.startswith("#"):
            continue
        try:
            yield (
                _from_json(text, defaults)
                if text[0] == "{"
                else _from_words(text, defaults)
            )
        except RequestValidationError as exc:
            raise RequestValidationError(
                f"{source}, line {number}, {exc.field}", exc.rule, position=exc.position
            ) from None


def _from_words(text: str, defaults: Defaults) -> Target:
    words = text.split()
    if len(words) > _FIELDS:
        raise RequestValidationError(
            "target", "must be: cluster, name, indices joined by commas"
        )
    return defaults.target(*words)


def _from_json(text: str, defaults: Defaults) -> Target:
    try:
        fields = json.loads(text, object_pairs_hook=_without_repetition)
    except RequestValidationError:
        raise
    except (ValueError, RecursionError):
        raise RequestValidationError("target", "is not a JSON object") from None
    # A key that is not known is likely a known one misspelt, and what it says would
    # be replaced by a default: by all indices, for one.
    unknown = [key for key in fields if key not in _KEYS]
    if unknown:
        raise RequestValidationError(
            unknown[0], f"is not known; known are {', '.join(_KEYS)}"
        )
    if "cluster_id" not in fields:
        raise RequestValidationError("cluster_id", "is missing")
    indices = fields.get("indices")
    if isinstance(indices, list):
        names = [_text("indices", name) for name in indices]
        fields["indices"] = ",".join(names)
    return defaults.target(**{key: _text(key, value) for key, value in fields.items()})


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise RequestValidationError("target", "has a key twice")
    return fields


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise RequestValidationError(field, f"must be text, is {type(value).__name__}")
    if not value.strip():
        raise RequestValidationError(field, "must not be empty; leave it out")
    return value
