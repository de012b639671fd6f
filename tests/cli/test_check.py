"""The command check, against an emulated cloud: who has a fresh usable snapshot."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.text import Text

from css_snapshot.emulator import EmulatedCluster, EmulatorServer, EmulatorState, Fault
from css_snapshot.emulator.cloud.outcome_rules import OutcomeRule
from tests.support.command_line import SECRET_KEY, Ended, run, run_watched

DAY = 86400.0
HOUR = 3600.0
CHECK = ("check", "--all-clusters", "--max-age", "26h")


@pytest.fixture
def cloud() -> EmulatorState:
    """An emulated cloud without clusters."""
    return EmulatorState(clusters=0, build_seconds=0.0, secret_key=SECRET_KEY)


@pytest.fixture
def fleet(cloud: EmulatorState, server: EmulatorServer) -> EmulatorState:
    """Serve one cluster in each state but unreadable."""
    for name in ("fresh", "stale", "never", "stuck"):
        cloud.add_cluster(EmulatedCluster(name=f"css-{name}"))
    cloud.add_cluster(EmulatedCluster(name="css-off", engine="logstash"))
    cloud.add_snapshot(id_of(cloud, "css-fresh"), "nightly", age=2 * HOUR)
    stale = id_of(cloud, "css-stale")
    cloud.add_snapshot(stale, "nightly-1", age=2 * DAY)
    for age, outcome in ((DAY, "FAILED"), (3 * DAY, "PART_FAILED")):
        rule = OutcomeRule(outcome=outcome)  # type: ignore[arg-type]  # one of the literals
        cloud.add_snapshot(stale, f"nightly-{age}", age=age, outcome=rule)
    cloud.add_snapshot(
        id_of(cloud, "css-stuck"),
        "nightly",
        age=7 * HOUR,
        outcome=OutcomeRule(outcome="STUCK"),
    )
    return cloud


def id_of(cloud: EmulatorState, name: str) -> str:
    return next(one.id for one in cloud.clusters if one.name == name)


def states(ended: Ended) -> dict[object, object]:
    return {record["cluster_name"]: record["state"] for record in ended.records}


def test_each_cluster_has_its_state_its_reason_and_its_last_days(
    fleet: EmulatorState,
) -> None:
    ended = run(*CHECK, "--format", "json")

    assert ended.exit_code == 1
    assert states(ended) == {
        f"css-{state}": state for state in ("fresh", "stale", "never", "stuck", "off")
    }
    stale = next(one for one in ended.records if one["state"] == "stale")
    today = datetime.now(UTC).date()
    calendar = stale["calendar"]
    assert isinstance(calendar, dict)
    assert list(calendar) == [
        (today - timedelta(days=ago)).isoformat() for ago in reversed(range(14))
    ]
    assert list(calendar.values())[-4:] == ["partial", "good", "failed", "none"]
    assert stale["why"] == "nightly-1 is 2.0 days old; 1 failed since"
    last_good = stale["last_good"]
    assert isinstance(last_good, dict)
    assert last_good["name"] == "nightly-1"
    assert stale["failures_since"] == 1


def test_people_see_a_calendar_with_its_legend(fleet: EmulatorState) -> None:
    ended = run_watched(*CHECK, "--days", "7", NO_COLOR="1", COLUMNS="80")

    lines = Text.from_ansi(ended.stdout).plain.splitlines()
    assert ended.exit_code == 1
    assert lines[0].split()[:4] == ["CLUSTER", "STATE", "7", "DAYS"]
    rows = {line.split()[0]: line.split() for line in lines if line.startswith("css-")}
    assert rows["css-stale"][1:3] == ["stale", "...~+x."]
    assert rows["css-never"][1:3] == ["never", "......."]
    assert rows["css-fresh"][2].count("+") == 1
    assert rows["css-stuck"][2].count(">") == 1
    assert rows["css-off"][2] == "-"
    assert lines[-2].endswith(" (UTC): + good, > building, ~ partial, x failed, . none")
    assert lines[-1] == "1 of 5 clusters fresh, 1 stale, 1 never, 1 stuck, 1 off"
    assert max(map(len, lines)) <= 80


def test_a_covered_fleet_is_a_success(fleet: EmulatorState) -> None:
    ended = run(*CHECK, "--name", "css-fresh")

    assert ended.exit_code == 0
    assert ended.stdout.endswith("\n1 of 1 cluster fresh\n")


def test_a_fleet_without_a_fresh_one_says_so(fleet: EmulatorState) -> None:
    ended = run(*CHECK, "--name", "css-never")

    assert ended.exit_code == 1
    assert ended.stdout.endswith("\n0 of 1 cluster fresh, 1 never\n")


def test_a_named_cluster_is_checked(fleet: EmulatorState) -> None:
    ended = run("check", "css-fresh", "--max-age", "1h", "--format", "json")

    assert ended.exit_code == 1
    assert states(ended) == {"css-fresh": "stale"}


def test_clusters_of_one_name_are_told_by_their_ids(fleet: EmulatorState) -> None:
    twin = fleet.add_cluster(EmulatedCluster(name="css-never"))

    ended = run(*CHECK, "--name", "css-[nf]*")

    first = [line.split()[0] for line in ended.stdout.splitlines()[1:4]]
    assert set(first) == {twin.id, id_of(fleet, "css-never"), "css-fresh"}


def test_an_id_in_place_of_a_name_stays_whole_at_80_columns(
    fleet: EmulatorState,
) -> None:
    twin = fleet.add_cluster(EmulatedCluster(name="css-never"))

    ended = run_watched(*CHECK, COLUMNS="80")

    shown = Text.from_ansi(ended.stdout).plain
    assert twin.id in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_wide_terminal_shows_when_the_last_good_one_began_and_the_id(
    fleet: EmulatorState,
) -> None:
    ended = run_watched(*CHECK, "--name", "css-fresh", COLUMNS="200")

    header, _, row, *_ = Text.from_ansi(ended.stdout).plain.splitlines()
    good = fleet.snapshots(id_of(fleet, "css-fresh"))[-1]
    assert header.split()[-3:] == ["LAST", "GOOD", "ID"]
    begun = datetime.fromtimestamp(good.created, UTC)
    assert row.endswith(f"{begun:%Y-%m-%d %H:%M}  {id_of(fleet, 'css-fresh')}")


def test_a_prefix_leaves_out_others(fleet: EmulatorState) -> None:
    ended = run(
        "check", "css-fresh", "--max-age", "26h", "--prefix", "weekly-", "--json"
    )

    (record,) = ended.records
    assert record["state"] == "never"
    calendar = record["calendar"]
    assert isinstance(calendar, dict)
    assert set(calendar.values()) == {"none"}


def test_what_can_t_be_read_is_not_covered(fleet: EmulatorState) -> None:
    fresh = id_of(fleet, "css-fresh")
    fleet.faults.add(Fault.status(403), operation="list", cluster_id=fresh, times=None)

    ended = run(*CHECK, "--format", "json", "--name", "css-[fn]*")

    assert ended.exit_code == 1
    assert states(ended) == {"css-fresh": "unreadable", "css-never": "never"}
    assert "ForbiddenError" in str(ended.records) or "403" in str(ended.records)


def test_a_read_that_is_lost_once_alarms_nobody(fleet: EmulatorState) -> None:
    fleet.faults.add(Fault.drop(), operation="list")

    assert run(*CHECK, "--name", "css-fresh").exit_code == 0
    fleet.faults.add(Fault.drop(), operation="list")
    assert run(*CHECK, "--name", "css-fresh", "--retry", "none").exit_code == 1


def test_a_cluster_that_is_gone_is_told_as_such(fleet: EmulatorState) -> None:
    gone = "00000000-0000-4000-8000-000000000000"

    ended = run(
        *("check", "-", "--max-age", "26h", "--json"),
        stdin=f"css-fresh\n{gone}\n",
    )

    assert ended.exit_code == 1
    assert {one["cluster_id"]: one["state"] for one in ended.records} == {
        id_of(fleet, "css-fresh"): "fresh",
        gone: "unreadable",
    }


def test_refused_credentials_are_tried_once(fleet: EmulatorState) -> None:
    ended = run(*CHECK, HUAWEICLOUD_SDK_SK="wrong")

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error: AuthenticationError: ")
    assert sum(fleet.counts.values()) == 1


@pytest.mark.parametrize("args", [("--max-age", "26"), ("--max-age", "soon"), ()])
def test_an_age_without_its_unit_is_one_clear_line(
    args: tuple[str, ...], fleet: EmulatorState
) -> None:
    ended = run("check", "--all-clusters", *args)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert "--max-age" in ended.stderr
    assert not fleet.counts


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--days", "0"), "--days"),
        (("--format", "xml"), "--format"),
        (("--format", "openmetrics", "--json"), "--format"),
        (("--stuck-after", "6"), "--stuck-after"),
        (("--prefix", ""), "prefix"),
    ],
)
def test_wrong_usage_names_the_option(
    options: tuple[str, ...], named: str, fleet: EmulatorState
) -> None:
    ended = run(*CHECK, *options)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert named in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not fleet.counts


def test_a_pattern_that_matches_nothing_is_no_success(fleet: EmulatorState) -> None:
    ended = run(*CHECK, "--name", "prod-*", "--tag", "env=prod")

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr == (
        "error: NoClusterError: no cluster of the project matches --name prod-*"
        " --tag env=prod\n"
    )


@pytest.mark.parametrize(
    ("names", "code", "word"),
    [
        ("css-fresh", 0, "OK"),
        ("css-stale", 2, "CRITICAL"),
        ("css-*", 2, "CRITICAL"),
        ("nobody", 3, "UNKNOWN"),
    ],
)
def test_nagios_gets_its_codes(
    names: str, code: int, word: str, fleet: EmulatorState
) -> None:
    ended = run(*CHECK, "--format", "nagios", "--name", names)

    assert ended.exit_code == code
    assert ended.stdout.startswith(f"CSS SNAPSHOTS {word} - ")
    assert ended.stderr == ""


def test_nagios_gets_numbers_and_each_trouble_the_worst_first(
    fleet: EmulatorState,
) -> None:
    never = id_of(fleet, "css-never")
    fleet.faults.add(Fault.status(403), operation="list", cluster_id=never, times=None)
    fresh = id_of(fleet, "css-fresh")
    fleet.add_snapshot(
        fresh, "nightly-2", age=HOUR, outcome=OutcomeRule(outcome="FAILED")
    )

    ended = run(*CHECK, "--format=nagios", "--name", "css-[fns]*")

    first, *others = ended.stdout.splitlines()
    said, numbers = first.split(" | ")
    assert ended.exit_code == 2
    assert said.startswith("CSS SNAPSHOTS CRITICAL - 1 of 4 clusters fresh, ")
    assert numbers.split()[:4] == ["fresh=1", "stale=1", "stuck=1", "unreadable=1"]
    assert numbers.split()[4].startswith("oldest=1728")
    assert numbers.endswith("s;;93600;0")
    assert [line.split()[0] for line in others] == [
        *("CRITICAL:", "CRITICAL:", "UNKNOWN:", "WARNING:")
    ]
    assert others[-1] == (
        "WARNING: css-fresh is fresh: nightly is 2.0 h old; 1 failed since"
    )


def test_a_warning_alone_is_1(fleet: EmulatorState) -> None:
    fleet.add_snapshot(
        *(id_of(fleet, "css-fresh"), "nightly-2"),
        age=HOUR,
        outcome=OutcomeRule(outcome="FAILED"),
    )

    assert run(*CHECK, "--format=nagios", "--name", "css-fresh").exit_code == 1
    assert run(*CHECK, "--name", "css-fresh").exit_code == 0


def test_a_name_can_t_forge_numbers(fleet: EmulatorState) -> None:
    fleet.add_cluster(EmulatedCluster(name="x|fresh=9\nOK"))

    ended = run(*CHECK, "--format", "nagios")

    assert ended.stdout.count("|") == 1
    assert "\nOK" not in ended.stdout


@pytest.mark.parametrize(
    "args",
    [
        ("--max-age", "26"),
        ("--max-age", "26h", "--prefix", ""),
        ("--max-age", "26h", "--days", "0"),
        ("--max-age", "26h", "css-fresh"),
    ],
)
def test_wrong_usage_is_unknown_to_nagios(
    args: tuple[str, ...], fleet: EmulatorState
) -> None:
    ended = run("check", "--all-clusters", "--format", "nagios", *args)

    assert (ended.exit_code, ended.stderr) == (3, "")
    assert ended.stdout.startswith("CSS SNAPSHOTS UNKNOWN - ")
    assert ended.stdout.count("\n") == 1
    assert not fleet.counts


def test_metrics_are_written_to_a_file_all_at_once(
    fleet: EmulatorState, tmp_path: Path
) -> None:
    file = tmp_path / "css.prom"
    file.write_text("of yesterday")

    ended = run(*CHECK, "--format", "openmetrics", "-o", str(file))

    text = file.read_text()
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert text.endswith("# EOF\n")
    assert f'cluster_id="{id_of(fleet, "css-stale")}"' in text
    assert 'state="stale"} 1.0\n' in text
    assert [one.name for one in tmp_path.iterdir()] == ["css.prom"]
    assert file.stat().st_mode & 0o444 == 0o444


def test_a_check_that_fails_leaves_the_file(
    fleet: EmulatorState, tmp_path: Path
) -> None:
    file = tmp_path / "css.prom"
    file.write_text("of yesterday")

    ended = run(*CHECK, "--format", "openmetrics", "-o", str(file), "--name", "nobody")

    assert ended.exit_code == 1
    assert file.read_text() == "of yesterday"


@pytest.mark.parametrize("form", ["table", "json", "nagios", "openmetrics"])
def test_each_form_can_go_to_a_file(
    form: str, fleet: EmulatorState, tmp_path: Path
) -> None:
    file = tmp_path / "report"

    shown = run_watched(*CHECK, "--format", form, COLUMNS="300")
    written = run_watched(*CHECK, "--format", form, "-o", str(file), COLUMNS="300")

    assert written.stdout == ""
    assert written.exit_code == shown.exit_code
    text = file.read_text()
    assert "\x1b" not in text
    assert text.count("\n") >= 5
    assert ("css-stale" in text) == ("css-stale" in shown.stdout)


def test_a_file_nowhere_is_refused(fleet: EmulatorState, tmp_path: Path) -> None:
    ended = run(*CHECK, "-o", str(tmp_path / "none" / "css.prom"))

    assert ended.exit_code == 2
    assert "is not a directory" in ended.stderr


def test_metrics_without_their_library_are_refused_before_anything_is_sent(
    fleet: EmulatorState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(
        sys.modules, "css_snapshot.integrations.prometheus", raising=False
    )
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    ended = run(*CHECK, "--format", "openmetrics")

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "css-snapshot[prometheus]" in ended.stderr
    assert not fleet.counts


def test_a_fleet_costs_a_page_of_clusters_and_a_list_each(
    fleet: EmulatorState,
) -> None:
    run(*CHECK)

    # Those that are off have no list.
    assert fleet.counts == {"clusters": 1, "list": 4}


@pytest.mark.parametrize(
    ("count", "requests"),
    [(1, {"cluster": 1, "list": 1}), (2, {"clusters": 1, "list": 2})],
)
def test_several_named_clusters_cost_a_page_and_one_a_look(
    fleet: EmulatorState, count: int, requests: dict[str, int]
) -> None:
    named = [id_of(fleet, name) for name in ("css-fresh", "css-never")][:count]

    run("check", *named, "--max-age", "26h")

    assert fleet.counts == requests
