"""An emulated cloud on a socket, where the commands find it."""

import functools
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from css_snapshot.auth import MetadataCredentials
from css_snapshot.emulator import EmulatorServer, EmulatorState
from tests.support.command_line import SECRET_KEY, TOKEN


@pytest.fixture
def cloud() -> EmulatorState:
    """An emulated cloud whose snapshots are done at once."""
    return EmulatorState(
        clusters=3, build_seconds=0.0, secret_key=SECRET_KEY, token=TOKEN
    )


@pytest.fixture
def server(
    cloud: EmulatorState, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EmulatorServer]:
    """Serve the cloud, and tell the environment where it is."""
    with EmulatorServer(cloud).run_in_thread() as server:
        monkeypatch.setenv("CSS_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HUAWEICLOUD_SDK_AK", cloud.access_key)
        monkeypatch.setenv("HUAWEICLOUD_SDK_SK", SECRET_KEY)
        monkeypatch.setenv("HUAWEICLOUD_SDK_PROJECT_ID", cloud.project_id)
        yield server


@pytest.fixture
def cluster(server: EmulatorServer) -> str:
    """Return the id of a cluster of the cloud that is being served."""
    return server.state.cluster_ids[0]


class Keyboard(io.StringIO):
    """Somebody at a terminal, who has typed ahead."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let somebody at a terminal type something."""

    def typing(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", Keyboard(text))

    return typing


@pytest.fixture(autouse=True)
def no_other_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep away from the profile of whoever runs the tests, and from an ECS instance."""
    monkeypatch.delenv("HUAWEICLOUD_SDK_TOKEN", raising=False)
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    nowhere = functools.partial(MetadataCredentials, endpoint="http://127.0.0.1:1")
    monkeypatch.setattr("css_snapshot.auth.chain.MetadataCredentials", nowhere)


@pytest.fixture(autouse=True)
def plain_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what would force colours, or their absence, out of the environment."""
    for variable in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
