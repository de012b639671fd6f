"""What a command takes, from the start of its process to its end."""

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
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
from benchmarks.targets import LIST_COMMAND, VERSION_COMMAND

_PROGRAM: Final = "from css_snapshot.cli import main; main()"
_CLUSTER: Final = next(creation.clusters())
_VERSION: Final = "`css-snapshot --version`"
_LIST: Final = "`css-snapshot list`"
_ROW: Final = {
    "id": creation.SNAPSHOT,
    "name": creation.NAME,
    "status": "COMPLETED",
    "clusterId": _CLUSTER,
    "created": "2026-11-25T10:00:00",
}


def command(effort: Effort) -> Section:
    """Measure, and return the section.

    Raises:
        CannotMeasureError: If one of the packages is not installed here.
    """
    rounds = effort.rounds * 2
    spreads = {
        name: Spread.of(cpu).scaled(1000) for name, cpu in _samples(rounds).items()
    }
    return Section(
        "Command line",
        "CPU of a whole process, in an environment that holds `css-snapshot[cli]` and"
        " what it needs, with byte code; the list is of one snapshot, over http on"
        f" loopback if not said otherwise. Median of {rounds} rounds (lowest to"
        " highest).",
        [table(["", "ms"], [[name, one.rounded] for name, one in spreads.items()])],
        {
            VERSION_COMMAND: [spreads[_VERSION].median],
            LIST_COMMAND: [spreads[_LIST].median],
        },
    )


def _samples(rounds: int) -> dict[str, list[float]]:
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
        program = [python, "-P", "-c", _PROGRAM]
        commands = {
            "`python -c pass`": [python, "-P", "-c", "pass"],
            _VERSION: [*program, "--version"],
            "`css-snapshot --help`": [*program, "--help"],
            _LIST: [*program, "list", _CLUSTER, "--endpoint", plain],
            f"{_LIST}, https": [*program, "list", _CLUSTER, "--endpoint", secure],
        }
        env = {**_credentials(), **made.environment}
        return interleaved(
            {name: partial(cpu_of, words, env) for name, words in commands.items()},
            rounds,
        )


def _credentials() -> Mapping[str, str]:
    return {
        "HUAWEICLOUD_SDK_AK": creation.ACCESS_KEY,
        "HUAWEICLOUD_SDK_SK": creation.SECRET_KEY,
        "HUAWEICLOUD_SDK_PROJECT_ID": creation.PROJECT,
    }


@contextlib.contextmanager
def _list_of_one() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "list.json")
        file.write_text(json.dumps({"backups": [_ROW]}))
        yield file
