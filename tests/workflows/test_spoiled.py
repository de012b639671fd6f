"""What is said of a snapshot that ended without all its shards."""

import pytest

from css_snapshot.errors import PartialSnapshotError, SnapshotFailedError
from css_snapshot.models import Snapshot, SnapshotStatus
from css_snapshot.workflows.spoiled import spoiled_error


@pytest.mark.parametrize(
    ("status", "failed", "total", "kind", "what"),
    [
        (SnapshotStatus.FAILED, 5, 5, SnapshotFailedError, "failed"),
        (
            SnapshotStatus.PART_FAILED,
            2,
            5,
            PartialSnapshotError,
            "is partial: 2 of 5 shards failed",
        ),
        (
            SnapshotStatus.COMPLETED,
            2,
            None,
            PartialSnapshotError,
            "is partial: 2 shards failed",
        ),
        (SnapshotStatus.PART_FAILED, None, 5, PartialSnapshotError, "is partial"),
    ],
)
def test_it_says_how_much_is_missing_as_far_as_that_is_known(
    status: SnapshotStatus,
    failed: int | None,
    total: int | None,
    kind: type[SnapshotFailedError],
    what: str,
) -> None:
    snapshot = Snapshot(
        id="s1",
        name="nightly",
        status=status,
        failed_shards=failed,
        total_shards=total,
    )

    error = spoiled_error(snapshot, "c1")

    assert type(error) is kind
    assert str(error) == f"snapshot nightly (s1) of cluster c1 {what}"
    assert (error.cluster_id, error.snapshot_id) == ("c1", "s1")
    assert error.snapshot is snapshot
