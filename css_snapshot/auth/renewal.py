"""One value that runs out: kept, renewed in time, fetched once for all who wait."""

import asyncio
import copy
import inspect
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Generic, Literal, TypeVar

import attrs

from css_snapshot.auth.credentials import AccessToken, Credentials, Provider
from css_snapshot.errors import ConfigurationError, CSSError, RequestTimeoutError
from css_snapshot.events import Observer, TokenRenewed, notify

logger = logging.getLogger("css_snapshot.auth")

ADVISORY: Final = timedelta(minutes=10)
"""This long before its end a value is renewed while it is still being served."""

MANDATORY: Final = timedelta(seconds=60)
"""This long before its end a value is no longer served."""

PAUSE: Final = timedelta(seconds=30)
"""How long after a failure in the background the next such renewal waits."""

FETCH_LIMIT: Final = 60.0
"""Seconds a provider has; a hung one must not block renewals for ever."""

Reason = Literal["first", "expiring", "rejected"]


ExpiringT = TypeVar("ExpiringT", Credentials, AccessToken)


@attrs.frozen
class _Held(Generic[ExpiringT]):
    value: ExpiringT
    renew_from: datetime | None
    unfit_from: datetime | None

    @classmethod
    def since(cls, now: datetime, value: ExpiringT) -> "_Held[ExpiringT]":
        if value.expires_at is None:
            return cls(value, None, None)
        quarter = (value.expires_at - now) / 4
        return cls(
            value,
            value.expires_at - min(ADVISORY, quarter),
            value.expires_at - min(MANDATORY, quarter),
        )


class Renewal(Generic[ExpiringT]):
    """Keeps what a provider answers, and asks again before it expires.

    From ten minutes before the end it is renewed in the background; from one minute
    before the end callers wait for the new one (of a short life, the last quarter at
    most). However many callers wait, the provider is called once, in a task of its
    own: a caller that is cancelled takes nothing away from the others.

    One object may serve several event loops, each of which makes its own renewals.

    Args:
        provider: Where values come from.
        kind: The class of its answers.
        clock: Answers an aware datetime.
        on_event: Told of each renewal.
    """

    def __init__(
        self,
        provider: Provider[ExpiringT],
        kind: type[ExpiringT],
        *,
        clock: Callable[[], datetime],
        on_event: Observer | None = None,
    ) -> None:
        self._provider: Provider[ExpiringT] = provider
        self._kind: type[ExpiringT] = kind
        self._clock = clock
        self._on_event = on_event
        self._held: _Held[ExpiringT] | None = None
        self._paused_until: datetime | None = None
        self._flights: dict[asyncio.AbstractEventLoop, asyncio.Task[ExpiringT]] = {}

    async def get(self, *, rejected: ExpiringT | None = None) -> ExpiringT:
        """Answer a value that is good now.

        Args:
            rejected: A value from here that the service refused. It is renewed only
                if it is still the one being served, so that of many callers with the
                same refused value one causes a renewal.

        Raises:
            CSSError: The provider failed, or did not answer within a minute.
        """
        held = self._held
        if held is None:
            return await self._wait("first")
        if rejected is not None and held.value == rejected:
            return await self._wait("rejected")
        if held.unfit_from is None or held.renew_from is None:
            return held.value
        now = self._clock()
        if now >= held.unfit_from:
            return await self._wait("expiring")
        if now >= held.renew_from and self._may_start(now):
            self._start("expiring").add_done_callback(self._report)
        return held.value

    async def aclose(self) -> None:
        """Stop a renewal that is under way in this event loop."""
        flight = self._in_flight()
        if flight is not None:
            flight.cancel()
            await asyncio.wait([flight])

    async def _wait(self, reason: Reason) -> ExpiringT:
        flight = self._in_flight() or self._start(reason)
        try:
            return await asyncio.shield(flight)
        except CSSError as failure:
            # Each caller gets an error of its own, as callers add to what they got.
            raise copy.copy(failure) from None
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and not caller.cancelling() and flight.cancelled():
                raise ConfigurationError(
                    "authentication was closed while a renewal was under way"
                ) from None
            raise

    def _in_flight(self) -> asyncio.Task[ExpiringT] | None:
        flight = self._flights.get(asyncio.get_running_loop())
        return None if flight is None or flight.done() else flight

    def _start(self, reason: Reason) -> asyncio.Task[ExpiringT]:
        loop = asyncio.get_running_loop()
        flight = loop.create_task(self._renew(reason))
        self._flights[loop] = flight
        flight.add_done_callback(self._landed)
        return flight

    def _may_start(self, now: datetime) -> bool:
        paused = self._paused_until is not None and now < self._paused_until
        return not paused and self._in_flight() is None

    def _landed(self, flight: asyncio.Task[ExpiringT]) -> None:
        loop = flight.get_loop()
        if self._flights.get(loop) is flight:
            del self._flights[loop]
        if not flight.cancelled():
            # Looked at even when every caller has gone, or asyncio complains.
            flight.exception()

    def _report(self, flight: asyncio.Task[ExpiringT]) -> None:
        failure = None if flight.cancelled() else flight.exception()
        if failure is not None:
            self._paused_until = self._clock() + PAUSE
            # Only our own errors are known to be free of secrets.
            shown = failure if isinstance(failure, CSSError) else type(failure).__name__
            logger.warning("a renewal ahead of time failed: %s", shown)

    async def _renew(self, reason: Reason) -> ExpiringT:
        value = await self._fetch(force_refresh=self._held is not None)
        now = self._clock()
        self._held = _Held.since(now, value)
        ends = value.expires_at
        lifetime = None if ends is None else (ends - now).total_seconds()
        notify(self._on_event, TokenRenewed(reason=reason, lifetime=lifetime))
        return value

    async def _fetch(self, *, force_refresh: bool) -> ExpiringT:
        answer = self._provider(force_refresh=force_refresh)
        if not inspect.isawaitable(answer):
            raise ConfigurationError("the provider must be an async callable")
        limit = asyncio.timeout(FETCH_LIMIT)
        value: object = None
        try:
            async with limit:
                value = await answer
        except TimeoutError:
            if not limit.expired():
                raise
        # Raised outside the handler: what was interrupted may hold secrets.
        if limit.expired():
            raise RequestTimeoutError(
                f"the provider answered no {self._kind.__name__} within"
                f" {FETCH_LIMIT:.0f} s; nothing was sent",
                sent=False,
            )
        if not isinstance(value, self._kind):
            raise ConfigurationError(
                f"the provider must answer {self._kind.__name__},"
                f" not {type(value).__name__}"
            )
        return value
