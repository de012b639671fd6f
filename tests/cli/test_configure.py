"""The command that says where snapshots are stored, against an emulated cloud."""

import pytest

from css_snapshot.emulator import EmulatorState
from tests.support.command_line import run

PLACE = ("--bucket", "backups", "--agency", "css_obs_agency")


def test_a_cluster_is_configured(cloud: EmulatorState, cluster: str) -> None:
    ended = run(
        *("configure", cluster, *PLACE, "--base-path", "css/{cluster_id}"),
        *("--max-snapshot-rate", "40mb", "--json"),
    )

    assert ended.exit_code == 0
    assert ended.records == [
        {
            "kind": "settings",
            "cluster_id": cluster,
            "bucket": "backups",
            "base_path": f"css/{cluster}",
            "agency": "css_obs_agency",
            "max_snapshot_rate": "40mb",
            "max_restore_rate": None,
            "cmk_id": None,
            "policy": None,
        }
    ]
    (shown,) = run("policy", "get", cluster, "--json").records
    assert (shown["bucket"], shown["base_path"]) == ("backups", f"css/{cluster}")
    assert shown["agency"] == "css_obs_agency"


def test_each_cluster_of_a_fleet_gets_a_folder_of_its_own(
    cloud: EmulatorState, cluster: str
) -> None:
    ended = run("configure", "--all-clusters", *PLACE, "--base-path", "{cluster_id}/x")

    assert ended.exit_code == 0
    assert set(ended.stdout.splitlines()) == {
        f"{cluster_id} stores its snapshots in backups now"
        for cluster_id in cloud.cluster_ids
    }
    shown = run("policy", "get", "--all-clusters", "--json").records
    assert {record["base_path"] for record in shown} == {
        f"{cluster_id}/x" for cluster_id in cloud.cluster_ids
    }


def test_clusters_can_t_share_a_folder(cloud: EmulatorState, cluster: str) -> None:
    several = ("configure", "--all-clusters", *PLACE, "--base-path", "css")

    refused = run(*several)

    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: base_path: must contain {cluster_id}")
    assert set(cloud.counts) == {"clusters"}
    assert run("configure", cluster, *PLACE, "--base-path", "css").exit_code == 0


def test_a_dry_run_shows_what_is_and_what_would_be(
    cloud: EmulatorState, cluster: str
) -> None:
    before = run("policy", "get", cluster, "--json").records[0]

    ended = run(
        *("configure", cluster, *PLACE, "--base-path", "new"), "--dry-run", "--json"
    )

    assert ended.exit_code == 0
    (record,) = ended.records
    assert (record["bucket"], record["base_path"]) == ("backups", "new")
    assert record["now"] == {
        key: before[key] for key in ("bucket", "base_path", "agency")
    }
    assert run("policy", "get", cluster, "--json").records == [before]


def test_a_dry_run_is_a_table_for_people(cloud: EmulatorState, cluster: str) -> None:
    ended = run("configure", "--all-clusters", *PLACE, "--dry-run")

    header, *rows = ended.stdout.splitlines()
    assert header.split()[:2] == ["CLUSTER", "BUCKET"]
    assert {row.split()[0] for row in rows} == set(cloud.cluster_ids)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--bucket", "B", "--agency", "a"), "bucket"),
        (("--bucket", "backups", "--agency", "a b"), "agency"),
        ((*PLACE, "--base-path", "/x"), "base_path"),
        ((*PLACE, "--base-path", ""), "base_path"),
        ((*PLACE, "--base-path", "{cluster}"), "base_path"),
        ((*PLACE, "--max-snapshot-rate", "fast"), "max_snapshot_rate"),
        ((*PLACE, "--max-restore-rate", "fast"), "max_restore_rate"),
    ],
)
def test_a_wrong_value_is_named_before_anything_is_sent(
    options: tuple[str, ...], field: str, cloud: EmulatorState, cluster: str
) -> None:
    ended = run("configure", "--all-clusters", *options)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"error: {field}: ")
    assert not cloud.counts
