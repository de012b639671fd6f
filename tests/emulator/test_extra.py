"""What of the emulator works without its extra, and what it says of the rest."""

import json
import subprocess
import sys
from typing import Final

import pytest

import css_snapshot.emulator

_HIDE = """
import sys
for name in ("starlette", "uvicorn"):
    sys.modules[name] = None
"""


NEEDY: Final = (
    "from css_snapshot.emulator import create_app",
    "from css_snapshot.emulator import EmulatorServer",
    "from css_snapshot.emulator import EmulatorTransport",
    "import css_snapshot.emulator.http.app",
    "import css_snapshot.emulator.http.protocol",
    "import css_snapshot.emulator.http.server",
    "import css_snapshot.emulator.http.in_process",
)


def _run(program: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", _HIDE + program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def test_the_state_machine_needs_no_extra() -> None:
    program = """
from css_snapshot.emulator import EmulatorState, Fault
state = EmulatorState()
print(state.create_snapshot(state.cluster_ids[0], {"name": "snapshot_001"}).keys())
"""
    assert _run(program) == "dict_keys(['backup'])"


@pytest.fixture(scope="module")
def refusals() -> dict[str, str]:
    """What each line of `NEEDY` is refused with, one after the other."""
    program = f"""
import json
refusals = {{}}
for line in {NEEDY}:
    try:
        exec(line)
    except ImportError as error:
        refusals[line] = str(error)
print(json.dumps(refusals))
"""
    said: dict[str, str] = json.loads(_run(program))
    return said


@pytest.mark.parametrize("line", NEEDY)
def test_the_rest_names_the_extra_it_needs(refusals: dict[str, str], line: str) -> None:
    assert "pip install 'css-snapshot[emulator]'" in refusals[line]


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="NoSuchThing"):
        _ = css_snapshot.emulator.NoSuchThing  # type: ignore[attr-defined]  # that is the test


def test_the_state_machine_brings_no_web_server_along() -> None:
    program = """
import css_snapshot.emulator.cloud.state
print([name for name in sys.modules if name.startswith(("starlette.", "uvicorn."))])
"""
    assert _run(program) == "[]"
