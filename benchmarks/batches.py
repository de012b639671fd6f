"""Batches of everybody over one server, round after round."""

import contextlib
import sys
from collections.abc import Iterable, Mapping

import attrs

from benchmarks.effort import Effort
from benchmarks.processes import Cost, MissingPackageError, Worker, loopback_server
from benchmarks.rounds import Spread


@attrs.frozen
class Batches:
    """What batches cost, by who made them; one cost per round."""

    costs: Mapping[str, list[Cost]]

    def cpu(self, name: str) -> list[float]:
        """Answer the CPU seconds per creation, round by round."""
        return [cost.cpu for cost in self.costs[name]]

    def wall(self, name: str) -> list[float]:
        """Answer the seconds per creation by the clock, round by round."""
        return [cost.wall for cost in self.costs[name]]

    def cpu_ratio(self, name: str, base: str) -> Spread:
        """Compare the CPU of two, round by round."""
        return Spread.of_ratios(self.cpu(name), self.cpu(base))


@attrs.frozen
class Measured:
    """Batches over one server.

    Attributes:
        delay: Seconds the server took to answer.
        by_in_flight: The batches, by how many creations were in flight.
    """

    delay: float
    by_in_flight: Mapping[int, Batches]

    @property
    def server(self) -> str:
        """The server in words."""
        return f"server answers after {self.delay * 1000:.0f} ms"

    @property
    def names(self) -> list[str]:
        """Who took part, which those did not that lack a package."""
        return list(next(iter(self.by_in_flight.values())).costs)


def measure(
    names: Iterable[str], delay: float, in_flight: Iterable[int], effort: Effort
) -> Measured:
    """Run the batches."""
    with contextlib.ExitStack() as stack:
        endpoint = stack.enter_context(loopback_server(delay))
        workers: list[Worker] = []
        for name in names:
            with contextlib.suppress(MissingPackageError):
                workers.append(stack.enter_context(Worker(name, endpoint)))
        return Measured(delay, {n: _rounds(workers, n, effort) for n in in_flight})


def _rounds(workers: list[Worker], in_flight: int, effort: Effort) -> Batches:
    creates = max(effort.creates, 2 * in_flight)
    costs: dict[str, list[Cost]] = {worker.name: [] for worker in workers}
    for worker in workers:
        worker.batch(in_flight, in_flight)
    for number in range(effort.rounds):
        print(f"{in_flight} in flight, round {number + 1}", file=sys.stderr)
        start = number % len(workers)
        for worker in workers[start:] + workers[:start]:
            costs[worker.name].append(worker.batch(creates, in_flight))
    return Batches(costs)
