"""The commands about automatic snapshots, against an emulated cloud."""

from css_snapshot import SnapshotPolicy, to_dict
from css_snapshot.emulator import EmulatorState
from tests.support.command_line import run

PERIOD = "16:00 GMT+08:00"
ENABLED = ("--prefix", "auto", "--keep", "7", "--period", PERIOD)


def test_a_policy_is_set_and_shown(cloud: EmulatorState, cluster: str) -> None:
    done = run("policy", "set", cluster, *ENABLED, "--frequency", "mon")
    shown = run("policy", "get", cluster, "--json")

    assert done.stdout == f"{cluster} takes snapshots by itself now\n"
    (record,) = shown.records
    attributes = to_dict(SnapshotPolicy(enabled=True)).keys()
    assert record.keys() == attributes | {"kind", "cluster_id"}
    assert (record["enabled"], record["frequency"]) == (True, "MON")
    assert (record["prefix"], record["period"], record["keep"]) == ("auto", PERIOD, 7)
    assert cloud.cluster(cluster).policy.enabled


def test_one_policy_is_shown_line_by_line(cluster: str) -> None:
    ended = run("policy", "get", cluster)

    lines = [line.split(maxsplit=1) for line in ended.stdout.splitlines()]
    assert lines[0] == ["Cluster:", cluster]
    assert lines[1] == ["Enabled:", "no"]


def test_a_policy_is_switched_off_and_its_snapshots_are_kept(
    cloud: EmulatorState, cluster: str
) -> None:
    run("policy", "set", cluster, *ENABLED)
    cloud.add_snapshot(cluster, "auto-1", automatic=True)

    ended = run("policy", "disable", cluster, "--json")

    assert ended.records == [
        {
            "kind": "policy",
            "cluster_id": cluster,
            "enabled": False,
            "deleted_automatic": False,
        }
    ]
    assert not cloud.cluster(cluster).policy.enabled
    assert len(cloud.snapshots(cluster)) == 1


def test_deleting_automatic_snapshots_demands_yes_where_nobody_can_be_asked(
    cloud: EmulatorState, cluster: str
) -> None:
    run("policy", "set", cluster, *ENABLED)
    cloud.add_snapshot(cluster, "auto-1", automatic=True)
    before = sum(cloud.counts.values())

    refused = run("policy", "disable", cluster, "--delete-automatic")

    assert refused.exit_code == 2
    assert sum(cloud.counts.values()) == before

    done = run("policy", "disable", cluster, "--delete-automatic", "--yes")

    assert done.exit_code == 0
    assert not cloud.snapshots(cluster)
