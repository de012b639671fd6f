"""Batches of everybody over one server, round after round."""

import contextlib
import sys
from collections.abc import Iterable, Mapping
from typing import Literal

import attrs

from benchmarks.effort import Effort
from benchmarks.markdown import table
from benchmarks.processes import Cost, MissingPackageError, Worker, loopback_server
from benchmarks.rounds import Spread
from benchmarks.server import AT_ONCE, Behaviour

Kind = Literal["cpu", "wall"]


@attrs.frozen
class Batches:
    """What batches cost, by who made them; one cost per round."""

    costs: Mapping[str, list[Cost]]

    def of(self, kind: Kind, name: str) -> list[float]:
        """Return the seconds per creation, round by round."""
        return [getattr(cost, kind) for cost in self.costs[name]]

    def ratio(self, kind: Kind, name: str, base: str) -> Spread:
        """Compare two, round by round."""
        return Spread.of_ratios(self.of(kind, name), self.of(kind, base))

    def cpu_ratio(self, name: str, base: str) -> Spread:
        """Compare the CPU of two, round by round."""
        return self.ratio("cpu", name, base)


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
        return list(next(iter(self.by_in_flight.values())).costs)

    def medians(
        self, name: str, base: str, in_flight: Iterable[int] | None = None
    ) -> list[float]:
        """Return the CPU of two compared, by how many were in flight.

        Args:
            name: Whose.
            base: Relative to whose.
            in_flight: Which columns; all by default. What was not measured is left out.
        """
        if not {name, base} <= set(self.names):
            return []
        return [
            self.by_in_flight[number].cpu_ratio(name, base).median
            for number in (in_flight or self.by_in_flight)
            if number in self.by_in_flight
        ]

    def table(self, base: str, kind: Kind = "cpu") -> str:
        """Return the costs relative to those of one, and that one's microseconds.

        Args:
            base: Relative to whose.
            kind: Which cost.
        """
        runs = self.by_in_flight.values()
        rows = [
            [name, *(batches.ratio(kind, name, base) for batches in runs)]
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
    costs: dict[str, list[Cost]] = {worker.name: [] for worker in workers}
    for worker in workers:
        worker.batch(in_flight, in_flight)
    for number in range(effort.rounds):
        print(f"  {in_flight} in flight, round {number + 1}", file=sys.stderr)
        start = number % len(workers)
        for worker in workers[start:] + workers[:start]:
            costs[worker.name].append(worker.batch(creates, in_flight))
    return Batches(costs)
