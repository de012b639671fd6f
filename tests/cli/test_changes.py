"""Changes whose answers are lost: what is said of them, and their exit codes."""

import pytest

from css_snapshot.cli.exit_codes import ExitCode, code_for, worst
from css_snapshot.errors import (
    ConfigurationError,
    ConnectFailedError,
    ConnectionLostError,
    CredentialsNotFoundError,
    CSSError,
    ForbiddenError,
    IndeterminateDeleteError,
    IndeterminateRestoreError,
    IndeterminateSettingsError,
    JournalBusyError,
    JournalError,
    RequestTimeoutError,
    RequestValidationError,
    WaitTimeoutError,
)
from css_snapshot.service import SnapshotService
from tests.support.command_line import run

SNAPSHOT = "9dc4f5c9-33c0-45c7-9378-ae35ae350682"
COMMANDS = {
    "create": "create {} nightly",
    "delete": "delete {} {snapshot} --yes",
    "restore": "restore {} {snapshot} --to {}",
    "set_policy": "policy set {} --prefix auto --keep 7 --frequency HOUR",
    "disable_policy": "policy disable {}",
    "apply_policy": "policy apply {} --prefix auto --keep 7 --frequency HOUR",
    "configure": "configure {} --bucket backups --agency agency",
}


@pytest.mark.parametrize("method", COMMANDS)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionLostError("lost"), 3),
        (RequestTimeoutError("late"), 3),
        (RequestTimeoutError("late", sent=False), 1),
        (ConnectFailedError("refused"), 1),
        (ForbiddenError("no", status=403), 1),
        (IndeterminateDeleteError("who knows", cluster_id="c", snapshot_id="s"), 3),
    ],
)
def test_a_change_whose_answer_is_lost_may_be_done(
    method: str,
    error: CSSError,
    code: int,
    cluster: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fails(*_arguments: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(SnapshotService, method, fails)

    ended = run(*COMMANDS[method].format(cluster, cluster, snapshot=SNAPSHOT).split())

    assert (ended.exit_code, ended.stdout) == (code, "")
    unclear = isinstance(error, ConnectionLostError) or error.args == ("late",)
    assert ("; it may " in ended.stderr) == (unclear and code == 3)
    assert ended.stderr.startswith(f"error: {type(error).__name__}: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RequestValidationError("name", "is wrong"), 2),
        (ConfigurationError("x"), 2),
        (CredentialsNotFoundError("x"), 2),
        (
            IndeterminateRestoreError(
                "x", cluster_id="c", snapshot_id="s", target_cluster_id="t"
            ),
            3,
        ),
        (IndeterminateSettingsError("x", cluster_id="c"), 3),
        (WaitTimeoutError("x", cluster_id="c", snapshot_id="s"), 3),
        (JournalBusyError("n.db", "is in use"), 75),  # type: ignore[arg-type]  # a path
        (JournalError("n.db", "is damaged"), 1),  # type: ignore[arg-type]  # a path
        (ForbiddenError("x", status=403), 1),
        (OSError("x"), 1),
    ],
)
def test_each_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert code_for(error) == code


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        (set(), 0),
        ({0}, 0),
        ({0, 3}, 3),
        ({0, 1, 3}, 1),
        ({2, 0}, 2),
    ],
)
def test_a_failure_outweighs_what_is_unknown(codes: set[int], code: int) -> None:
    assert worst({ExitCode(one) for one in codes}) == code
