"""What a user writes who creates one snapshot with the vendor's SDK.

python huaweicloudsdkcss_sync.py ENDPOINT PROJECT CLUSTER
"""

import sys
from typing import Any

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcss.v1 import CreateSnapshotReq, CreateSnapshotRequest, CssClient


def main(endpoint: str, project_id: str, cluster_id: str) -> None:
    credentials = BasicCredentials("BENCHMARKACCESSKEY00", "benchmark" * 4, project_id)
    builder = CssClient.new_builder().with_credentials(credentials)
    client: Any = builder.with_endpoints([endpoint]).build()
    body = CreateSnapshotReq(name="snapshot_001", indices="myindex1")
    client.create_snapshot(CreateSnapshotRequest(cluster_id=cluster_id, body=body))


main(*sys.argv[1:])
