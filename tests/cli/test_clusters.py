"""The command that shows clusters, and how they are chosen."""

import pytest

from css_snapshot import Cluster, ClusterStatus, to_dict
from css_snapshot.emulator import EmulatedCluster, EmulatorServer, EmulatorState
from tests.support.command_line import run

UP = ClusterStatus.AVAILABLE


@pytest.fixture
def fleet(cloud: EmulatorState, server: EmulatorServer) -> EmulatorState:
    """Put clusters of all sorts in the cloud that is being served."""
    for cluster in (
        EmulatedCluster(name="prod-search", tags={"team": "search", "env": "prod"}),
        EmulatedCluster(name="prod-logs", engine="opensearch", tags={"env": "prod"}),
        EmulatedCluster(name="pipeline", engine="logstash"),
        EmulatedCluster(name="off", backup_available=False),
        EmulatedCluster(name="down", status="303"),
    ):
        cloud.add_cluster(cluster)
    return cloud


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--engine", "opensearch"), {"prod-logs"}),
        (("--name", "prod-*"), {"prod-search", "prod-logs"}),
        (("--name", "prod"), set()),
        (("--tag", "env=prod"), {"prod-search", "prod-logs"}),
        (("--tag", "env=prod", "--tag", "team"), {"prod-search"}),
        (("--tag", "env=test"), set()),
        (("--tag", "env=prod", "--name", "*logs"), {"prod-logs"}),
    ],
)
def test_clusters_are_chosen_by_engine_name_and_tags(
    options: tuple[str, ...], names: set[str], fleet: EmulatorState
) -> None:
    ended = run("clusters", *options, "--json")

    assert ended.exit_code == 0
    assert {record["name"] for record in ended.records} == names


def test_a_table_says_why_a_cluster_is_not_ready(fleet: EmulatorState) -> None:
    ended = run("clusters")

    lines = {line.split()[0]: line for line in ended.stdout.splitlines()}
    assert lines["prod-search"].rstrip().endswith("ready")
    assert "logstash clusters have no snapshots" in lines["pipeline"]
    assert "switched off" in lines["off"]
    assert "303" in lines["down"]


def test_only_ready_clusters_are_shown_if_told_to(fleet: EmulatorState) -> None:
    ended = run("clusters", "--ready", "--json")

    names = {record["name"] for record in ended.records}
    assert {"prod-search", "prod-logs"} <= names
    assert not names & {"pipeline", "off", "down"}


def test_a_cluster_is_an_object_for_programs(fleet: EmulatorState) -> None:
    (record,) = run("clusters", "--name", "prod-search", "--json").records

    assert record.keys() > to_dict(Cluster(id="", name="", status=UP)).keys()
    shown = ("kind", "name", "engine", "version", "status", "ready", "readiness")
    assert {key: record[key] for key in (*shown, "actions", "tags")} == {
        "kind": "cluster",
        "name": "prod-search",
        "engine": "elasticsearch",
        "version": "7.10.2",
        "status": "200",
        "ready": True,
        "readiness": "ready",
        "actions": [],
        "tags": {"team": "search", "env": "prod"},
    }


def test_no_clusters_are_said_to_be_none(fleet: EmulatorState) -> None:
    ended = run("clusters", "--name", "nobody")

    assert (ended.exit_code, ended.stdout) == (0, "")
    assert ended.stderr == "no clusters\n"
