"""The journal of a run: what it means to do, before it does it, and what came of it."""

import asyncio
import os
from pathlib import Path
from typing import TypeAlias

from css_snapshot.clock import Clock
from css_snapshot.fanout.journal.entry import Entry
from css_snapshot.fanout.journal.store import Plan, Store
from css_snapshot.fanout.journal.writer import Writer
from css_snapshot.fanout.targets import Target

StrPath: TypeAlias = str | os.PathLike[str]


class Journal:
    """One entry per target: *intent*, then *done*, *failed* or *indeterminate*.

    Entries are read and written in a thread of its own; each method returns when
    what it wrote is on the disk.

    Args:
        path: The file; made, readable by its owner alone, if it is missing.
        plan: What the run does; a journal of another plan is refused.
        clock: Where time comes from.
    """

    def __init__(self, path: StrPath, plan: Plan, clock: Clock) -> None:
        self._path = Path(path).absolute()
        self._plan = plan
        self._clock = clock
        self._writer = Writer(self._path)

    async def open(self) -> None:
        """Open the file.

        Raises:
            ConfigurationError: It is another plan's journal, or no journal.
            JournalError: Another run holds it, or it can't be read or written.
        """
        now = self._clock.now()
        await self._writer.open(lambda: Store(self._path, self._plan, now))

    async def look(self, target: Target) -> Entry | None:
        """Answer what is known of a target, `None` if it is new.

        Raises:
            JournalError: The journal can't be read.
        """
        cluster_id, name = target.cluster_id, target.name
        return await self._writer.do(
            lambda store: store.look(cluster_id, name), writes=False
        )

    def put(self, entry: Entry) -> asyncio.Future[None]:
        """Write an entry in the place of the one that was there.

        It will be written once this has returned, and is once the future is done.

        Raises:
            JournalError: It can't be written.
        """
        return self._writer.do(lambda store: store.put(entry), writes=True)

    def forget(self, target: Target) -> asyncio.Future[None]:
        """Take a target's entry out: nothing of it exists, and it may be tried anew.

        It will be done once this has returned, and is once the future is done.

        Raises:
            JournalError: It can't be written.
        """
        cluster_id, name = target.cluster_id, target.name
        return self._writer.do(
            lambda store: store.forget(cluster_id, name), writes=True
        )

    def close(self) -> None:
        """Begin to close the journal; what was asked of it is finished first."""
        self._writer.close()

    async def closed(self) -> None:
        """Wait until the journal is closed."""
        await self._writer.closed()
