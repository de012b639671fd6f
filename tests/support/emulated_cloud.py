"""What the tests of the emulator share: when their clock starts, and how refusals read."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from css_snapshot.emulator import EmulatorState, VendorError
from tests.support.clock import ManualClock

START = 1_790_000_000.0


def started() -> ManualClock:
    """Make a clock that shows `START`."""
    return ManualClock(datetime.fromtimestamp(START, UTC))


def refusal(action: Callable[..., object], *arguments: object) -> tuple[int, str]:
    with pytest.raises(VendorError) as caught:
        action(*arguments)
    return caught.value.status, caught.value.code


def create(state: EmulatorState, cluster_id: str, name: str = "snapshot_001") -> str:
    """Create a snapshot and return its id."""
    answer = state.create_snapshot(cluster_id, {"name": name})
    backup = answer["backup"]
    assert isinstance(backup, dict)
    snapshot_id: str = backup["id"]
    return snapshot_id


def rows(state: EmulatorState, cluster_id: str) -> list[dict[str, object]]:
    backups = state.list_snapshots(cluster_id)["backups"]
    assert isinstance(backups, list)
    return backups
