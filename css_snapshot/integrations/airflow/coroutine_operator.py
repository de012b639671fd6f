"""The operator that carries out one coroutine."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final, TypeVar

from css_snapshot.errors import (
    AuthenticationError,
    ConfigurationError,
    CSSError,
    DuplicateSnapshotError,
    FanOutStoppedError,
    RequestValidationError,
)
from css_snapshot.integrations.airflow.endings import text_of
from css_snapshot.integrations.airflow.engine import (
    AirflowException,
    AirflowFailException,
    BaseOperator,
)
from css_snapshot.integrations.airflow.hook import SnapshotHook
from css_snapshot.service import SnapshotService

T = TypeVar("T")

_NEVER_AGAIN: Final = (
    AuthenticationError,
    ConfigurationError,
    DuplicateSnapshotError,
    RequestValidationError,
)


class CoroutineOperator(BaseOperator):
    """An operator that carries out one coroutine, which a kill cancels.

    Attributes:
        css_conn_id: Id of the connection.
    """

    css_conn_id: str
    _running: tuple[asyncio.AbstractEventLoop, asyncio.Task[object]] | None = None

    def on_kill(self) -> None:
        """Cancel the coroutine."""
        if self._running is not None:
            loop, task = self._running
            loop.call_soon_threadsafe(task.cancel)

    def after_a_kill(self) -> str:
        """Return what is true after a kill, for whoever reads the log."""
        return "the next try finds out what was carried out"

    def carry_out(
        self, work: Callable[[SnapshotService], Coroutine[object, object, T]]
    ) -> T:
        """Run a coroutine to its end, and translate its errors for Airflow.

        Args:
            work: Makes the coroutine of the connection's service, which it closes.

        Raises:
            AirflowFailException: If retrying would not help.
            AirflowException: If retrying may help.
        """
        try:
            service = SnapshotHook(self.css_conn_id).get_conn()
            return asyncio.run(self._watched(work(service)))
        except CSSError as exc:
            kind = AirflowFailException if _is_final(exc) else AirflowException
            raise kind(text_of(exc)) from exc
        except asyncio.CancelledError:
            raise AirflowException(f"killed; {self.after_a_kill()}") from None

    async def _watched(self, work: Coroutine[object, object, T]) -> T:
        task = asyncio.ensure_future(work)
        self._running = asyncio.get_running_loop(), task
        try:
            return await task
        finally:
            self._running = None


def _is_final(error: CSSError) -> bool:
    """Check whether another try would meet the same error."""
    if isinstance(error, FanOutStoppedError):
        return any(isinstance(reason, _NEVER_AGAIN) for reason in error.exceptions)
    return isinstance(error, _NEVER_AGAIN)
