"""Running commands in this process, and looking at what they write."""

import json
from typing import Final
from unittest import mock

import attrs
from typer.testing import CliRunner

from css_snapshot.cli.app import app

SECRET_KEY: Final = "NeverShownSecretKey0000000000000000000001"
TOKEN: Final = "never-shown-token-of-the-emulated-cloud"


@attrs.frozen
class Ended:
    """How a command ended, and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def records(self) -> list[dict[str, object]]:
        """The standard output as JSON lines."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def error(self) -> dict[str, object]:
        """The last line of the error output as JSON."""
        record: dict[str, object] = json.loads(self.stderr.splitlines()[-1])
        return record


def run(*args: str, stdin: str | None = None, **env: str) -> Ended:
    """Run a command; whatever it is, it must not show a secret or a traceback."""
    result = CliRunner().invoke(
        app, args, input=stdin, env=env, prog_name="css-snapshot"
    )
    check_clean(result.output)
    return Ended(result.exit_code, result.stdout, result.stderr)


def run_watched(*args: str, stdin: str | None = None, **env: str) -> Ended:
    """Run a command as `run` does, while somebody watches a terminal."""
    with mock.patch("css_snapshot.cli.output.output.is_terminal", return_value=True):
        return run(*args, stdin=stdin, **{"TTY_COMPATIBLE": "1"} | env)


def check_clean(output: str) -> None:
    assert SECRET_KEY not in output
    assert TOKEN not in output
    assert "Traceback" not in output
