"""What is wanted of each figure: the targets of the design, and the first table."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from benchmarks.markdown import table


@attrs.frozen
class Target:
    """One figure and the most that it may be.

    Attributes:
        what: The figure, in words.
        most: The highest value that meets the target.
        unit: What follows a value; empty for ratios and counts.
        digits: How many decimals a value is shown with.
    """

    what: str
    most: float
    unit: str = ""
    digits: int = 2

    @property
    def wanted(self) -> str:
        """The target in words."""
        return f"≤ {self._shown(self.most)}"

    def measured(self, figures: Sequence[float]) -> str:
        """Return what was measured, from the lowest figure to the highest."""
        low, high = self._shown(min(figures)), self._shown(max(figures))
        return high if low == high else f"{low} to {high}"

    def verdict(self, figures: Sequence[float]) -> str:
        """Return whether the worst figure meets the target."""
        return "met" if max(figures) <= self.most else "missed"

    def _shown(self, value: float) -> str:
        return f"{value:,.{self.digits}f}{self.unit and ' '}{self.unit}"


FAST_TO_AIOHTTP: Final = Target(
    "a signed `create` on `[fast]` / a bare aiohttp POST, 50 to 200 in flight, the"
    " server answers at once",
    1.0,
)
FAST_TO_SDK: Final = Target("… / huaweicloudsdkcss in threads", 0.18)
FAST_TO_HTTPX: Final = Target("… / plain `httpx.AsyncClient`, 50 in flight", 0.1)
LAYERS_TO_AIOHTTP: Final = Target(
    "our own layers, answered from memory / a bare aiohttp POST, 50 to 200 in flight",
    0.5,
)
SIGNATURE: Final = Target(
    "a signature / bare hashing, HMAC and assembly, instructions", 1.4
)
COLD_FAST: Final = Target(
    "process start to first `create` over https on `[fast]` / huaweicloudsdkcss", 1.0
)
COLD_DEFAULT: Final = Target("… on the default / huaweicloudsdkcss", 1.15)
VERSION_COMMAND: Final = Target("`css-snapshot --version`, CPU", 50, "ms", 0)
LIST_COMMAND: Final = Target("`css-snapshot list`, CPU", 350, "ms", 0)
STALE: Final = Target(
    'stale connections: false "may have been sent", `[fast]` / httpx', 0.5
)
LIST_BLOCK: Final = Target(
    "the largest list (16 MiB): longest block of the event loop", 100, "ms", 0
)
LIST_MEMORY: Final = Target("… peak of memory / its body", 2.0)
JOURNAL: Final = Target("the journal, per target / a plain `create` over memory", 0.6)
COMPLETED: Final = Target(
    "300 clusters to `Completed`: requests per cluster beyond a first list, the"
    " creation and one confirming list",
    0.2,
)
MEMORY_ACCEPTED: Final = Target(
    '100,000 targets: memory above 1,000, until="accepted"', 15, "MiB", 1
)
MEMORY_COMPLETED: Final = Target('… until="completed"', 48, "MiB", 1)
COVERAGE: Final = Target(
    "coverage of 1,000 clusters: requests beyond the clusters' pages and 1,000 lists",
    0,
    digits=0,
)
COVERAGE_AT_ONCE: Final = Target("… requests at once, with `limit=16`", 16, digits=0)

TARGETS: Final = (
    *(FAST_TO_AIOHTTP, FAST_TO_SDK, FAST_TO_HTTPX, LAYERS_TO_AIOHTTP, SIGNATURE),
    *(COLD_FAST, COLD_DEFAULT, VERSION_COMMAND, LIST_COMMAND, STALE),
    *(LIST_BLOCK, LIST_MEMORY, JOURNAL, COMPLETED),
    *(MEMORY_ACCEPTED, MEMORY_COMPLETED, COVERAGE, COVERAGE_AT_ONCE),
)

Figures = Mapping[Target, Sequence[float]]


def target_table(figures: Figures, lacking: Mapping[Target, str]) -> str:
    """Return the table of all targets, with what was measured.

    Args:
        figures: What was measured; the worst of several counts.
        lacking: Why a target was not measured.
    """
    rows = [
        [target.what, target.wanted, *_result(target, figures.get(target), lacking)]
        for target in TARGETS
    ]
    return table(["target", "wanted", "measured", "met or missed"], rows)


def _result(
    target: Target, figures: Sequence[float] | None, lacking: Mapping[Target, str]
) -> tuple[str, str]:
    if figures:
        return target.measured(figures), target.verdict(figures)
    return "", f"not measured: {lacking.get(target, 'not asked for')}"
