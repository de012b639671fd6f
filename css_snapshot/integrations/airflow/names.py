"""Snapshot names that a retry of the same task makes again."""

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from css_snapshot.models import Snapshot

_LONGEST: Final = 64
_DIGEST_LENGTH: Final = 10
_OTHER: Final = re.compile(r"[^a-z0-9_]+")


def repeatable_name(label: str, moment: datetime, *identity: str) -> str:
    """Return a snapshot's name that depends on nothing but the arguments.

    The name is `label-YYYYMMDDthhmm-digest`, with the label cut to fit and a digest of
    the identity, so that two names differ if their identities do.

    Args:
        label: A word that people recognise.
        moment: An aware datetime that people recognise.
        identity: Everything that tells this snapshot from any other.
    """
    whole = json.dumps(identity).encode("ascii")
    digest = base64.b32encode(hashlib.sha256(whole).digest()).decode("ascii").lower()
    tail = f"-{moment.astimezone(UTC):%Y%m%dt%H%M}-{digest[:_DIGEST_LENGTH]}"
    words = _OTHER.sub("-", label.lower()).strip("-_")
    if not words[:1].isalpha():
        words = f"s-{words}".rstrip("-")
    return words[: _LONGEST - len(tail)].rstrip("-_") + tail


def unspoiled_name(name: str, snapshots: Iterable[Snapshot]) -> str:
    """Return a name that no spoiled snapshot has taken, numbered if necessary.

    Args:
        name: The preferred name.
        snapshots: The snapshots of the cluster.
    """
    spoiled = {
        snapshot.name
        for snapshot in snapshots
        if snapshot.is_finished and not snapshot.is_usable
    }
    numbered = (
        f"{name[: _LONGEST - len(tail)]}{tail}"
        for tail in (f"-{number}" for number in itertools.count(2))
    )
    candidates = itertools.chain([name], numbered)
    return next(candidate for candidate in candidates if candidate not in spoiled)
