"""Everything that is measured, and the report it is put into."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from benchmarks import targets
from benchmarks.cold_start import cold_start
from benchmarks.command import command
from benchmarks.effort import Effort
from benchmarks.fan_out import fan_out
from benchmarks.growth import growth
from benchmarks.imports import imports
from benchmarks.install_size import install_size
from benchmarks.journal import journal, million
from benchmarks.largest_list import largest_list
from benchmarks.layers import layers
from benchmarks.memory import memory
from benchmarks.profile_shares import profile
from benchmarks.request_counts import completed, coverage
from benchmarks.section import CannotMeasureError, Section
from benchmarks.sharding import sharding
from benchmarks.signing import instructions, signing
from benchmarks.stale import stale
from benchmarks.targets import Target, target_table
from benchmarks.tls import tls

Measure = Callable[[Effort, Path | None], Section]


@attrs.frozen
class Measurement:
    """A section that can be asked for.

    Attributes:
        measure: Makes it; writes a picture if it has one and is given a file.
        targets: The targets whose figures it has.
        is_usual: Whether it is measured without being asked for.
    """

    measure: Measure
    targets: Sequence[Target] = ()
    is_usual: bool = True


def _plain(measure: Callable[[Effort], Section], *about: Target) -> Measurement:
    return Measurement(lambda effort, _: measure(effort), about)


MEASUREMENTS: Final[Mapping[str, Measurement]] = {
    "fan-out": Measurement(
        fan_out,
        (
            *(targets.FAST_TO_AIOHTTP, targets.FAST_TO_SDK, targets.FAST_TO_HTTPX),
            targets.LAYERS_TO_AIOHTTP,
        ),
    ),
    "tls": _plain(tls),
    "growth": _plain(growth),
    "sharding": _plain(sharding),
    "profile": _plain(profile),
    "layers": _plain(layers),
    "signing": _plain(signing),
    "instructions": _plain(instructions, targets.SIGNATURE),
    "cold-start": _plain(cold_start, targets.COLD_FAST, targets.COLD_DEFAULT),
    "command": _plain(command, targets.VERSION_COMMAND, targets.LIST_COMMAND),
    "imports": _plain(imports),
    "stale": _plain(stale, targets.STALE),
    "largest-list": _plain(largest_list, targets.LIST_BLOCK, targets.LIST_MEMORY),
    "journal": _plain(journal, targets.JOURNAL),
    "completed": _plain(completed, targets.COMPLETED),
    "memory": _plain(memory, targets.MEMORY_ACCEPTED, targets.MEMORY_COMPLETED),
    "coverage": _plain(coverage, targets.COVERAGE, targets.COVERAGE_AT_ONCE),
    "install-size": Measurement(lambda _, __: install_size()),
    "million": Measurement(lambda _, __: million(), is_usual=False),
}
USUAL: Final = tuple(name for name, one in MEASUREMENTS.items() if one.is_usual)


@attrs.define
class Report:
    """What has been measured so far.

    Attributes:
        sections: The sections, as Markdown.
        figures: The figures that have a target.
        lacking: Why a target has none.
    """

    sections: list[str] = attrs.field(factory=list)
    figures: dict[Target, Sequence[float]] = attrs.field(factory=dict)
    lacking: dict[Target, str] = attrs.field(factory=dict)

    def measure(
        self, names: Sequence[str], effort: Effort, picture: Path | None
    ) -> None:
        """Measure sections, one after the other.

        Args:
            names: Keys of `MEASUREMENTS`.
            effort: How much.
            picture: The file that a picture is written to.
        """
        for name in names:
            self._lack(name, "the run ended before it")
        for name in names:
            print(f"{name} …", file=sys.stderr)
            try:
                section = MEASUREMENTS[name].measure(effort, picture)
            except CannotMeasureError as exc:
                self._lack(name, str(exc))
                self.sections.append(f"## {name}\n\nNot measured: {exc}.")
                continue
            self.sections.append(str(section))
            self.figures.update(section.figures)
            self._lack(name, section.lacking)

    def __str__(self) -> str:
        table = f"## Targets\n\n{target_table(self.figures, self.lacking)}"
        return "\n\n".join([table, *self.sections])

    def _lack(self, name: str, why: str) -> None:
        self.lacking.update(dict.fromkeys(MEASUREMENTS[name].targets, why))
