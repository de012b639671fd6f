"""The command that finds out what is wrong: each fault is named, with what to do."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from css_snapshot.cli.advice import advice_for
from css_snapshot.cli.command import Session
from css_snapshot.cli.connection import Limits, Location
from css_snapshot.cli.diagnosis import Check, Examination
from css_snapshot.cli.output.output import Output
from css_snapshot.emulator import EmulatedCluster, EmulatorServer, EmulatorState, Fault
from css_snapshot.errors import (
    ConnectFailedError,
    CSSError,
    NotFoundError,
    RequestTimeoutError,
    ThrottledError,
)
from tests.support.command_line import run

STEPS = [
    *("endpoint", "certificates", "connection", "clock", "credentials", "project"),
    *("login", "permissions"),
]
SESSION = Session(location=Location(), limits=Limits(), output=Output())


def results(*args: str, **env: str) -> dict[str, tuple[str, str]]:
    """Run the doctor, and return result and advice of each step."""
    ended = run("doctor", "--json", *args, **env)
    assert ended.stderr == ""
    return {
        str(record["name"]): (str(record["result"]), str(record["advice"]))
        for record in ended.records
    }


def test_a_good_setup_is_ok_throughout(server: EmulatorServer) -> None:
    ended = run("doctor")

    header, *rows = (line.split() for line in ended.stdout.splitlines())
    assert ended.exit_code == 0
    assert header[:2] == ["CHECK", "RESULT"]
    assert [row[:2] for row in rows] == [[step, "ok"] for step in STEPS]


def test_nothing_is_changed_and_no_signature_is_wasted(
    server: EmulatorServer, cloud: EmulatorState
) -> None:
    run("doctor")

    assert set(cloud.counts) == {"list", "clusters"}


def test_an_empty_environment_is_told_step_by_step() -> None:
    found = results()

    assert run("doctor").exit_code == 1
    assert {name: result for name, (result, _) in found.items()} == {
        "endpoint": "failed",
        "certificates": "ok",
        "connection": "skipped",
        "clock": "skipped",
        "credentials": "failed",
        "project": "failed",
        "login": "skipped",
        "permissions": "skipped",
    }
    assert "export HUAWEICLOUD_SDK_AK" in found["credentials"][1]


def test_an_endpoint_that_does_not_answer_is_told(server: EmulatorServer) -> None:
    found = results(CSS_ENDPOINT="http://127.0.0.1:1")

    assert found["connection"][0] == "failed"
    assert found["login"][0] == "skipped"
    assert found["credentials"][0] == "ok"


def test_an_endpoint_that_talks_nonsense_is_told(
    server: EmulatorServer, cloud: EmulatorState
) -> None:
    cloud.faults.add(Fault.body(200, "<html>hello</html>", "text/html"))

    assert results()["connection"][0] == "failed"


def test_a_wrong_key_is_told(server: EmulatorServer) -> None:
    found = results(HUAWEICLOUD_SDK_SK="wrong")

    assert found["login"][0] == "failed"
    assert "locked" in found["login"][1]
    assert found["permissions"][0] == "skipped"


def test_a_wrong_project_is_told(server: EmulatorServer) -> None:
    found = results(HUAWEICLOUD_SDK_PROJECT_ID="another")

    assert found["login"][0] == "failed"
    assert "project" in found["login"][1]


def test_a_project_that_is_none_is_told(server: EmulatorServer) -> None:
    assert results(HUAWEICLOUD_SDK_PROJECT_ID="a/b")["project"][0] == "failed"


def test_a_missing_permission_is_told(
    server: EmulatorServer, cloud: EmulatorState
) -> None:
    cloud.faults.add(
        Fault.status(403, dialect="gateway"), operation="clusters", times=None
    )

    found = results()

    assert found["login"][0] == "ok"
    assert found["permissions"][0] == "failed"
    assert "css:cluster:list" in found["permissions"][1]


def test_temporary_keys_are_recognised(
    server: EmulatorServer, cloud: EmulatorState
) -> None:
    ended = run("doctor", HUAWEICLOUD_SDK_SECURITY_TOKEN="temporary")

    assert "temporary key" in ended.stdout
    assert "temporary\n" not in ended.stdout


@pytest.mark.parametrize(
    ("cluster", "result"),
    [
        (EmulatedCluster(id="c1"), "ok"),
        (EmulatedCluster(id="c1", status="100"), "warning"),
        (EmulatedCluster(id="c1", backup_available=False), "failed"),
    ],
)
def test_a_cluster_is_looked_at_if_told_to(
    cluster: EmulatedCluster, result: str, server: EmulatorServer, cloud: EmulatorState
) -> None:
    cloud.add_cluster(cluster)

    assert results("--cluster", "c1")["cluster"][0] == result


def test_a_project_without_clusters_is_only_a_warning(
    server: EmulatorServer, cloud: EmulatorState
) -> None:
    cloud.faults.add(
        Fault.body(200, '{"totalSize": 0, "clusters": []}'),
        operation="clusters",
        times=None,
    )

    assert results()["permissions"][0] == "warning"
    assert run("doctor").exit_code == 0


async def clock_check(now: Callable[[], datetime]) -> Check:
    checks = Examination(SESSION, now=now).checks()
    return next(
        check for check in [one async for one in checks] if check.name == "clock"
    )


@pytest.mark.parametrize(
    ("ahead", "result"),
    [
        (0, "ok"),
        (-120, "warning"),
        (120, "warning"),
        (-1000, "failed"),
        (1000, "failed"),
    ],
)
async def test_a_wrong_clock_is_told(
    ahead: float, result: str, server: EmulatorServer
) -> None:
    check = await clock_check(lambda: datetime.now(UTC) + timedelta(seconds=ahead))

    assert check.result == result
    assert bool(check.advice) == (result != "ok")


async def test_a_server_without_a_clock_is_not_judged(
    server: EmulatorServer, cloud: EmulatorState
) -> None:
    cloud.faults.add(Fault.body(200, '{"backups": []}'), operation="list")

    check = await clock_check(lambda: datetime.now(UTC))

    assert check.result == "skipped"


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ConnectFailedError("x", kind="dns"), "region"),
        (ConnectFailedError("x", kind="tls"), "SSL_CERT_FILE"),
        (ConnectFailedError("x", kind="timeout"), "HTTPS_PROXY"),
        (RequestTimeoutError("x"), "--timeout"),
        (ThrottledError("x", status=429), "wait"),
        (NotFoundError("x", status=404, code="APIGW.0101"), "region"),
    ],
)
def test_each_error_has_its_remedy(error: CSSError, word: str) -> None:
    assert word in advice_for(error)


def test_an_error_nobody_knows_has_none() -> None:
    assert advice_for(CSSError("x")) == ""
