"""Names that the same task of the same run comes up with again."""

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
    """Make a snapshot's name that is the same whenever it is made anew.

    It reads `label-YYYYMMDDthhmm-digest`, the label cut to fit and the digest over
    the identity, so that names differ if anything of the identity does.

    Args:
        label: For people to recognise it by.
        moment: Likewise; aware.
        identity: Everything that makes it this snapshot and no other.
    """
    whole = json.dumps(identity).encode("ascii")
    digest = base64.b32encode(hashlib.sha256(whole).digest()).decode("ascii").lower()
    tail = f"-{moment.astimezone(UTC):%Y%m%dt%H%M}-{digest[:_DIGEST_LENGTH]}"
    words = _OTHER.sub("-", label.lower()).strip("-_")
    if not words[:1].isalpha():
        words = f"s-{words}".rstrip("-")
    return words[: _LONGEST - len(tail)].rstrip("-_") + tail


def unspoiled_name(name: str, snapshots: Iterable[Snapshot]) -> str:
    """Answer a name that no failed snapshot has taken, by numbering if need be.

    Args:
        name: The name wanted.
        snapshots: What the cluster holds.
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
