"""Index names: what patterns and aliases stand for, and how restored ones are called."""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from css_snapshot.emulator.cloud.vendor_errors import bad_parameter

Aliases = Mapping[str, Sequence[str]]

# A pattern never restores these, says the vendor's page on restoring a snapshot.
_SYSTEM: Final = (".kibana*", ".opendistro_security")
_GROUP: Final = re.compile(r"\$([1-9])")


def resolve(asked: str, held: Sequence[str] | None, aliases: Aliases) -> str:
    """Return the names that patterns and aliases stand for, joined by commas.

    A plain name that is not held is left out, as the vendor does it. Where nothing is
    known of the cluster's indices, what was asked for is returned unless it is an alias.

    Args:
        asked: Names, patterns, aliases and exclusions joined by commas.
        held: Names of the cluster's indices, `None` if they are not known.
        aliases: Names of aliases and data streams, with the indices behind each.
    """
    names: dict[str, None] = {}
    for item in asked.split(","):
        if item.startswith("-") and item not in (held or ()):
            for name in [name for name in names if fnmatchcase(name, item[1:])]:
                del names[name]
        else:
            names.update(dict.fromkeys(_stand_for(item, held, aliases)))
    return ",".join(names)


def _stand_for(
    item: str, held: Sequence[str] | None, aliases: Aliases
) -> Iterable[str]:
    if item in aliases:
        return aliases[item]
    if held is None:
        return (item,)
    pattern = "*" if item == "_all" else item
    return [name for name in held if fnmatchcase(name, pattern)]


def select_restored(asked: str, saved: str) -> list[str]:
    """Return the indices of a snapshot that a restoration brings back.

    Args:
        asked: Names or patterns joined by commas.
        saved: The snapshot's indices joined by commas; patterns among them are of
            indices that nothing is known of, and bring none.
    """
    held = [name for name in saved.split(",") if name and "*" not in name]
    plain = asked.split(",")
    return [
        name
        for name in resolve(asked, held, {}).split(",")
        if name in held and (name in plain or not _is_system(name))
    ]


def rename(names: Iterable[str], pattern: str | None, text: str | None) -> list[str]:
    """Return names with every match of a pattern replaced, `$1` being its first group.

    A renaming of which only half is given takes no effect, as documented. A group that
    the pattern does not have is empty, as the vendor's own sample lacks one.

    Raises:
        VendorError: 400 CSS.0001 if the pattern is malformed.
    """
    if pattern is None or text is None:
        return list(names)

    def replace(match: re.Match[str]) -> str:
        groups = match.groups(default="")
        return _GROUP.sub(lambda found: _nth(groups, int(found[1])), text)

    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        raise bad_parameter("rename_pattern is invalid") from None
    return [compiled.sub(replace, name) for name in names]


def _nth(groups: Sequence[str], number: int) -> str:
    return groups[number - 1] if number <= len(groups) else ""


def _is_system(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in _SYSTEM)
