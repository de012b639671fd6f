"""The operator that rehearses a restoration."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from css_snapshot.integrations.airflow.coroutine_operator import CoroutineOperator
from css_snapshot.integrations.airflow.engine import AirflowException
from css_snapshot.integrations.airflow.hook import SnapshotHook
from css_snapshot.models import DrillReport
from css_snapshot.serialize import to_dict
from css_snapshot.service import SnapshotService
from css_snapshot.typing import DrillCheck, DrillCleanup, Indices, Json
from css_snapshot.workflows.defaults import (
    CLEANUP_SECONDS,
    RENAME_PREFIX,
    RESTORE_SECONDS,
    SETTLE_SECONDS,
)


class RestoreDrillOperator(CoroutineOperator):
    """Restores the last good snapshot into a test cluster, and has it checked.

    It succeeds when `verify` finds the indices good, and `cleanup` has removed them.
    See `SnapshotService.drill`.

    All of it is done in the worker, as nothing cleans up after a task that is killed
    while it is deferred. One that is killed in the worker cleans up, for which Airflow
    gives it five seconds when somebody marks it failed: a clean-up that takes longer
    belongs in a teardown task, too.

    Args:
        cluster_id: The cluster whose last good snapshot is restored.
        into: The cluster to restore into, which must be another one.
        verify: An `async def` function, awaited with the `DrillReport` when all is
            restored. It finds the indices good unless it raises, or returns something
            false.
        cleanup: One that deletes the indices, whatever happened.
        css_conn_id: Id of the connection.
        prefix: Only snapshots whose names start with this count.
        indices: Names or patterns, as a list or joined by commas; all if left out.
        rename_prefix: What the names of the restored indices begin with.
        timeout: Seconds the restoration may take.
        poll: Initial polling interval in seconds; it grows over time.
        settle: Seconds a restoration may take to show.
        cleanup_timeout: Seconds the clean-up may take.
        **kwargs: As for any operator.
    """

    template_fields: ClassVar[Sequence[str]] = (
        "cluster_id",
        "into",
        "css_conn_id",
        "prefix",
        "indices",
        "rename_prefix",
    )

    def __init__(
        self,
        *,
        cluster_id: str,
        into: str,
        verify: DrillCheck,
        cleanup: DrillCleanup | None = None,
        css_conn_id: str = SnapshotHook.default_conn_name,
        prefix: str | None = None,
        indices: Indices = None,
        rename_prefix: str = RENAME_PREFIX,
        timeout: float = RESTORE_SECONDS,
        poll: float = 10.0,
        settle: float = SETTLE_SECONDS,
        cleanup_timeout: float = CLEANUP_SECONDS,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.css_conn_id = css_conn_id
        self.cluster_id = cluster_id
        self.into = into
        self.verify = verify
        self.cleanup = cleanup
        self.prefix = prefix
        self.indices = indices
        self.rename_prefix = rename_prefix
        self.timeout = timeout
        self.poll = poll
        self.settle = settle
        self.cleanup_timeout = cleanup_timeout

    def execute(self, context: Mapping[str, object]) -> dict[str, Json]:  # noqa: ARG002  # Airflow's signature
        """Restore it, have it checked, and clean up whatever happened.

        Returns:
            The `DrillReport`, as `to_dict` shows it.

        Raises:
            AirflowException: If the restored indices are not good, that is unknown, or
                they were not removed.
            AirflowFailException: If retrying would not help.
        """
        report = self.carry_out(self._drill)
        problems = _problems(report)
        if problems:
            raise AirflowException("; ".join(problems))
        return to_dict(report)

    def after_a_kill(self) -> str:
        """Return what is true after a kill, for whoever reads the log."""
        return (
            f"indices whose names begin with {self.rename_prefix} may be left in"
            f" cluster {self.into}"
        )

    async def _drill(self, service: SnapshotService) -> DrillReport:
        async with service:
            return await service.drill(
                self.cluster_id,
                into=self.into,
                verify=self.verify,
                cleanup=self.cleanup,
                prefix=self.prefix,
                indices=self.indices,
                rename_prefix=self.rename_prefix,
                timeout=self.timeout,
                poll=self.poll,
                settle=self.settle,
                cleanup_timeout=self.cleanup_timeout,
            )


def _problems(report: DrillReport) -> list[str]:
    """Return why a drill is no success."""
    problems = []
    if report.verdict != "verified":
        snapshot = report.snapshot
        why = "the check says so" if report.error is None else repr(report.error)
        problems.append(f"{report.verdict}: {snapshot.name} ({snapshot.id}): {why}")
    if report.cleanup_error is not None:
        problems.append(f"the clean-up failed: {report.cleanup_error!r}")
    return problems
