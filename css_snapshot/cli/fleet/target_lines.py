"""Targets as people write them: a line each."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

import attrs

from css_snapshot.errors import RequestValidationError
from css_snapshot.fanout import Target

_FIELDS: Final = 3


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
        """Make a target, and check it.

        Args:
            cluster_id: The cluster.
            name: The snapshot's name, if the target says it.
            indices: Its indices, if it says them.
            description: Its description, if it says it.

        Raises:
            RequestValidationError: A value breaks its rule, or there is no name.
        """
        wanted = name or self.name
        if wanted is None:
            raise RequestValidationError(
                "name", "is missing: give each target one, or all of them --snapshot"
            )
        target = Target(
            cluster_id,
            wanted,
            indices=indices or self.indices,
            description=description or self.description,
        )
        target.request()
        return target


def name_at(template: str, now: datetime | None = None) -> str:
    """Fill the date and time into a name.

    Args:
        template: A name; `{date}` stands for `20261124`, `{time}` for `020000`.
        now: The time, aware; by default it is taken from the clock, in UTC.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return template.replace("{date}", f"{moment:%Y%m%d}").replace(
        "{time}", f"{moment:%H%M%S}"
    )


def read_targets(
    lines: Iterable[str], source: str, defaults: Defaults
) -> Iterator[Target]:
    """Read targets, a line each.

    A line is a cluster's id, the snapshot's name and indices joined by commas, of
    which the latter two may be left out; or a JSON object with `cluster_id`, `name`,
    `indices`, `description`. Empty lines and those that begin with `#` don't count.

    Args:
        lines: The lines.
        source: Where they come from, for messages.
        defaults: What is wanted where a line does not say so.

    Raises:
        RequestValidationError: A line is none of this, or breaks a rule.
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
            "target", "must be: cluster id, name, indices joined by commas"
        )
    return defaults.target(*words)


def _from_json(text: str, defaults: Defaults) -> Target:
    try:
        fields = json.loads(text)
    except ValueError:
        raise RequestValidationError("target", "is not a JSON object") from None
    indices = fields.get("indices")
    if isinstance(indices, list):
        fields["indices"] = ",".join(map(str, indices))
    values = {
        key: _text(key, fields.get(key))
        for key in ("cluster_id", "name", "indices", "description")
    }
    cluster_id = values.pop("cluster_id")
    if cluster_id is None:
        raise RequestValidationError("cluster_id", "is missing")
    return defaults.target(cluster_id, **values)


def _text(field: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise RequestValidationError(field, f"must be text, is {type(value).__name__}")
