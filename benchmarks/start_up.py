"""What it takes from the start of a process to what its user waits for."""

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from benchmarks.targets import COLD_DEFAULT, COLD_FAST, LIST_COMMAND, VERSION_COMMAND

_SCRIPTS: Final = Path(__file__).parent / "first_create"
_VENDOR: Final = "huaweicloudsdkcss"
_FAST: Final = "css_snapshot, [fast]"
_DEFAULT: Final = "css_snapshot, default"
_FIRST_CREATES: Final = {
    _FAST: "css_snapshot_fast.py",
    _DEFAULT: "css_snapshot_default.py",
    _VENDOR: "huaweicloudsdkcss_sync.py",
}
_COMMAND: Final = "from css_snapshot.cli import main; main()"
_CLUSTER: Final = next(creation.clusters())
_ROW: Final = {
    "id": creation.SNAPSHOT,
    "name": creation.NAME,
    "status": "COMPLETED",
    "clusterId": _CLUSTER,
    "created": "2026-11-25T10:00:00",
}


def cold_start(effort: Effort) -> Section:
    """Measure, and return the section.

    Raises:
        CannotMeasureError: If one of the packages is not installed here.
    """
    rounds = effort.rounds * 2
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(certificates())
        endpoint = stack.enter_context(
            loopback_server(Behaviour(certificate=made.server))
        )
        ours = stack.enter_context(installation("css-snapshot[fast]"))
        vendor = stack.enter_context(installation("huaweicloudsdkcss"))
        samples = interleaved(
            {
                name: _running(
                    [
                        str(vendor if name == _VENDOR else ours),
                        *("-P", str(_SCRIPTS / script)),
                        *(endpoint, creation.PROJECT, _CLUSTER),
                    ],
                    made.environment,
                )
                for name, script in _FIRST_CREATES.items()
            },
            rounds,
        )
    ratios = {
        name: Spread.of_ratios(cpu, samples[_VENDOR]) for name, cpu in samples.items()
    }
    return Section(
        "Cold start",
        "CPU of a whole process that makes one creation over https on loopback and"
        " ends, in an environment that holds nothing but the package and what it"
        " needs, with byte code; as many authorities are trusted as usual. Median"
        f" of {rounds} rounds (lowest to highest).",
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


def command(effort: Effort) -> Section:
    """Measure, and return the section.

    Raises:
        CannotMeasureError: If one of the packages is not installed here.
    """
    rounds = effort.rounds * 2
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(certificates())
        body = stack.enter_context(_list_of_one())
        plain, secure = (
            stack.enter_context(
                loopback_server(Behaviour(body=body, certificate=certificate))
            )
            for certificate in (None, made.server)
        )
        python = str(stack.enter_context(installation("css-snapshot[cli]")))
        secrets = {
            "HUAWEICLOUD_SDK_AK": creation.ACCESS_KEY,
            "HUAWEICLOUD_SDK_SK": creation.SECRET_KEY,
            "HUAWEICLOUD_SDK_PROJECT_ID": creation.PROJECT,
            **made.environment,
        }
        program = [python, "-P", "-c", _COMMAND]
        steps = {
            "`python -c pass`": [python, "-P", "-c", "pass"],
            "`css-snapshot --version`": [*program, "--version"],
            "`css-snapshot --help`": [*program, "--help"],
            "`css-snapshot list`": [*program, "list", _CLUSTER, "--endpoint", plain],
            "`css-snapshot list`, https": [
                *(*program, "list", _CLUSTER, "--endpoint", secure)
            ],
        }
        samples = interleaved(
            {name: _running(words, secrets) for name, words in steps.items()}, rounds
        )
    spreads = {name: Spread.of(cpu).scaled(1000) for name, cpu in samples.items()}
    return Section(
        "Command line",
        "CPU of a whole process, in an environment that holds `css-snapshot[cli]`"
        " and what it needs, with byte code; the list is of one snapshot, over http"
        f" on loopback if not said otherwise. Median of {rounds} rounds (lowest to"
        " highest).",
        [
            table(["", "ms"], [[name, one.rounded] for name, one in spreads.items()]),
        ],
        {
            VERSION_COMMAND: [spreads["`css-snapshot --version`"].median],
            LIST_COMMAND: [spreads["`css-snapshot list`"].median],
        },
    )


@contextlib.contextmanager
def _list_of_one() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "list.json")
        file.write_text(json.dumps({"backups": [_ROW]}))
        yield file


def _running(words: Sequence[str], env: Mapping[str, str]) -> Callable[[], float]:
    return lambda: cpu_of(words, env)
