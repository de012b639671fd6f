"""Wrong usage and input: one line that names the rule, and nothing is sent."""

import io
import json
import subprocess
import sys
from importlib import import_module

import pytest

from css_snapshot.cli import main
from css_snapshot.cli.app import app
from css_snapshot.emulator import EmulatorState
from tests.support.command_line import run


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (
            ("creat",),
            "No such command 'creat'. Did you mean 'create'? (see css-snapshot --help)",
        ),
        (
            ("policy", "st"),
            "No such command 'st'. Did you mean 'set'? (see css-snapshot policy --help)",
        ),
    ],
)
def test_wrong_usage_is_one_line(args: tuple[str, ...], line: str) -> None:
    ended = run(*args)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr == f"error: {line}\n"


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (("create", "c1"), "argument"),
        (("show", "c1", "s1", "c2"), "c2"),
        (("fan-out", "--limit", "0", "--all-clusters"), "--limit"),
        (("prune", "c1", "--keep", "0"), "--keep"),
        (("list", "c1", "--json", "-o", "yaml"), "--output"),
        (("list", "c1", "-o", "xml"), "--output"),
        (("resume", "x.db", "--endpoint", "https://a"), "--endpoint"),
        (("resume", "x.db", "--region", "cn-north-4"), "--region"),
        (("resume", "x.db", "--project-id", "p1"), "--project-id"),
        (("list", "--engine", "solr", "--all-clusters"), "--engine"),
        (("status", "no-such-file.db"), "no-such-file.db"),
        (("ensure", "c1", "nightly", "--settle", "-1"), "--settle"),
        (("ensure", "c1", "nightly", "--on-exists", "replace"), "--on-exists"),
        (("list", "c1", "--retry", "always"), "--retry"),
        (("prune", "c1", "--keep", "1", "--older-than", "soon"), "--older-than"),
        (("clusters", "--tag", "=search"), "--tag"),
        (("resume", "no-such-file.db"), "no-such-file.db"),
    ],
)
def test_wrong_usage_names_the_option(args: tuple[str, ...], named: str) -> None:
    ended = run(*args)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert named in ended.stderr


def test_wrong_usage_is_an_object_for_programs() -> None:
    ended = run("create", "--json")

    assert ended.exit_code == 2
    assert ended.error["kind"] == "error"
    assert ended.error["error"] == "UsageError"
    assert ended.error["exit_code"] == 2


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (
            ("create", "c1", "Nightly"),
            "name: must start with a lower-case letter (character 0)",
        ),
        (
            ("ensure", "../c1", "nightly"),
            "cluster_id: must be 1 to 64 letters, digits, hyphens or underscores (",
        ),
        (
            ("create", "c1", "nightly", "--indices", "Logs"),
            "indices: must not contain upper case (character 0)",
        ),
        (
            ("delete", "c1", "", "--yes"),
            "snapshot_id: must be 1 to 64 letters, digits, hyphens or underscores",
        ),
        (
            ("policy", "set", "c1", "--prefix", "auto", "--keep", "91"),
            "keep: must be 1 to 90",
        ),
        (("policy", "get", "a/b"), "cluster_id: must be"),
        (("policy", "disable", "a/b"), "cluster_id: must be"),
        (("wait", "c1", "a b"), "snapshot_id: must be"),
        (("prune", "", "--keep", "1", "--yes"), "cluster_id: must be"),
    ],
)
def test_bad_input_names_the_field_and_the_rule_before_anything_is_sent(
    args: tuple[str, ...], line: str, cloud: EmulatorState, cluster: str
) -> None:
    ended = run(*args)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"error: {line}")
    assert ended.stderr.count("\n") == 1
    assert not cloud.counts


def test_bad_input_is_an_object_for_programs() -> None:
    ended = run("create", "c1", "Nightly", "--json")

    assert ended.exit_code == 2
    assert ended.error == {
        "kind": "error",
        "error": "RequestValidationError",
        "message": "name: must start with a lower-case letter (character 0)",
        "retryable": False,
        "exit_code": 2,
        "field": "name",
        "rule": "must start with a lower-case letter",
        "position": 0,
    }


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({}, "HUAWEICLOUD_SDK_REGION"),
        (
            {
                "CSS_ENDPOINT": "https://css.example.com",
                "HUAWEICLOUD_SDK_AK": "HPUA0EXAMPLE",
                "HUAWEICLOUD_SDK_SK": "secret",
            },
            "HUAWEICLOUD_SDK_PROJECT_ID",
        ),
        (
            {
                "HUAWEICLOUD_SDK_REGION": "cn-north-4",
                "HUAWEICLOUD_SDK_PROJECT_ID": "p1",
            },
            "HUAWEICLOUD_SDK_SK",
        ),
        ({"HUAWEICLOUD_SDK_REGION": "North"}, "region"),
    ],
)
def test_a_missing_setting_is_named(env: dict[str, str], named: str) -> None:
    ended = run("list", "c1", **env)

    assert ended.exit_code == 2
    assert ended.stderr.count("\n") == 1
    assert named in ended.stderr


def test_no_command_shows_the_help() -> None:
    ended = run()

    assert ended.exit_code == 2
    assert "css-snapshot demo" in ended.stdout


@pytest.mark.parametrize(
    "command",
    [
        *("demo", "doctor", "emulator", "create", "ensure", "list", "show", "wait"),
        *("delete", "restore", "prune", "configure", "clusters", "fan-out", "resume"),
        *("status", "drill"),
        *("policy get", "policy set", "policy disable"),
    ],
)
def test_every_help_teaches_by_example(command: str) -> None:
    ended = run(*command.split(), "--help")

    assert ended.exit_code == 0
    assert f"  css-snapshot {command}" in ended.stdout
    assert "\x1b" not in ended.stdout


def test_the_release_can_be_asked_for() -> None:
    ended = run("--version")

    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout.startswith("css-snapshot ")


def test_commands_are_completed() -> None:
    ended = run(
        _CSS_SNAPSHOT_COMPLETE="complete_bash",
        COMP_WORDS="css-snapshot ens",
        COMP_CWORD="1",
    )

    assert ended.stdout == "ensure\n"


def test_credentials_are_no_options() -> None:
    for option in ("--ak", "--sk", "--access-key", "--secret-key", "--token"):
        assert run("list", "c1", option, "x").exit_code == 2


def test_a_missing_extra_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "typer", None)
    monkeypatch.delitem(sys.modules, "css_snapshot.cli.app")

    with pytest.raises(SystemExit) as left:
        main()

    assert left.value.code == 2
    written = capsys.readouterr()
    assert written.err.count("\n") == 1
    assert "css-snapshot[cli]" in written.err


def test_it_works_where_the_output_is_no_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "argv", ["css-snapshot", "--version"])

    with pytest.raises(SystemExit) as left:
        main()

    assert left.value.code == 0


def test_an_error_that_is_no_misuse_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "css_snapshot.version", None)

    with pytest.raises(ImportError):
        app(["--version"])


def test_the_exit_code_is_returned_if_told_not_to_leave() -> None:
    assert app(["show"], standalone_mode=False) == 2


def test_importing_the_module_runs_nothing() -> None:
    assert import_module("css_snapshot.__main__").main is main


def test_it_runs_as_a_module() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "css_snapshot", "create", "c1", "X", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert json.loads(ended.stderr)["field"] == "name"
