"""The list of targets that a run works through.

The whole list is read and checked before a run begins, so that a mistake in its last
line is told before the first snapshot; it lies on the disk meanwhile, so that memory
stays flat however long it is. Beside a journal it is kept, for `resume`.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Self

import attrs

from css_snapshot.api.clusters import NotReadyReason, SnapshotReadiness
from css_snapshot.errors import ConfigurationError
from css_snapshot.fanout import Target, read_status
from css_snapshot.service import SnapshotService
from css_snapshot.typing import OnExists, OnSpoiled, Until


@attrs.frozen(kw_only=True)
class RunOptions:
    """What a journal's plan is made of, besides the targets: for `resume`.

    Attributes:
        endpoint: The service's address.
        project_id: The project; `None` for that of the credentials.
        on_exists: What a snapshot of that name from before means.
        settle: Seconds a new snapshot may take to show in the list.
        on_spoiled: What one means that ended without all its shards.
        until: When a target has what it wants.
    """

    endpoint: str
    project_id: str | None
    on_exists: OnExists
    settle: float
    # Defaults, as lists that were written before these options are read as well.
    on_spoiled: OnSpoiled = "fail"
    until: Until = "accepted"


class TargetList:
    """The targets of one run, on disk.

    Attributes:
        count: How many there are.

    Args:
        file: Where they lie; belongs to the list from now on.
        count: See above.
    """

    def __init__(self, file: IO[str], count: int) -> None:
        self._file = file
        self.count = count

    @classmethod
    def of(cls, targets: Iterable[Target]) -> Self:
        """Read targets to their end.

        Raises:
            RequestValidationError: If the iterable raises it.
            ConfigurationError: If there are none.
        """
        with ExitStack() as on_failure:
            file = on_failure.enter_context(
                tempfile.TemporaryFile("w+", encoding="utf-8")
            )
            count = 0
            for target in targets:
                file.write(json.dumps(attrs.asdict(target)) + "\n")
                count += 1
            if not count:
                raise ConfigurationError("targets: there are none")
            on_failure.pop_all()
        return cls(file, count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Target]:
        self._file.seek(0)
        for line in self._file:
            yield _target(line)

    @contextmanager
    def beside(
        self, journal: Path, options: RunOptions
    ) -> Iterator[Callable[[], object]]:
        """Write the list, and what else its run depends on, beside a journal.

        It takes the place of an earlier one only when told to: a run that the journal
        refuses must not take the list of the run that it belongs to.

        Args:
            journal: The journal.
            options: What else the run depends on; no secrets.

        Yields:
            What to call when the journal is this run's.

        Raises:
            ConfigurationError: If the journal's directory does not exist.
            OSError: If the disk is full, or the directory is not writable.
        """
        if not journal.absolute().parent.is_dir():
            raise ConfigurationError(f"journal: {journal.parent} is not a directory")
        final = list_path(journal)
        descriptor, name = tempfile.mkstemp(
            prefix=f"{final.name}.", dir=journal.absolute().parent
        )
        fresh = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(json.dumps(attrs.asdict(options)) + "\n")
                self._file.seek(0)
                shutil.copyfileobj(self._file, file)
                file.flush()
                os.fsync(file.fileno())
            yield lambda: fresh.replace(final)
        finally:
            fresh.unlink(missing_ok=True)


def list_path(journal: Path) -> Path:
    """Return the path of the file beside a journal that its targets are kept in."""
    return journal.with_name(journal.name + ".targets")


def read_kept(journal: Path) -> tuple[RunOptions, TargetList]:
    """Read what `TargetList.beside` wrote.

    Raises:
        ConfigurationError: If it is missing or damaged.
        JournalError: If it is missing because there is no such journal.
    """
    path = list_path(journal)
    try:
        with path.open(encoding="utf-8") as file:
            options = RunOptions(**json.loads(next(file)))
            return options, TargetList.of(map(_target, file))
    except FileNotFoundError:
        # Says so, if it is no journal.
        read_status(journal)
        raise ConfigurationError(
            f"{path}: is missing; repeat the fan-out with its targets and --journal"
            " instead: it goes on where it stopped"
        ) from None
    except (KeyError, TypeError, ValueError, StopIteration):
        raise ConfigurationError(f"{path}: is not a list of targets") from None


async def looked_at_again(targets: TargetList, service: SnapshotService) -> TargetList:
    """Return the targets of an earlier run with what the clusters are ready for now.

    The list of clusters is read if one of them was not ready then; a cluster that it
    does not show any more is tried, and the service says what it is.

    Args:
        targets: The targets; they are closed if others take their place.
        service: Is asked.

    Raises:
        CSSError: As `SnapshotService.clusters` raises it.
    """
    unready = {
        one.cluster_id
        for one in targets
        if not (one.readiness is None or one.readiness.is_ready)
    }
    if not unready:
        return targets
    now = {
        cluster.id: cluster.snapshot_readiness
        async for cluster in service.clusters()
        if cluster.id in unready
    }
    with targets:
        return TargetList.of(
            attrs.evolve(one, readiness=now.get(one.cluster_id)) for one in targets
        )


def kept_targets(journal: Path) -> Iterator[Target]:
    """Iterate over the targets of a journal's last run.

    Args:
        journal: The journal; a run of a program leaves no targets beside it.
    """
    try:
        _, targets = read_kept(journal)
    except ConfigurationError:
        return
    with targets:
        yield from targets


def _target(line: str) -> Target:
    fields = json.loads(line)
    readiness = fields.pop("readiness")
    if readiness is not None:
        reasons = (NotReadyReason(**reason) for reason in readiness["reasons"])
        readiness = SnapshotReadiness(tuple(reasons))
    return Target(**fields, readiness=readiness)
