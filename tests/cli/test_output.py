"""What commands write: for people, for programs, and for neither a secret."""

import json
import re
import sys

import pytest
import typer
import yaml  # type: ignore[import-untyped]  # asked for by one test

from css_snapshot.cli.command import finish
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.table import Column
from css_snapshot.cli.output.text import plain
from css_snapshot.emulator import (
    EmulatedCluster,
    EmulatorServer,
    EmulatorState,
    Fault,
)
from tests.support.command_line import run, run_watched


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        ([], "-"),
        (["a", "b"], "a,b"),
        ("two\nlines", "two lines"),
        ("\x1b[2Jgone", "\N{REPLACEMENT CHARACTER}[2Jgone"),
        ("搜索", "搜索"),
    ],
)
def test_a_value_is_shown_as_one_harmless_line(value: object, text: str) -> None:
    assert plain(value) == text


def test_what_the_service_answers_cannot_steer_a_terminal(
    cloud: EmulatorState, server: EmulatorServer
) -> None:
    cloud.add_cluster(EmulatedCluster(name="\x1b]0;evil\x07[red]x[/red]"))

    ended = run("clusters", FORCE_COLOR="1", NO_COLOR="1", COLUMNS="200")

    assert "\x1b]0;" not in ended.stdout
    assert "[red]x[/red]" in ended.stdout


def test_a_status_from_the_vendor_is_no_markup(
    cloud: EmulatorState, cluster: str
) -> None:
    snapshot = cloud.add_snapshot(cluster, "nightly")
    snapshot.outcome = "[/x]\x1b[31m"  # type: ignore[assignment]  # not one of ours

    ended = run_watched(
        *("wait", cluster, "nightly", "--timeout", "0.3s", "--poll", "0.05"),
        COLUMNS="200",
    )

    assert ended.exit_code == 3
    assert "[/X]" in ended.stderr
    assert "\x1b[31M" not in ended.stderr


async def fails_with(error: BaseException) -> None:
    raise error


def test_where_an_error_was_raised_is_shown_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit):
        finish(Output(debug=True), fails_with(OSError("\x1b]0;evil\x07")))

    written = capsys.readouterr().err
    assert "\x1b" not in written
    assert "\x07" not in written
    assert written.startswith("Traceback")
    assert "\n  File" in written


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_variables_of_colours_take_no_lines_away(
    variable: str, server: EmulatorServer
) -> None:
    ended = run("fan-out", "--all-clusters", "--snapshot", "nightly", **{variable: "1"})

    assert [record["kind"] for record in ended.records] == [*["outcome"] * 3, "summary"]
    assert ended.stderr == ""


def test_a_table_that_is_asked_for_is_written_to_a_file_too(
    server: EmulatorServer,
) -> None:
    ended = run("fan-out", "--all-clusters", "--snapshot", "nightly", "-o", "table")

    assert ended.stdout.startswith("3 targets in ")


def test_a_record_is_a_yaml_document(server: EmulatorServer) -> None:
    ended = run("clusters", "-o", "yaml")

    documents = list(yaml.safe_load_all(ended.stdout))
    assert [one["kind"] for one in documents] == ["cluster"] * 3
    assert documents == run("clusters", "--json").records


def test_yaml_needs_a_package_of_its_own(
    server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)

    ended = run("clusters", "-o", "yaml")

    assert ended.exit_code == 2
    assert "pip install pyyaml" in ended.stderr


def test_names_are_written_alone(cloud: EmulatorState, server: EmulatorServer) -> None:
    first, *_ = cloud.cluster_ids
    fan_out = run("fan-out", "--all-clusters", "--snapshot", "nightly", "-o", "name")

    assert set(fan_out.stdout.split()) == set(cloud.cluster_ids)
    assert run("list", first, "-o", "name").stdout == "nightly\n"
    assert run("policy", "get", first, "-o", "name").stdout == f"{first}\n"
    names = {cluster.name for cluster in cloud.clusters}
    assert set(run("clusters", "-o", "name").stdout.split()) == names
    assert run("create", first, "another", "-o", "name").stdout == "another\n"


def test_what_was_done_is_one_line_of_plain_text_on_a_narrow_terminal(
    cluster: str,
) -> None:
    ended = run_watched("create", cluster, "nightly", COLUMNS="40")

    assert re.fullmatch(r"created nightly \([0-9a-f-]+\), [ -~]+\n", ended.stdout)


def test_quiet_leaves_results_and_errors(cloud: EmulatorState, cluster: str) -> None:
    assert run("list", cluster, "-q").stderr == ""
    assert run("list", "nosuch", "-q").stderr.startswith("error: ")
    watched = run_watched("fan-out", cluster, "--snapshot", "nightly", "--quiet")
    assert watched.stderr == ""
    assert watched.stdout.startswith("1 targets in ")


def test_each_call_is_shown_if_asked_for(cloud: EmulatorState, cluster: str) -> None:
    ended = run("list", cluster, "-v")

    method, path, status, request_id, took, unit = ended.stderr.split()[:6]
    assert (method, status, unit) == ("GET", "200", "ms")
    assert path == f"/v1.0/{cloud.project_id}/clusters/{cluster}/index_snapshots"
    assert len(request_id) == 32
    assert took.isdigit()


def test_each_call_is_an_object_for_programs(cluster: str) -> None:
    ended = run("list", cluster, "-v", "--json")

    call = json.loads(ended.stderr)
    assert set(call) == {
        *("kind", "method", "path", "status", "request_id", "milliseconds")
    }
    assert (call["kind"], call["status"]) == ("call", 200)


def test_a_call_without_an_answer_is_shown_as_well(
    cloud: EmulatorState, cluster: str
) -> None:
    cloud.faults.add(Fault.drop(), operation="create")

    ended = run("create", cluster, "nightly", "-v")

    assert re.match(r"POST \S+ \w+Error - \d+ ms\n", ended.stderr)


def test_colours_are_off_where_no_terminal_is(server: EmulatorServer) -> None:
    assert "\x1b" not in run("clusters").stdout


def test_colours_are_on_where_a_terminal_is(server: EmulatorServer) -> None:
    assert "\x1b[32mready" in run("clusters", FORCE_COLOR="1").stdout
    assert "\x1b[32mready" in run_watched("clusters").stdout


def test_no_color_is_honoured(server: EmulatorServer) -> None:
    ended = run("clusters", FORCE_COLOR="1", NO_COLOR="1")

    assert "ready" in ended.stdout
    assert "\x1b[3" not in ended.stdout


def test_a_narrow_terminal_cuts_no_id(
    cloud: EmulatorState, server: EmulatorServer
) -> None:
    for columns in ("30", "60", "80"):
        ended = run_watched("clusters", NO_COLOR="1", COLUMNS=columns)

        joined = "".join(line.strip() for line in ended.stdout.split())
        assert "…" not in joined
        for cluster in cloud.clusters:
            assert cluster.id in ended.stdout
            assert cluster.name in ended.stdout


def test_lines_are_never_wrapped_where_no_terminal_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = Output()

    output.note("word " * 100)
    output.rows([{"a": "x" * 300}], [Column("A", "a")], empty="")

    written = capsys.readouterr()
    assert written.err.count("\n") == 1
    assert "x" * 300 in written.out


def test_a_warning_is_an_object_for_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Output(json=True).warning("take care")

    assert capsys.readouterr().err == '{"kind": "warning", "message": "take care"}\n'


def test_an_error_of_many_lines_is_told_in_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = Output().failure(OSError("disk\nfull"), "free some space")

    assert code == 1
    assert capsys.readouterr().err == "error: OSError: disk full; free some space\n"
