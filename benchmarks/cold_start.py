"""What it takes from the start of a process to its first creation."""

import contextlib
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import creation
from benchmarks.certificates import certificates
from benchmarks.effort import Effort
from benchmarks.installation import installation
from benchmarks.markdown import table
from benchmarks.processes import cpu_of, loopback_server
from benchmarks.rounds import Spread, interleaved
from benchmarks.section import Section
from benchmarks.server import Behaviour
from benchmarks.targets import COLD_DEFAULT, COLD_FAST

_SCRIPTS: Final = Path(__file__).parent / "first_create"
_VENDOR: Final = "huaweicloudsdkcss"
_FAST: Final = "css_snapshot, [fast]"
_DEFAULT: Final = "css_snapshot, httpx (default)"
# Who: what is installed, and what the user wrote.
_FIRST_CREATES: Final = {
    _FAST: ("css-snapshot[fast]", "css_snapshot_fast.py"),
    _DEFAULT: ("css-snapshot", "css_snapshot_default.py"),
    _VENDOR: ("huaweicloudsdkcss", "huaweicloudsdkcss_sync.py"),
}


def cold_start(effort: Effort) -> Section:
    """Measure, and return the section.

    Raises:
        CannotMeasureError: If one of the packages is not installed here.
    """
    rounds = effort.rounds * 2
    samples = _samples(rounds)
    ratios = {
        name: Spread.of_ratios(cpu, samples[_VENDOR]) for name, cpu in samples.items()
    }
    return Section(
        "Cold start",
        "CPU of a whole process that makes one creation over https on loopback and ends,"
        " in an environment that holds nothing but the package and what it needs, with"
        " byte code; as many authorities are trusted as usual. Median of"
        f" {rounds} rounds (lowest to highest).",
        [
            table(
                ["", f"/ {_VENDOR}", "ms"],
                [
                    [name, ratio, Spread.of(samples[name]).scaled(1000).rounded]
                    for name, ratio in ratios.items()
                ],
            ),
        ],
        {COLD_FAST: [ratios[_FAST].median], COLD_DEFAULT: [ratios[_DEFAULT].median]},
    )


def _samples(rounds: int) -> dict[str, list[float]]:
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(certificates())
        server = loopback_server(Behaviour(certificate=made.server))
        endpoint = stack.enter_context(server)
        commands = {}
        for name, (installed, script) in _FIRST_CREATES.items():
            python = stack.enter_context(installation(installed))
            written = [str(python), "-P", str(_SCRIPTS / script)]
            cluster_id = next(creation.clusters())
            commands[name] = [*written, endpoint, creation.PROJECT, cluster_id]
        return interleaved(
            {
                name: partial(cpu_of, words, made.environment)
                for name, words in commands.items()
            },
            rounds,
        )
