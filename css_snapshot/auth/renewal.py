"""A value that expires: kept, and renewed in time."""

import asyncio
import inspect
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Generic, Literal, TypeVar

import attrs

from css_snapshot.auth.credentials import AccessToken, Credentials, Provider
from css_snapshot.auth.single_flight import SingleFlight
from css_snapshot.errors import (
    ConfigurationError,
    CSSError,
    RequestTimeoutError,
    unchained,
)
from css_snapshot.events import Observer, TokenRenewed, notify

logger = logging.getLogger("css_snapshot.auth")

ADVISORY: Final = timedelta(minutes=10)
"""This long before its end a value is renewed while it is still being served."""

MANDATORY: Final = timedelta(seconds=60)
"""This long before its end a value is no longer served."""

SHORTEST_LIFE: Final = timedelta(minutes=15)
"""The shortest life that IAM gives; assumed where a new value looks expired."""

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
        life = value.expires_at - now
        if life <= timedelta():
            life = SHORTEST_LIFE
        ends, quarter = now + life, life / 4
        return cls(value, ends - min(ADVISORY, quarter), ends - min(MANDATORY, quarter))


class Renewal(Generic[ExpiringT]):
    """Keeps what a provider returns, and asks again before it expires.

    From ten minutes before the end it is renewed in the background; from one minute
    before the end callers wait for the new one (of a short life, the last quarter at
    most). However many callers wait, the provider is called once.

    A new value that looks expired tells of a wrong clock, not of its end: it is
    served all the same, with a warning, for the shortest life there is.

    One object may serve several event loops, each of which makes its own renewals.

    Args:
        provider: Where values come from.
        kind: The class of what it returns.
        clock: Returns an aware datetime.
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
        self._flight: SingleFlight[ExpiringT] = SingleFlight()

    async def get(self, *, rejected: ExpiringT | None = None) -> ExpiringT:
        """Return a value that is good now.

        Args:
            rejected: A value from here that the service refused. It is renewed only
                if it is still the one being served, so that of many callers with the
                same refused value one causes a renewal.

        Raises:
            CSSError: If the provider failed, or returned nothing within a minute.
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
            self._flight.start(self._renew("expiring")).add_done_callback(self._report)
        return held.value

    async def aclose(self) -> None:
        """Stop a renewal that is under way in this event loop."""
        await self._flight.aclose()

    async def _wait(self, reason: Reason) -> ExpiringT:
        return await self._flight.join(lambda: self._renew(reason))

    def _may_start(self, now: datetime) -> bool:
        paused = self._paused_until is not None and now < self._paused_until
        return not paused and self._flight.under_way() is None

    def _report(self, task: asyncio.Task[ExpiringT]) -> None:
        failure = None if task.cancelled() else task.exception()
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
        if lifetime is not None and lifetime <= 0:
            logger.warning(
                "new %s look expired for %.0f s: is this machine's clock ahead?"
                " They are used until the service refuses them",
                "credentials" if self._kind is Credentials else "tokens",
                -lifetime,
            )
        notify(self._on_event, TokenRenewed(reason=reason, lifetime=lifetime))
        return value

    async def _fetch(self, *, force_refresh: bool) -> ExpiringT:
        returned = self._provider(force_refresh=force_refresh)
        if not inspect.isawaitable(returned):
            del returned
            raise ConfigurationError("the provider must be an async callable")
        limit = asyncio.timeout(FETCH_LIMIT)
        try:
            async with limit:
                value: object = await returned
        except TimeoutError:
            if not limit.expired():
                raise
            with unchained:
                raise RequestTimeoutError(
                    f"the provider returned no {self._kind.__name__} within"
                    f" {FETCH_LIMIT:.0f} s; nothing was sent",
                    sent=False,
                ) from None
        if not isinstance(value, self._kind):
            given = type(value).__name__
            # It may well be a plain secret.
            del value
            raise ConfigurationError(
                f"the provider must return {self._kind.__name__}, not {given}"
            )
        return value
