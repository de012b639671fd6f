"""The commands about automatic snapshots, against an emulated cloud."""

import pytest

from css_snapshot import SnapshotPolicy, to_dict
from css_snapshot.emulator import EmulatorState, Fault
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


def test_drift_names_the_field_what_is_and_what_is_wanted(
    cloud: EmulatorState, cluster: str
) -> None:
    run("policy", "set", "--all-clusters", *ENABLED)
    run("policy", "set", cluster, *ENABLED[:2], "--keep", "3", *ENABLED[4:])

    ended = run("policy", "check", "--all-clusters", *ENABLED)

    assert ended.exit_code == 1
    header, row = ended.stdout.splitlines()
    assert header.split() == ["CLUSTER", "FIELD", "HAVE", "WANT"]
    assert row.split() == [cluster, "keep", "3", "7"]


def test_no_drift_is_said(cluster: str) -> None:
    run("policy", "set", cluster, *ENABLED)

    people = run("policy", "check", cluster, *ENABLED)
    programs = run("policy", "check", cluster, *ENABLED, "--json")

    assert (people.exit_code, people.stdout) == (0, "")
    assert people.stderr == "no drift\n"
    assert programs.records == [
        {"kind": "drift", "in_sync": True, "cluster_id": cluster, "differences": {}}
    ]


def test_drift_is_an_object_for_programs(cluster: str) -> None:
    ended = run("policy", "check", cluster, *ENABLED, "--json")

    (record,) = ended.records
    assert ended.exit_code == 1
    assert record["in_sync"] is False
    differences = record["differences"]
    assert isinstance(differences, dict)
    assert differences["enabled"] == {"have": False, "want": True}


def test_a_policy_that_can_t_be_read_is_no_success(
    cloud: EmulatorState, cluster: str
) -> None:
    run("policy", "set", "--all-clusters", *ENABLED)
    cloud.faults.add(
        Fault.status(403), operation="get_policy", cluster_id=cluster, times=None
    )

    ended = run("policy", "check", "--all-clusters", *ENABLED)

    assert ended.exit_code == 1
    assert ended.stderr.startswith(f"error: {cluster}: ForbiddenError: ")


def test_a_policy_is_applied_only_where_it_differs(
    cloud: EmulatorState, cluster: str
) -> None:
    run("policy", "set", cluster, *ENABLED)
    cloud.counts.clear()

    ended = run("policy", "apply", "--all-clusters", *ENABLED)

    assert ended.exit_code == 0
    assert sorted(ended.stdout.splitlines()) == sorted(
        f"{one} {'unchanged' if one == cluster else 'changed'}"
        for one in cloud.cluster_ids
    )
    assert cloud.counts["set_policy"] == 2
    assert run("policy", "check", "--all-clusters", *ENABLED).exit_code == 0


def test_a_dry_run_of_applying_changes_nothing(
    cloud: EmulatorState, cluster: str
) -> None:
    ended = run("policy", "apply", "--all-clusters", *ENABLED, "--dry-run", "--json")

    assert ended.exit_code == 0
    assert [one["in_sync"] for one in ended.records] == [False] * 3
    assert not cloud.counts["set_policy"]


@pytest.mark.parametrize("verb", ["set", "check", "apply"])
@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--prefix", "auto"), "--keep"),
        (("--prefix", "auto", "--keep", "91", "--period", PERIOD), "keep: must be 1"),
        (("--prefix", "auto", "--keep", "7"), "period: is needed"),
        (("--prefix", "Auto", "--keep", "7", "--period", PERIOD), "prefix: must"),
    ],
)
def test_a_policy_that_can_t_be_is_not_sent(
    verb: str, options: tuple[str, ...], named: str, cloud: EmulatorState, cluster: str
) -> None:
    ended = run("policy", verb, "--all-clusters", *options)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert named in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not cloud.counts
