"""Which clusters and snapshots a command is for: chosen, named, listed in a file."""

from pathlib import Path

import pytest

from css_snapshot.emulator import EmulatedCluster, EmulatorServer, EmulatorState, Fault
from tests.support.command_line import Ended, run

DAY = 86400.0


@pytest.fixture
def fleet(cloud: EmulatorState, server: EmulatorServer) -> EmulatorState:
    """Serve three plain clusters, two of one name, and one with tags."""
    cloud.add_cluster(EmulatedCluster(name="prod-search", tags={"env": "prod"}))
    cloud.add_cluster(EmulatedCluster(name="twin"))
    cloud.add_cluster(EmulatedCluster(name="twin"))
    for cluster_id in cloud.cluster_ids:
        cloud.add_snapshot(cluster_id, "nightly", age=DAY)
    return cloud


def id_of(fleet: EmulatorState, name: str) -> str:
    return next(one.id for one in fleet.clusters if one.name == name)


def clusters_of(ended: Ended) -> set[object]:
    return {record["cluster_id"] for record in ended.records}


@pytest.mark.parametrize(
    "command", ["list {}", "show {} nightly", "policy get {}", "wait {} nightly"]
)
def test_a_name_is_taken_where_an_id_is(command: str, fleet: EmulatorState) -> None:
    wanted = id_of(fleet, "prod-search")

    for reference in (wanted, "prod-search"):
        ended = run(*command.format(reference).split(), "--json")

        assert ended.exit_code == 0
        assert clusters_of(ended) == {wanted}


def test_an_id_needs_no_list_of_clusters(fleet: EmulatorState) -> None:
    run("list", fleet.cluster_ids[0])
    assert set(fleet.counts) == {"list"}

    run("list", "prod-search")
    assert set(fleet.counts) == {"list", "clusters"}


def test_an_id_that_looks_like_a_name_is_an_id(
    cloud: EmulatorState, server: EmulatorServer
) -> None:
    cloud.add_cluster(EmulatedCluster(id="odd", name="first"))
    cloud.add_cluster(EmulatedCluster(name="odd"))
    cloud.add_snapshot("odd", "nightly")

    assert len(run("list", "odd", "--json").records) == 1


def test_an_ambiguous_name_lists_the_ids(fleet: EmulatorState) -> None:
    ended = run("list", "twin")

    assert (ended.exit_code, ended.stdout) == (2, "")
    for cluster in fleet.clusters:
        assert (cluster.id in ended.stderr) == (cluster.name == "twin")
    assert ended.stderr.count("\n") == 1


def test_a_name_nobody_has_is_an_error(fleet: EmulatorState) -> None:
    ended = run("list", "nosuch")

    assert ended.exit_code == 2
    assert "none has the id or the name nosuch" in ended.stderr


def test_the_latest_snapshot_is_the_one_begun_last(
    fleet: EmulatorState,
) -> None:
    cluster = fleet.cluster_ids[0]
    latest = fleet.add_snapshot(cluster, "a-later-one", age=60)
    fleet.add_snapshot(cluster, "the-first", age=9 * DAY)

    (record,) = run("show", cluster, "latest", "--json").records

    assert record["id"] == latest.id


def test_the_latest_to_restore_is_a_usable_one(fleet: EmulatorState) -> None:
    cluster = fleet.cluster_ids[0]
    failed = fleet.add_snapshot(cluster, "failed-one", age=60)
    failed.outcome = "FAILED"
    usable = fleet.snapshots(cluster)[0]

    ended = run("restore", cluster, "latest", "--to", "prod-search", "--json")

    assert ended.records[0]["snapshot_id"] == usable.id
    assert ended.records[0]["target_cluster_id"] == id_of(fleet, "prod-search")
    assert run("show", cluster, "latest", "--json").records[0]["id"] == failed.id


def test_where_nothing_is_usable_there_is_no_latest_to_restore(
    cloud: EmulatorState, cluster: str
) -> None:
    cloud.add_snapshot(cluster, "failed-one", age=60).outcome = "FAILED"

    ended = run("restore", cluster, "latest", "--to", cloud.cluster_ids[1])

    assert ended.exit_code == 2
    assert ended.stderr.endswith(f"cluster {cluster} has no usable snapshots\n")


def test_a_snapshot_called_latest_is_taken_by_its_name(fleet: EmulatorState) -> None:
    cluster = fleet.cluster_ids[0]
    named = fleet.add_snapshot(cluster, "latest", age=5 * DAY)

    assert run("show", cluster, "latest", "--json").records[0]["id"] == named.id


def test_an_ambiguous_snapshot_lists_the_ids(fleet: EmulatorState) -> None:
    cluster = fleet.cluster_ids[0]
    fleet.unique_names = False
    fleet.add_snapshot(cluster, "nightly")

    ended = run("delete", cluster, "nightly", "--yes")

    assert ended.exit_code == 2
    assert all(one.id in ended.stderr for one in fleet.snapshots(cluster))
    assert len(fleet.snapshots(cluster)) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nosuch", "has none of the id or the name nosuch"),
        ("latest", "has no snapshots"),
    ],
)
def test_a_snapshot_that_is_not_there_is_an_error(
    text: str, says: str, cloud: EmulatorState, cluster: str
) -> None:
    ended = run("show", cluster, text)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert f"error: snapshot: cluster {cluster} {says}\n" == ended.stderr


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (("--all-clusters",), 6),
        (("--all-clusters", "--tag", "env=prod"), 1),
        (("--all-clusters", "--name", "tw*"), 2),
        (("--all-clusters", "--engine", "elasticsearch"), 6),
        (
            (
                *("--all-clusters", "--engine", "opensearch"),
                *("--engine", "elasticsearch", "--name", "prod-*"),
            ),
            1,
        ),
        (("prod-search", "prod-search"), 1),
    ],
)
def test_clusters_are_selected(
    arguments: tuple[str, ...], chosen: int, fleet: EmulatorState
) -> None:
    ended = run("list", *arguments, "--json")

    assert ended.exit_code == 0
    assert len(clusters_of(ended)) == len(ended.records) == chosen


def test_clusters_come_from_a_file_of_targets(
    fleet: EmulatorState, tmp_path: Path
) -> None:
    first, second, *_ = fleet.cluster_ids
    listed = tmp_path / "targets.txt"
    listed.write_text(f"# nightly\n{first} weekly a,b\n\nprod-search\n{second}\n")

    ended = run("list", "--from", str(listed), "--json")

    wanted = [first, id_of(fleet, "prod-search"), second]
    assert [record["cluster_id"] for record in ended.records] == wanted


@pytest.mark.parametrize("arguments", [("-",), ("--from", "-")])
def test_clusters_come_from_the_standard_input(
    arguments: tuple[str, ...], fleet: EmulatorState
) -> None:
    ended = run("list", *arguments, "--json", stdin=f"{fleet.cluster_ids[0]}\n")

    assert clusters_of(ended) == {fleet.cluster_ids[0]}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "CLUSTER"),
        (("c1", "--all-clusters"), "CLUSTER"),
        (("--all-clusters", "--from", "x"), "CLUSTER"),
        (("c1", "--from", "x"), "CLUSTER"),
        (("c1", "--tag", "env"), "--all-clusters"),
        (("--from", "no-such-file"), "no-such-file: No such file"),
        (("--from", "."), "Is a directory"),
        (("--name", "prod-*"), "--engine, --name, --tag: need --all-clusters"),
        (("c1", "a/b"), "cluster_id"),
        (("pyproject.toml",), "--from pyproject.toml"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        *("list", "prune --keep 1 --yes", "policy get", "policy disable"),
        *("policy set --prefix auto --keep 1 --frequency HOUR", "fan-out"),
        "configure --bucket bucket --agency agency",
    ],
)
def test_an_unclear_selection_is_told_by_every_command(
    command: str, arguments: tuple[str, ...], named: str, fleet: EmulatorState
) -> None:
    more = ("--snapshot", "nightly") if command == "fan-out" else ()

    ended = run(*command.split(), *arguments, *more)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert named in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not fleet.counts.keys() - {"clusters"}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--name", "nobody"), "--name nobody"),
        (("--tag", "env=x", "--engine", "opensearch"), "--tag env=x --engine open"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        *("list", "prune --keep 1 --yes", "policy get", "wait", "check --max-age 26h"),
        *("fan-out --snapshot nightly", "configure --bucket bucket --agency agency"),
    ],
)
def test_a_pattern_that_matches_nothing_is_no_success(
    command: str, arguments: tuple[str, ...], named: str, fleet: EmulatorState
) -> None:
    more = ("latest",) if command == "wait" else ()

    ended = run(*command.split(), "--all-clusters", *arguments, *more)

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert f": no cluster of the project matches {named}" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert set(fleet.counts) == {"clusters"}


def test_one_cluster_that_fails_stops_no_other(fleet: EmulatorState) -> None:
    first, *others = fleet.cluster_ids
    fleet.faults.add(Fault.status(403), operation="list", cluster_id=first)

    ended = run("list", "--all-clusters", "--json")

    assert ended.exit_code == 1
    assert clusters_of(ended) == set(others)
    assert ended.error["cluster_id"] == first


def test_a_failure_says_which_cluster_it_is_about(fleet: EmulatorState) -> None:
    first = fleet.cluster_ids[0]
    fleet.faults.add(Fault.status(403), operation="list", cluster_id=first)

    ended = run("list", "--all-clusters")

    assert ended.stderr.startswith(f"error: {first}: ForbiddenError: ")


def test_refused_credentials_are_tried_once(fleet: EmulatorState) -> None:
    ended = run("list", *fleet.cluster_ids, HUAWEICLOUD_SDK_SK="wrong")

    assert ended.exit_code == 1
    assert ended.stderr.startswith("error: AuthenticationError: ")
    assert "; check the key pair" in ended.stderr
    assert sum(fleet.counts.values()) == 1


def test_credentials_refused_in_the_middle_end_it_all(fleet: EmulatorState) -> None:
    _, slow, _, refused, *_ = fleet.cluster_ids
    fleet.faults.add(Fault.delay(20.0), operation="list", cluster_id=slow)
    fleet.faults.add(Fault.status(401), operation="list", cluster_id=refused)

    ended = run("list", *fleet.cluster_ids)

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error: AuthenticationError: ")
    assert ended.stderr.count("\n") == 1


def test_many_are_waited_for_at_once(fleet: EmulatorState) -> None:
    fleet.build_seconds = 0.3
    for cluster_id in fleet.cluster_ids:
        fleet.add_snapshot(cluster_id, "later")

    ended = run("wait", "--all-clusters", "later", "--poll", "0.05", "--json")

    assert ended.exit_code == 0
    assert clusters_of(ended) == set(fleet.cluster_ids)
    assert {record["status"] for record in ended.records} == {"COMPLETED"}


def test_the_worst_of_many_waits_is_the_exit_code(fleet: EmulatorState) -> None:
    late, failed, *_ = fleet.cluster_ids
    for cluster_id, outcome in ((late, "STUCK"), (failed, "FAILED")):
        fleet.add_snapshot(cluster_id, "later").outcome = outcome  # type: ignore[assignment]  # one of the literals
    patience = ("--timeout", "0.3s", "--poll", "0.05")

    assert run("wait", late, "later", *patience).exit_code == 3
    assert run("wait", late, failed, "later", *patience).exit_code == 1


@pytest.mark.parametrize("tag", ["", "=prod"])
def test_a_tag_without_its_key_is_refused(tag: str, fleet: EmulatorState) -> None:
    ended = run("list", "--all-clusters", "--tag", tag)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "'--tag': must be KEY or KEY=VALUE" in ended.stderr
    assert not fleet.counts
