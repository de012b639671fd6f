"""The vendor's SDK, set up as its guide says, for a loopback server."""

from collections.abc import Callable
from typing import Any

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcss.v1 import (
    CreateSnapshotReq,
    CreateSnapshotRequest,
    CssAsyncClient,
    CssClient,
)

from benchmarks import creation


def sync_creation(endpoint: str, connections: int) -> Callable[[str], object]:
    """Return a function that creates a snapshot of a cluster, for use in threads."""
    client = _built(CssClient, endpoint, connections)

    def create(cluster_id: str) -> object:
        return client.create_snapshot(_request(cluster_id))

    return create


def async_creation(
    endpoint: str, connections: int
) -> Callable[[str], Callable[[], object]]:
    """Return a function that starts a creation, and answers one that waits for it."""
    client = _built(CssAsyncClient, endpoint, connections)

    def create(cluster_id: str) -> Callable[[], object]:
        wait: Callable[[], object] = client.create_snapshot_async(
            _request(cluster_id)
        ).result
        return wait

    return create


def _built(
    kind: type[CssClient | CssAsyncClient], endpoint: str, connections: int
) -> Any:  # the SDK has no types
    config = HttpConfig.get_default_config()
    config.pool_maxsize = connections
    credentials = BasicCredentials(
        creation.ACCESS_KEY, creation.SECRET_KEY, creation.PROJECT
    )
    builder = kind.new_builder().with_http_config(config)
    return builder.with_credentials(credentials).with_endpoints([endpoint]).build()


def _request(cluster_id: str) -> CreateSnapshotRequest:
    body = CreateSnapshotReq(name=creation.NAME, indices=",".join(creation.INDICES))
    return CreateSnapshotRequest(cluster_id=cluster_id, body=body)
