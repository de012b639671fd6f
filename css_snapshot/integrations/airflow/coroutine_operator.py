"""The operator that carries out one coroutine."""

import asyncio
from collections.abc import Coroutine
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

T = TypeVar("T")

_NEVER_AGAIN: Final = (
    AuthenticationError,
    ConfigurationError,
    DuplicateSnapshotError,
    RequestValidationError,
)
_KILLED: Final = "killed; the next try finds out what was carried out"


class CoroutineOperator(BaseOperator):
    """An operator that carries out one coroutine, which a kill cancels."""

    _running: tuple[asyncio.AbstractEventLoop, asyncio.Task[object]] | None = None

    def on_kill(self) -> None:
        """Cancel the coroutine; the next try finds out what was carried out."""
        if self._running is not None:
            loop, task = self._running
            loop.call_soon_threadsafe(task.cancel)

    def carry_out(self, work: Coroutine[object, object, T]) -> T:
        """Run a coroutine to its end, and translate its errors for Airflow.

        Raises:
            AirflowFailException: If retrying would not help.
            AirflowException: If retrying may help.
        """
        try:
            return asyncio.run(self._watched(work))
        except CSSError as exc:
            kind = AirflowFailException if _is_final(exc) else AirflowException
            raise kind(text_of(exc)) from exc
        except asyncio.CancelledError:
            raise AirflowException(_KILLED) from None

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
