"""The one call that everything here makes: a creation, its answer, and who asks."""

import itertools
from collections.abc import Iterator
from typing import Final

PROJECT: Final = "6204a5bd270343b5885144cf9c8c158d"
ACCESS_KEY: Final = "BENCHMARKACCESSKEY00"
SECRET_KEY: Final = "benchmark" * 4
NAME: Final = "snapshot_001"
INDICES: Final = ("myindex1", "myindex2")
BODY: Final = b'{"name":"snapshot_001","indices":"myindex1,myindex2"}'
HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "benchmark",
    "X-Language": "en-us",
    "X-Project-Id": PROJECT,
}
CREATED: Final = 201
SNAPSHOT: Final = "4f1e0a6c-0b1f-4f21-9a4f-0f6d3b1f2a11"
ANSWER: Final = f'{{"backup":{{"id":"{SNAPSHOT}","name":"{NAME}"}}}}'.encode()
ANSWER_HEADERS: Final = (
    (b"Content-Type", b"application/json"),
    (b"X-Request-Id", b"0f6d3b1f2a114f1e0a6c0b1f4f219a4f"),
    (b"Content-Length", str(len(ANSWER)).encode()),
)


def clusters(start: int = 0) -> Iterator[str]:
    """Name one cluster after the other, as no fleet snapshots the same one twice."""
    for number in itertools.count(start):
        yield f"ea244205-d641-45d9-9dcb-{number:012x}"


def path(cluster_id: str) -> str:
    """Return the path that a creation is posted to."""
    return f"/v1.0/{PROJECT}/clusters/{cluster_id}/index_snapshot"
