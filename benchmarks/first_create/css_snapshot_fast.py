"""What a user writes who creates one snapshot with css_snapshot on `[fast]`.

python css_snapshot_fast.py ENDPOINT PROJECT CLUSTER
"""

import asyncio
import sys

from css_snapshot import SnapshotService
from css_snapshot.auth import AkSkAuth, Credentials


async def main(endpoint: str, project_id: str, cluster_id: str) -> None:
    auth = AkSkAuth(Credentials("BENCHMARKACCESSKEY00", "benchmark" * 4))
    async with SnapshotService(
        endpoint=endpoint, project_id=project_id, auth=auth, transport="fast"
    ) as snapshots:
        await snapshots.create(cluster_id, "snapshot_001", indices=["myindex1"])


asyncio.run(main(*sys.argv[1:]))
