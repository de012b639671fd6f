"""Many noisy samples, made into one figure and how far it can be trusted."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import attrs


@attrs.frozen
class Spread:
    """The middle of some samples, and their lowest and highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Self:
        """Sum up samples, of which there is at least one."""
        return cls(statistics.median(samples), min(samples), max(samples))

    @classmethod
    def of_ratios(cls, samples: Sequence[float], bases: Sequence[float]) -> Self:
        """Sum up the ratios to what was measured in the same round."""
        return cls.of(
            [sample / base for sample, base in zip(samples, bases, strict=True)]
        )

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"

    @property
    def rounded(self) -> str:
        """The same without decimals."""
        return f"{self.median:.0f} ({self.low:.0f} to {self.high:.0f})"

    def scaled(self, factor: float) -> Self:
        """Return the same in another unit."""
        return type(self)(self.median * factor, self.low * factor, self.high * factor)


def interleaved(
    steps: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """Take a sample of each step, round after round, so that noise hits all alike.

    Each round begins with another step than the one before.
    """
    names = list(steps)
    samples: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            samples[name].append(steps[name]())
    return samples


def cpu_seconds(work: Callable[[], object], times: int) -> float:
    """Return the CPU seconds that one piece of work takes, out of many."""
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times
