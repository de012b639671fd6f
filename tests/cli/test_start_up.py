"""What a command imports: what it needs, and nothing that costs time for others."""

import gc
import re
import subprocess
import sys
from typing import Final

import pytest
import typer

from css_snapshot.cli.app import RootGroup
from css_snapshot.cli.command import finish
from css_snapshot.cli.garbage import look_as_usual, look_rarely
from css_snapshot.cli.output.output import Output
from tests.support.child_processes import environment

LOADED: Final = """
import gc
import sys
from css_snapshot.cli import main
for command in sys.argv[1:]:
    sys.argv = ["css-snapshot", *command.split()]
    try:
        main()
    except SystemExit:
        pass
looks = sum(generation["collections"] for generation in gc.get_stats())
loaded = [name for name, module in sys.modules.items() if module is not None]
sys.stderr.write(f"\\nlooks for garbage: {looks}\\nloaded: " + " ".join(loaded))
"""

# What only some of the commands need.
SERVER: Final = {"starlette", "uvicorn", "css_snapshot.emulator"}
FLEET: Final = {"sqlite3", "css_snapshot.fanout"}
COMMAND_LINE: Final = {"typer", "rich", "httpx", "attrs", "asyncio"}
# Looking the version up takes these, and longer than the rest of the process.
LOOKED_UP: Final = {"importlib.metadata", "email"}
# httpx's own command line and what it draws with.
DRAWN: Final = {"httpx._main", "pygments", "rich.progress", "rich.syntax"}


def loaded_by(*commands: str) -> set[str]:
    """Run commands in a process of their own, and return the modules they loaded."""
    return set(run(*commands).rpartition("loaded: ")[2].split())


def run(*commands: str) -> str:
    """Run commands in a process of their own, and return its error output."""
    ended = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, "-c", LOADED, *commands],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    return ended.stderr


def test_the_version_needs_no_library() -> None:
    assert not loaded_by("--version") & (COMMAND_LINE | SERVER | FLEET | LOOKED_UP)


def test_commands_for_one_cluster_need_no_server_and_no_journal() -> None:
    loaded = loaded_by(
        "list c1", "clusters", "create c1 nightly", "policy get c1", "lst"
    )

    assert "css_snapshot.cli.app" in loaded
    assert not loaded & (SERVER | FLEET | DRAWN)


def test_a_command_hardly_looks_for_garbage_while_it_is_imported() -> None:
    looks = re.search(r"looks for garbage: (\d+)", run("list c1"))

    assert looks is not None
    # Python's own figures make it 144 times.
    assert int(looks[1]) < 40


def test_a_command_at_work_looks_for_garbage_as_usual() -> None:
    # Other tests in this process may have left it rare.
    look_as_usual()
    usual = gc.get_threshold()
    look_rarely()
    assert gc.get_threshold() != usual

    async def work() -> None:
        assert gc.get_threshold() == usual

    with pytest.raises(typer.Exit) as ended:
        finish(Output(debug=True), work())
    assert ended.value.exit_code == 0


def test_a_command_is_imported_alone() -> None:
    loaded = loaded_by("clusters")

    commands = {
        name for name in loaded if name.startswith("css_snapshot.cli.commands.")
    }
    assert commands == {"css_snapshot.cli.commands.clusters"}


def test_a_fleet_needs_no_server() -> None:
    assert not loaded_by("fan-out c1 --snapshot nightly") & SERVER


def test_the_help_lists_every_command() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "css_snapshot", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )

    listed = {line.split()[1] for line in ended.stdout.splitlines() if "│ " in line}
    assert set(RootGroup.entries) <= listed
