"""How long the largest list blocks the event loop, and how much memory it takes."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks import creation
from benchmarks.effort import Effort
from benchmarks.markdown import table
from benchmarks.processes import figures_of, loopback_server
from benchmarks.rounds import Spread
from benchmarks.section import Section
from benchmarks.server import Behaviour
from benchmarks.targets import LIST_BLOCK, LIST_MEMORY

_LARGEST: Final = 16 * 1024 * 1024
_YEAR: Final = 365
_FIRST: Final = datetime(2026, 11, 25, 10, tzinfo=UTC)
_TOOK: Final = timedelta(minutes=5)
_KINDS: Final = ("fast", "httpx")
_MEBIBYTE: Final = 1024 * 1024

Body = dict[str, list[Mapping[str, object]]]


def largest_list(effort: Effort) -> Section:
    """Measure, and return the section."""
    rows, blocks, peaks = [], [], []
    for name, body in bodies().items():
        for kind in _KINDS:
            block, peak = _measured(body, kind, effort.rounds)
            rows.append([f"{name} ({kind})", len(body["backups"]), block, peak])
            blocks.append(block.median)
            peaks.append(peak.median)
    return Section(
        "The largest list",
        f"`list` of {_LARGEST // _MEBIBYTE} MiB of JSON, over http on loopback: the"
        " longest time that the event loop did not get round, by the clock, and the"
        " peak of resident memory above that before, relative to the body. Median"
        f" of {effort.rounds} rounds (lowest to highest), each in a process of its"
        " own.",
        [
            table(["snapshots", "how many", "block, ms", "memory / body"], rows),
        ],
        {LIST_BLOCK: blocks, LIST_MEMORY: peaks},
    )


def bodies() -> Mapping[str, Body]:
    """Return lists that are as large as one may be, by what they are."""
    return {
        "a year of nightly ones, with thousands of indices each": _body(_YEAR),
        "as many as fit, of two indices each": _body(_as_many_as_fit()),
    }


def _measured(body: Body, kind: str, rounds: int) -> tuple[Spread, Spread]:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "list.json")
        file.write_text(json.dumps(body, separators=(",", ":")))
        size = file.stat().st_size
        with loopback_server(Behaviour(body=file)) as endpoint:
            taken = [
                figures_of("benchmarks.listing", kind, endpoint) for _ in range(rounds)
            ]
    return (
        Spread.of([one["block"] for one in taken]).scaled(1000),
        Spread.of([one["memory"] / size for one in taken]),
    )


def _body(number: int) -> Body:
    """Return a list of so many snapshots that is as large as it may be."""
    left = (_LARGEST - _size(list(_rows(number)))) // number
    return {"backups": list(_rows(number, left // (len(_index(0)) + 1)))}


def _as_many_as_fit() -> int:
    # A comma between two of them.
    return (_LARGEST - 100) // (_size(next(_rows(1))) + 1)


def _size(document: object) -> int:
    return len(json.dumps(document, separators=(",", ":")))


def _index(number: int) -> str:
    return f"application-logs-{number:05}"


def _rows(number: int, more: int = 0) -> Iterator[Mapping[str, object]]:
    """Iterate over snapshots, each with one index that the last one had not.

    Args:
        number: How many.
        more: How many indices each has beside those of the creation.
    """
    for one in range(number):
        began = _FIRST + one * timedelta(hours=1)
        ended = began + _TOOK
        rolled = map(_index, range(one, one + more))
        yield {
            "id": f"4f1e0a6c-0b1f-4f21-9a4f-{one:012x}",
            "name": f"snapshot-{one:08}",
            "description": "",
            "status": "COMPLETED",
            "clusterId": next(creation.clusters()),
            "clusterName": "es-production",
            "created": f"{began:%Y-%m-%dT%H:%M:%S}",
            "updated": f"{ended:%Y-%m-%dT%H:%M:%S}",
            "datastore": {"type": "elasticsearch", "version": "7.10.2"},
            "indices": ",".join([*creation.INDICES, *rolled]),
            "backupType": "1",
            "backupMethod": "auto",
            "backupExpectedStartTime": f"{began:%Y-%m-%d %H:%M} GMT+08:00",
            "backupKeepDay": 30,
            "backupPeriod": "10:00 GMT+08:00",
            "bucketName": "css-backup-production",
            "version": "7.10.2",
            "totalShards": 5,
            "failedShards": 0,
            "restoreStatus": "NO",
            "startTime": int(began.timestamp() * 1000),
            "endTime": int(ended.timestamp() * 1000),
        }
