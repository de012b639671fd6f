"""Batches of everybody over one server, round after round."""

import contextlib
import sys
from collections.abc import Iterable, Mapping
from typing import Literal

import attrs

from benchmarks.effort import Effort
from benchmarks.markdown import table
from benchmarks.processes import (
    Cost,
    GaveUpError,
    MissingPackageError,
    Worker,
    loopback_server,
)
from benchmarks.rounds import Spread
from benchmarks.server import AT_ONCE, Behaviour

Kind = Literal["cpu", "wall"]


@attrs.frozen
class Batches:
    """What batches cost, by who made them; one cost per round.

    Who gave up over one is not in it.
    """

    costs: Mapping[str, list[Cost]]

    def of(self, kind: Kind, name: str) -> list[float]:
        """Return the seconds per creation, round by round."""
        return [getattr(cost, kind) for cost in self.costs[name]]

    def ratio(self, kind: Kind, name: str, base: str) -> Spread:
        """Compare two, round by round."""
        return Spread.of_ratios(self.of(kind, name), self.of(kind, base))

    def compared(self, kind: Kind, name: str, base: str) -> str:
        """Return the same in words."""
        if not {name, base} <= set(self.costs):
            return "gave up"
        return str(self.ratio(kind, name, base))

    def microseconds(self, kind: Kind, name: str) -> str:
        """Return the median per creation in words."""
        if name not in self.costs:
            return "gave up"
        return f"{Spread.of(self.of(kind, name)).scaled(1e6).median:.0f}"


@attrs.frozen
class Measured:
    """Batches over one kind of server.

    Attributes:
        server: The server, in words.
        by_in_flight: The batches, by how many creations were in flight.
    """

    server: str
    by_in_flight: Mapping[int, Batches]

    @property
    def names(self) -> list[str]:
        """Who took part, which those did not that lack a package."""
        taking = [batches.costs for batches in self.by_in_flight.values()]
        return list(dict.fromkeys(name for costs in taking for name in costs))

    def medians(
        self, name: str, base: str, in_flight: Iterable[int] | None = None
    ) -> list[float]:
        """Return the CPU of two compared, by how many were in flight.

        Args:
            name: Whose.
            base: Relative to whose.
            in_flight: Which columns; all by default. What was not measured is left out.
        """
        return [
            batches.ratio("cpu", name, base).median
            for number, batches in self.by_in_flight.items()
            if number in (in_flight or self.by_in_flight)
            if {name, base} <= set(batches.costs)
        ]

    def table(self, base: str, kind: Kind = "cpu") -> str:
        """Return the costs relative to those of one, and that one's microseconds.

        Args:
            base: Relative to whose.
            kind: Which cost.
        """
        runs = self.by_in_flight.values()
        rows = [
            [name, *(batches.compared(kind, name, base) for batches in runs)]
            for name in self.names
        ]
        bases = (Spread.of(batches.of(kind, base)).scaled(1e6) for batches in runs)
        head = [self.server, *(f"{n:,} in flight" for n in self.by_in_flight)]
        return table(
            head, [*rows, [f"{base}, µs", *(f"{b.median:.0f}" for b in bases)]]
        )


def measure(
    names: Iterable[str],
    in_flight: Iterable[int],
    effort: Effort,
    *,
    server: str,
    behaviour: Behaviour = AT_ONCE,
    trust: Mapping[str, str] | None = None,
) -> Measured:
    """Run the batches.

    Each contender has a server of its own, which is the same for all, so that no server
    runs out of files.

    Args:
        names: Who takes part, if the packages are there.
        in_flight: How many creations are under way at a time.
        effort: How much.
        server: The server, in words.
        behaviour: How it answers.
        trust: Variables that make everybody trust it.
    """
    with contextlib.ExitStack() as stack:
        workers: list[Worker] = []
        for name in names:
            endpoint = stack.enter_context(loopback_server(behaviour))
            with contextlib.suppress(MissingPackageError):
                workers.append(stack.enter_context(Worker(name, endpoint, trust)))
        runs = {number: _rounds(workers, number, effort) for number in in_flight}
    return Measured(server, runs)


def _rounds(workers: list[Worker], in_flight: int, effort: Effort) -> Batches:
    creates = max(effort.creates, 2 * in_flight)
    fit = [worker for worker in workers if _did(worker, in_flight, in_flight)]
    costs: dict[str, list[Cost]] = {worker.name: [] for worker in fit}
    for number in range(effort.rounds):
        print(f"  {in_flight} in flight, round {number + 1}", file=sys.stderr)
        start = number % len(workers)
        for worker in workers[start:] + workers[:start]:
            if worker.name in costs:
                cost = _did(worker, creates, in_flight)
                if cost is None:
                    del costs[worker.name]
                else:
                    costs[worker.name].append(cost)
    return Batches(
        {worker.name: costs[worker.name] for worker in workers if worker.name in costs}
    )


def _did(worker: Worker, creates: int, in_flight: int) -> Cost | None:
    try:
        return worker.batch(creates, in_flight)
    except GaveUpError:
        return None
