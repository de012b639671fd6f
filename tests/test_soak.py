"""Many creations with random faults and cancellations: outcomes and cloud agree.

With `CSS_SNAPSHOT_SOAK=1`: 200,000 in memory and 20,000 over sockets; `pytest -s` says
how it went.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.child_processes import environment, script
from tests.support.soak_world import SHARE_CANCELLED, Figures
from tests.support.thoroughness import AT_LENGTH

WORLD: Final = script("soak_world.py")
IN_MEMORY: Final = 200_000
OVER_SOCKETS: Final = 20_000

pytestmark = [
    pytest.mark.soak,
    AT_LENGTH,
    pytest.mark.skipif(
        not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc"
    ),
]


def soaked(*args: str) -> Figures:
    """Soak in a process of its own, so that its memory and descriptors are its own."""
    finished = subprocess.run(  # noqa: S603  # our own interpreter and script
        [sys.executable, "-W", "error", str(WORLD), *args],
        env=environment(),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    print(f"\n{' '.join(args)}: {finished.stdout}")  # noqa: T201  # shown by `pytest -s`
    return Figures(**json.loads(finished.stdout))


def assert_sound(figures: Figures, calls: int) -> None:
    ended = (figures.succeeded, figures.cancelled, figures.refused, figures.unclear)
    assert sum(ended) == figures.calls == calls
    assert min(ended) > 0
    assert figures.cancelled <= 2 * SHARE_CANCELLED * calls
    assert figures.succeeded > 0.9 * calls
    assert figures.created >= figures.succeeded
    assert (figures.missing, figures.unexplained, figures.duplicates) == (0, 0, 0)
    assert (figures.tasks, figures.descriptors) == (0, 0)
    assert figures.grown < 16 * 1024


def test_a_soak_in_memory_loses_nothing_and_leaves_nothing() -> None:
    assert_sound(soaked("memory", str(IN_MEMORY)), IN_MEMORY)


def test_a_soak_over_sockets_loses_nothing_and_leaves_nothing() -> None:
    assert_sound(soaked("socket", str(OVER_SOCKETS)), OVER_SOCKETS)
