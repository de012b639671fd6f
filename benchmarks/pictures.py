"""`python -m benchmarks.pictures`: what the command shows on a terminal, as SVG.

Each picture is the screen of the real command, a process on a terminal of its own, at
work against an emulator; nothing is drawn that it has not written.
"""

import argparse
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.screen import capture, drawn
from css_snapshot.emulator import (
    EmulatedCluster,
    EmulatorServer,
    EmulatorState,
    OutcomeRule,
)
from css_snapshot.emulator.cloud.snapshots import Outcome

_FOLDER: Final = Path(__file__).parent / "pictures"
_DAY: Final = 86400.0
_HIDDEN: Final = ("CSS_", "HUAWEICLOUD_", "COLUMNS", "LINES", "FORCE_", "NO_COLOR")

# A character for each day, the oldest first, as the calendar has them.
_HISTORIES: Final[Mapping[str, str]] = {
    "orders": "++++++++++++++",
    "catalogue": "+++++~+++x++++",
    "customers": "++++++++++++xx",
    "logs-eu": ".....++++++++>",
    "staging": "..............",
}
_OUTCOMES: Final[Mapping[str, Outcome]] = {"x": "FAILED", "~": "PART_FAILED"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pictures anew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pictures")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where they go")
    parser.add_argument("--quick", action="store_true", help="of smaller fleets")
    asked = parser.parse_args(arguments)
    pictures = {
        "demo": demo("--clusters", "3") if asked.quick else demo(),
        "fan-out": fan_out(3, share=0.0) if asked.quick else fan_out(),
        "check": check(),
    }
    folder: Path = asked.folder
    folder.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
    return 0


def demo(*options: str) -> str:
    """Return a picture of the demonstration, run with some options."""
    return _picture("demo", *options, environment=_bare())


def fan_out(clusters: int = 300, *, share: float = 0.5) -> str:
    """Return a picture of a run over a fleet, taken on its way.

    Args:
        clusters: How many clusters the fleet has.
        share: The share of them that has an outcome by then.
    """
    fleet = [
        EmulatedCluster(name=f"search-{number}", build_seconds=number % 50 / 2)
        for number in range(clusters)
    ]
    fleet[0].outcomes.append("FAILED")
    state = EmulatorState(clusters=fleet)

    def is_on_its_way(screen: str) -> bool:
        found = re.search(r"(\d+)/(\d+).*in flight.*due", screen, re.DOTALL)
        return found is not None and int(found[1]) >= share * int(found[2])

    with _serving(state) as environment:
        return _picture(
            *("fan-out", "--all-clusters", "--snapshot", "nightly-{date}"),
            *("--by", "06:00", "--rate", "40"),
            environment=environment,
            is_enough=is_on_its_way,
        )


def check() -> str:
    """Return a picture of the calendar."""
    fleet = {name: EmulatedCluster(name=name) for name in _HISTORIES}
    state = EmulatorState(clusters=list(fleet.values()))
    # In the middle of what has passed of today, which is a day of UTC.
    moment = time.time() % _DAY / 2
    for name, history in _HISTORIES.items():
        for ago, sign in enumerate(reversed(history)):
            if sign != ".":
                state.add_snapshot(
                    fleet[name].id,
                    f"nightly-{len(history) - ago}",
                    age=_DAY * ago + moment,
                    outcome=OutcomeRule(
                        outcome=_OUTCOMES.get(sign, "COMPLETED"),
                        build_seconds=_DAY if sign == ">" else 0.0,
                    ),
                )
    with _serving(state) as environment:
        return _picture(
            *("check", "--all-clusters", "--max-age", "26h"), environment=environment
        )


def _picture(
    *arguments: str,
    environment: Mapping[str, str],
    is_enough: Callable[[str], bool] = lambda _: False,
) -> str:
    screen = capture(arguments, environment, is_enough)
    title = f"css-snapshot {shlex.join(arguments)}"
    return drawn(screen, title=title, name=arguments[0])


@contextmanager
def _serving(state: EmulatorState) -> Iterator[Mapping[str, str]]:
    """Serve an emulated cloud, and yield the environment of a command that uses it."""
    with EmulatorServer(state).run_in_thread() as server:
        yield {
            **_bare(),
            "CSS_ENDPOINT": server.endpoint,
            "HUAWEICLOUD_SDK_AK": state.access_key,
            "HUAWEICLOUD_SDK_SK": state.secret_key,
            "HUAWEICLOUD_SDK_PROJECT_ID": state.project_id,
        }


def _bare() -> Mapping[str, str]:
    """Return an environment in which a command looks alike everywhere."""
    mine = {k: v for k, v in os.environ.items() if not k.startswith(_HIDDEN)}
    return {**mine, "TERM": "xterm", "TZ": "UTC"}


if __name__ == "__main__":
    raise SystemExit(main())
