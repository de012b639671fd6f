"""The command that finds out what is wrong: each fault is named, with what to do."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from css_snapshot.cli.advice import advice_for
from css_snapshot.cli.command import Session
from css_snapshot.cli.connection import Location, Sending
from css_snapshot.cli.diagnosis import Check, Examination
from css_snapshot.cli.output.output import Output
from css_snapshot.emulator import EmulatedCluster, EmulatorServer, EmulatorState, Fault
from css_snapshot.emulator.cloud.account import ID_TOKEN, IDP_ID
from css_snapshot.errors import (
    ConfigurationError,
    ConnectFailedError,
    CSSError,
    NotFoundError,
    RequestTimeoutError,
    ThrottledError,
)
from tests.support.command_line import SECRET_KEY, TOKEN, run

STEPS = [
    *("endpoint", "certificates", "connection", "clock", "credentials", "project"),
    *("login", "permissions"),
]
SESSION = Session(location=Location(), sending=Sending(), output=Output())


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
        "project": "skipped",
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
        (RequestTimeoutError("x"), "--attempt-timeout"),
        (ThrottledError("x", status=429), "wait"),
        (NotFoundError("x", status=404, code="APIGW.0101"), "region"),
    ],
)
def test_each_error_has_its_remedy(error: CSSError, word: str) -> None:
    assert word in advice_for(error)


def test_an_error_nobody_knows_has_none() -> None:
    assert advice_for(CSSError("x")) == ""


def details(*args: str, **env: str) -> dict[str, str]:
    """Run the doctor, and return all it says of each step in one line."""
    return {
        str(
            record["name"]
        ): f"{record['result']}: {record['detail']}; {record['advice']}"
        for record in run("doctor", "--json", *args, **env).records
    }


@pytest.mark.parametrize(
    ("env", "step", "words"),
    [
        (
            {
                "CSS_ENDPOINT": "https://css.invalid",
                "HTTPS_PROXY": "http://127.0.0.1:1",
            },
            "connection",
            ("the proxy in HTTPS_PROXY", "check HTTPS_PROXY", "NO_PROXY"),
        ),
        (
            {"CSS_ENDPOINT": "https://css.invalid", "all_proxy": "http://127.0.0.1:1"},
            "connection",
            ("the proxy in all_proxy", "check all_proxy"),
        ),
        (
            {"CSS_ENDPOINT": "https://css.invalid"},
            "connection",
            ("no connection", "can resolve names"),
        ),
        (
            {"CSS_ENDPOINT": "127.0.0.1:8080"},
            "endpoint",
            ("CSS_ENDPOINT: the scheme is missing; begin with https://",),
        ),
        (
            {"CSS_ENDPOINT": "http://192.0.2.1"},
            "endpoint",
            ("CSS_ENDPOINT: must begin with https://", "tunnel"),
        ),
    ],
)
def test_a_wrong_address_or_proxy_is_named(
    env: dict[str, str], step: str, words: tuple[str, ...], server: EmulatorServer
) -> None:
    told = details(**env)[step]

    assert told.startswith("failed: ")
    assert all(word in told for word in words), told


def test_a_port_that_does_not_speak_tls_is_named(server: EmulatorServer) -> None:
    told = details(CSS_ENDPOINT=server.endpoint.replace("http://", "https://"))

    assert "that port speaks http" in told["connection"]
    assert "check scheme and port" in told["connection"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.body(302, "", "text/html"), "redirects are never followed"),
        (Fault.body(407, "", "text/html"), "the proxy wants a login"),
        (Fault.body(502, "<html>", "text/html"), "can't reach the service"),
        (Fault.body(504, "<html>", "text/html"), "can't reach the service"),
        (Fault.body(403, "<html>", "text/html"), "a proxy"),
        (Fault.body(403, "Blocked by policy", "text/plain"), "a proxy"),
        (Fault.body(418, "{}"), "another service may be answering"),
    ],
)
def test_an_answer_that_is_not_the_services_is_no_connection(
    fault: Fault, words: str, server: EmulatorServer, cloud: EmulatorState
) -> None:
    cloud.faults.add(fault, operation="list")

    told = details()

    assert told["connection"].startswith("failed: ")
    assert words in told["connection"]
    assert told["login"].startswith("skipped: ")


@pytest.mark.parametrize("cluster", ["nosuch", "9dc4f5c9-33c0-45c7-9378-ae35ae350682"])
def test_a_cluster_that_is_not_there_is_no_missing_permission(
    cluster: str, server: EmulatorServer
) -> None:
    told = details("--cluster", cluster)

    assert told["permissions"].startswith("ok: ")
    assert told["cluster"].startswith(
        f"failed: no cluster of the id or the name {cluster}"
    )
    assert "grant" not in told["cluster"]


def test_a_cluster_is_found_by_its_name(
    server: EmulatorServer, cloud: EmulatorState
) -> None:
    cloud.add_cluster(EmulatedCluster(name="prod-search"))

    assert details("--cluster", "prod-search")["cluster"].startswith("ok: ")


def test_an_ambiguous_cluster_is_told(
    server: EmulatorServer, cloud: EmulatorState
) -> None:
    for _ in range(2):
        cloud.add_cluster(EmulatedCluster(name="twin"))

    assert details("--cluster", "twin")["cluster"].startswith("failed: 2 clusters")


def test_a_cluster_of_a_project_that_can_t_be_listed_is_asked_for(
    server: EmulatorServer, cloud: EmulatorState
) -> None:
    cloud.faults.add(
        Fault.status(403, dialect="gateway"), operation="clusters", times=None
    )

    told = details("--cluster", cloud.cluster_ids[0])

    assert told["cluster"].startswith("ok: ")


def test_the_reason_of_a_wrong_key_is_short(
    server: EmulatorServer, cloud: EmulatorState
) -> None:
    quoted = "verify aksk signature fail, canonicalRequest:" + "GET|/v1.0/" * 50
    cloud.faults.add(
        Fault.body(401, json.dumps({"error_code": "APIGW.0301", "error_msg": quoted})),
        operation="clusters",
    )

    told = details()["login"]

    assert "401 APIGW.0301 verify aksk signature fail" in told
    assert "check the key pair" in told
    assert len(told) < 300


def test_a_token_takes_the_place_of_keys(
    server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUAWEICLOUD_SDK_AK")
    monkeypatch.delenv("HUAWEICLOUD_SDK_SK")

    told = details(HUAWEICLOUD_SDK_TOKEN=TOKEN)

    assert told["credentials"].startswith("ok: a token in HUAWEICLOUD_SDK_TOKEN")
    assert told["login"].startswith("ok: ")


def test_keys_may_be_in_the_profile_file(
    server: EmulatorServer,
    cloud: EmulatorState,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HUAWEICLOUD_SDK_AK")
    monkeypatch.delenv("HUAWEICLOUD_SDK_SK")
    profile = tmp_path / ".huaweicloud" / "credentials"
    profile.parent.mkdir()
    profile.write_text(f"[basic]\nak = {cloud.access_key}\nsk = {SECRET_KEY}\n")

    told = details()

    assert "profile file" in told["credentials"]
    assert told["permissions"].startswith("ok: ")


def test_certificates_that_can_t_be_read_are_told(
    server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise ConfigurationError("SSL_CERT_FILE: /no/such.pem is missing")

    monkeypatch.setattr("css_snapshot.cli.diagnosis.check_tls_environment", refuse)

    told = details()

    assert told["certificates"].startswith("failed: SSL_CERT_FILE: /no/such.pem")
    assert told["connection"].startswith("skipped: needs certificates")


def test_the_project_of_the_region_is_found(
    server: EmulatorServer, cloud: EmulatorState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUAWEICLOUD_SDK_PROJECT_ID")
    region = {"HUAWEICLOUD_SDK_REGION": cloud.iam.account.project_name}
    iam = {"HUAWEICLOUD_SDK_IAM_ENDPOINT": server.endpoint}

    ended = run("doctor", "--json", **region, **iam)
    listed = run("list", cloud.cluster_ids[0], **region, **iam)

    details = {record["name"]: record["detail"] for record in ended.records}
    assert details["project"] == cloud.project_id
    assert (ended.exit_code, listed.exit_code) == (0, 0)


def test_a_workload_needs_no_keys(
    server: EmulatorServer,
    cloud: EmulatorState,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.delenv("HUAWEICLOUD_SDK_AK")
    monkeypatch.delenv("HUAWEICLOUD_SDK_SK")
    file = tmp_path / "token"
    file.write_text(ID_TOKEN, encoding="utf-8")
    workload = {
        "HUAWEICLOUD_SDK_REGION": cloud.iam.account.project_name,
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": server.endpoint,
        "HUAWEICLOUD_SDK_IDP_ID": IDP_ID,
        "HUAWEICLOUD_SDK_ID_TOKEN_FILE": str(file),
    }

    found = results(**workload)
    listed = run("list", cloud.cluster_ids[0], **workload)

    assert {result for result, _ in found.values()} == {"ok"}
    assert listed.exit_code == 0
