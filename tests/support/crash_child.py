"""A run that somebody may kill at any moment, and start again.

    python crash_child.py '{"endpoint": …, "project_id": …, "token": …, "journal": …,
                            "operation": …, "clusters": […], "name": …}'

Prints a line per outcome as soon as it is handed out, `Accepted` per creation that the
service accepted if `until` is told, and `over` at the end.
"""

import asyncio
import json
import sys
from http import HTTPStatus
from unittest import mock

from css_snapshot import SnapshotService
from css_snapshot.auth import TokenAuth
from css_snapshot.events import AttemptAnswered, Event
from css_snapshot.fanout import Target, watch


def tell_accepted(event: Event) -> None:
    if isinstance(event, AttemptAnswered) and event.status == HTTPStatus.CREATED:
        print("Accepted", flush=True)  # noqa: T201  # for the parent


async def main(task: dict[str, str], clusters: list[str]) -> None:
    async with (
        SnapshotService(
            endpoint=task["endpoint"],
            project_id=task["project_id"],
            auth=TokenAuth(task["token"]),
            timeout=1.0,
            on_event=tell_accepted if "until" in task else None,
        ) as service,
        service.fan_out(
            (Target(cluster, task["name"]) for cluster in clusters),
            operation=task["operation"],  # type: ignore[arg-type]  # one of the two
            until=task.get("until", "accepted"),  # type: ignore[arg-type]  # likewise
            limit=16,
            journal=task["journal"],
            settle=0.4,
        ) as run,
    ):
        async for outcome in run:
            print(type(outcome).__name__, flush=True)  # noqa: T201  # for the parent
    print("over", flush=True)  # noqa: T201  # for the parent


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    # The first look at a snapshot comes soon, not after the seconds that others take.
    with mock.patch.object(watch, "_FIRST_PAUSE", 0.2):
        asyncio.run(main(given, given.pop("clusters")))
