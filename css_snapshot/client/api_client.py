"""One operation, one answer: deadline, retries, authentication, and the verdict."""

import asyncio
import logging
from typing import Final, Protocol, TypeVar, runtime_checkable

import httpx

from css_snapshot.api.decode import DecodeError
from css_snapshot.api.operations import Operation
from css_snapshot.api.rules import check_id
from css_snapshot.client.attempt import attempt
from css_snapshot.client.exchange import Answer
from css_snapshot.client.refusal import refusal
from css_snapshot.client.request import Outgoing
from css_snapshot.clock import Clock
from css_snapshot.errors import (
    ConfigurationError,
    CSSError,
    RequestTimeoutError,
)
from css_snapshot.event_loop import running_loop
from css_snapshot.events import (
    AttemptAnswered,
    AttemptStarted,
    BudgetEmpty,
    Call,
    Observer,
    RetryScheduled,
    logger,
    notify,
    telling,
)
from css_snapshot.retry import Retry, RetryPolicy, repeat

T = TypeVar("T")

_FOREVER: Final = float("inf")


@runtime_checkable
class KnowsProject(Protocol):
    """An authentication plugin that can tell the project it is valid for."""

    async def project_id(self) -> str:
        """Answer the project's id."""
        ...


class ApiClient:
    """Carries out operations against one endpoint and project.

    Args:
        endpoint: A checked address, scheme and host alone.
        project_id: The project, or `None` to ask `auth` for it.
        auth: Authenticates each attempt.
        transport: Carries requests; never closed here.
        retry: Which failures are repeated.
        timeout: Wall-clock limit of one attempt, in seconds.
        deadline: Wall-clock limit of a call with all its retries, in seconds; `None`
            for none.
        language: Language of the vendor's error texts, `en-us` or `zh-cn`.
        on_event: Is told what happens; see `css_snapshot.events`.
        clock: Where time comes from.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        project_id: str | None,
        auth: httpx.Auth,
        transport: httpx.AsyncBaseTransport,
        retry: RetryPolicy,
        timeout: float,
        deadline: float | None,
        language: str,
        on_event: Observer | None,
        clock: Clock,
    ) -> None:
        _check_seconds("timeout", timeout)
        if deadline is not None:
            _check_seconds("deadline", deadline)
        if project_id is None and not isinstance(auth, KnowsProject):
            raise ConfigurationError(
                "project_id: is needed, as this auth can't tell the project"
            )
        self.retry = retry
        self.clock = clock
        self.on_event = on_event
        self.timeout = timeout
        self.deadline = deadline
        self._endpoint = endpoint
        self._auth = auth
        self._transport = transport
        self._language = language
        self._project_id = ""
        self._outgoing: Outgoing | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        if project_id is not None:
            self._use_project(project_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._endpoint!r})"

    def end_of_call(self) -> float:
        """Answer when a call that begins now is to end, on the monotonic clock."""
        if self.deadline is None:
            return _FOREVER
        return self.clock.monotonic() + self.deadline

    async def send(
        self,
        operation: Operation[T],
        *,
        retry: RetryPolicy | None = None,
        until: float = _FOREVER,
    ) -> T:
        """Carry out one operation, repeating it as the policy says.

        Args:
            operation: What to do.
            retry: A policy for this call instead of the client's.
            until: A deadline that ends this call earlier than the client's own, on
                the clock's monotonic scale.

        Raises:
            APIError: The service refused, or its gateway did.
            InvalidResponseError: A success status without an answer in it.
            TransportError: No answer; `.sent` says whether it may have arrived.
            ConfigurationError: The client was used from another event loop.
        """
        self._check_loop()
        policy = retry or self.retry
        until = min(until, self.end_of_call())
        if self.on_event is None and not logger.isEnabledFor(logging.DEBUG):
            return await self._send(operation, policy, until)
        call = Call(
            method=operation.call.method,
            path=operation.call.template,
            ids=operation.ids,
            endpoint=self._endpoint,
        )
        with telling(self.on_event, call, self.clock.monotonic):
            return await self._send(operation, policy, until, call)

    async def _send(
        self,
        operation: Operation[T],
        policy: RetryPolicy,
        until: float,
        call: Call | None = None,
    ) -> T:
        outgoing = self._outgoing or await self._ask_project(until)
        try:
            answer = await self._attempt(operation, outgoing, 1, until, call)
        except CSSError as exc:
            if policy.attempts == 1 or not policy.repeats(exc):
                raise
            failure = exc
        else:
            policy.budget.succeeded(retried=False)
            return answer
        return await self._repeat(
            operation, outgoing, policy, failure, until=until, call=call
        )

    async def _repeat(
        self,
        operation: Operation[T],
        outgoing: Outgoing,
        policy: RetryPolicy,
        failure: CSSError,
        *,
        until: float,
        call: Call | None,
    ) -> T:
        failures: list[CSSError] = []

        async def send(number: int) -> T:
            return await self._attempt(operation, outgoing, number, until, call)

        def on_retry(retry: Retry) -> None:
            failures.append(retry.failure)
            self._tell_retry(operation, policy, retry, call)

        try:
            return await repeat(
                policy,
                failure,
                send,
                sleep=self.clock.sleep,
                remaining=lambda: until - self.clock.monotonic(),
                on_retry=on_retry,
            )
        except CSSError as exc:
            exc.earlier = tuple(earlier for earlier in failures if earlier is not exc)
            if any(earlier.sent is None for earlier in exc.earlier):
                exc.sent = None
            raise

    def _tell_retry(
        self,
        operation: Operation[T],
        policy: RetryPolicy,
        retry: Retry,
        call: Call | None,
    ) -> None:
        vendor_call = operation.call
        if retry.pause is None:
            event: BudgetEmpty | RetryScheduled = BudgetEmpty(
                method=vendor_call.method,
                path=vendor_call.template,
                attempt=retry.attempt,
                call=call,
            )
        else:
            event = RetryScheduled(
                method=vendor_call.method,
                path=vendor_call.template,
                attempt=retry.attempt,
                attempts=policy.attempts,
                pause=retry.pause,
                error=retry.failure,
                call=call,
            )
        notify(self.on_event, event)

    async def _attempt(
        self,
        operation: Operation[T],
        outgoing: Outgoing,
        number: int,
        until: float,
        call: Call | None,
    ) -> T:
        if call is None:
            return self._read(operation, await self._answer(operation, outgoing, until))
        notify(
            self.on_event,
            AttemptStarted(
                method=call.method, path=call.path, attempt=number, call=call
            ),
        )
        started = self.clock.monotonic()
        status: int | None = None
        error: BaseException | None = None
        try:
            answer = await self._answer(operation, outgoing, until)
            status = answer.response.status_code
            return self._read(operation, answer)
        except BaseException as exc:
            error = exc
            raise
        finally:
            notify(
                self.on_event,
                AttemptAnswered(
                    method=call.method,
                    path=call.path,
                    attempt=number,
                    elapsed=self.clock.monotonic() - started,
                    status=status,
                    error=error,
                    call=call,
                ),
            )

    async def _answer(
        self, operation: Operation[T], outgoing: Outgoing, until: float
    ) -> Answer:
        limit = min(self.timeout, until - self.clock.monotonic())
        request = outgoing.request(operation, limit)
        most = operation.call.most
        return await attempt(request, self._auth, self._transport, limit, most)

    def _read(self, operation: Operation[T], answer: Answer) -> T:
        if answer.response.status_code == operation.call.success:
            try:
                return operation.call.decode(answer.body)
            except DecodeError as exc:
                reason = str(exc)
        else:
            reason = f"a success of this call is {operation.call.success}"
        path = _path(operation.target(self._project_id))
        method = operation.call.method
        raise refusal(answer.response, method, path, reason, now=self.clock.now)

    async def _ask_project(self, until: float) -> Outgoing:
        if not isinstance(self._auth, KnowsProject):
            raise ConfigurationError("project_id: is needed")
        limit = min(self.timeout, until - self.clock.monotonic())
        try:
            async with asyncio.timeout(limit):
                return self._use_project(await self._auth.project_id())
        except CSSError as exc:
            exc.sent = False
            raise
        except TimeoutError:
            pass
        # Outside the handler, as in `attempt`: what was interrupted holds secrets.
        raise RequestTimeoutError(
            f"project_id: auth did not tell it within {max(limit, 0.0):g} s;"
            " nothing was sent",
            sent=False,
        )

    def _use_project(self, project_id: str) -> Outgoing:
        check_id("project_id", project_id)
        self._project_id = project_id
        self._outgoing = Outgoing(self._endpoint, project_id, self._language)
        return self._outgoing

    def _check_loop(self) -> None:
        loop = running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ConfigurationError(
                "this service was first used in another event loop, which its"
                " connections belong to; make one per event loop"
            )


def _path(target: str) -> str:
    return target.partition("?")[0]


def _check_seconds(field: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ConfigurationError(f"{field}: must be a number of seconds above 0")
