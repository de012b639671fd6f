"""The client: one operation in, one answer or typed error out."""

import asyncio
import copy
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Generic, Protocol, Self, TypeVar, runtime_checkable

import attrs
import httpx

from css_snapshot.api.decode import LARGE, DecodeError
from css_snapshot.api.operations import Operation
from css_snapshot.api.rules import check_id
from css_snapshot.client.attempt import attempt
from css_snapshot.client.exchange import Answer
from css_snapshot.client.refusal import refusal, request_id_of
from css_snapshot.client.request import RequestBuilder
from css_snapshot.clock import Clock
from css_snapshot.errors import (
    ConfigurationError,
    CSSError,
    RequestTimeoutError,
    TransportError,
    unchained,
)
from css_snapshot.event_loop import running_loop
from css_snapshot.events import (
    AttemptAnswered,
    AttemptStarted,
    BudgetEmpty,
    Call,
    FieldUnreadable,
    Observer,
    RetryScheduled,
    Workflow,
    logger,
    notify,
    telling,
    telling_workflow,
)
from css_snapshot.retry import Before, Between, Retry, RetryPolicy, repeat
from css_snapshot.transport.failures import fate_if_lost

T = TypeVar("T")

FOREVER: Final = float("inf")
"""A deadline that never comes, on the monotonic clock."""


@runtime_checkable
class KnowsProject(Protocol):
    """An authentication plugin that can tell the project it is valid for."""

    async def project_id(self) -> str:
        """Return the project's id."""
        ...


@attrs.frozen(kw_only=True)
class Limits:
    """How long calls may take, and which failures are repeated.

    Attributes:
        timeout: Wall-clock limit of one attempt, in seconds.
        deadline: Wall-clock limit of a call with all its retries, in seconds; `None`
            for none.
        retry: Which failures are repeated.

    Raises:
        ConfigurationError: If a limit is not a number above 0.
    """

    timeout: float = 30.0
    deadline: float | None = None
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)

    def __attrs_post_init__(self) -> None:
        _check_seconds("timeout", self.timeout)
        if self.deadline is not None:
            _check_seconds("deadline", self.deadline)


class ApiClient:
    """Carries out operations against one endpoint and project.

    Args:
        auth: Authenticates each attempt.
        transport: Carries requests; never closed here.
        requests: Builds requests, once the project is known.
        project_id: The project, or `None` to ask `auth` for it.
        limits: How long calls may take, and which failures are repeated.
        on_event: Called with what happens; see `css_snapshot.events`.
        clock: Where time comes from.

    Raises:
        ConfigurationError: If neither `project_id` nor `auth` tells the project.
    """

    def __init__(
        self,
        *,
        auth: httpx.Auth,
        transport: httpx.AsyncBaseTransport,
        requests: RequestBuilder,
        project_id: str | None,
        limits: Limits,
        on_event: Observer | None,
        clock: Clock,
    ) -> None:
        if project_id is None and not isinstance(auth, KnowsProject):
            raise ConfigurationError(
                "project_id: is needed, as this auth can't tell the project"
            )
        self.limits = limits
        self.clock = clock
        self.on_event = on_event
        self.auth = auth
        self.transport = transport
        self.requests = requests
        self._project_id = project_id
        self._loop: asyncio.AbstractEventLoop | None = None
        # As many as the vendor's calls have fields, at most.
        self.fields_told: set[tuple[object, str]] = set()
        self.on_acceptance: list[Callable[[], object]] = []
        if project_id is not None:
            check_id("project_id", project_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.requests.endpoint!r})"

    def with_limits(self, limits: Limits) -> Self:
        """Return a client with other limits that shares all else."""
        other = copy.copy(self)
        other.limits = limits
        return other

    def telling_workflow(
        self, name: str, cluster_id: str | None = None
    ) -> AbstractContextManager[None]:
        """Notify the observer of the start and the end of a workflow in this block.

        Args:
            name: What it is, such as `ensure`.
            cluster_id: The cluster; `None` if it is about several.
        """
        if self.on_event is None and not logger.isEnabledFor(logging.DEBUG):
            return nullcontext()
        workflow = Workflow(name=name, cluster_id=cluster_id)
        return telling_workflow(self.on_event, workflow, self.clock.monotonic)

    @contextmanager
    def telling_acceptance(self, told: Callable[[], object]) -> Iterator[None]:
        """Call something whenever the service has accepted a call in this block.

        Args:
            told: Is called; also for calls of this client with other limits.
        """
        self.on_acceptance.append(told)
        try:
            yield
        finally:
            self.on_acceptance.remove(told)

    def accepted(self) -> None:
        """Tell whoever wants to know that the service has accepted a call."""
        for told in self.on_acceptance:
            told()

    def end_of_call(self) -> float:
        """Return when a call that begins now is to end, on the monotonic clock."""
        if self.limits.deadline is None:
            return FOREVER
        return self.clock.monotonic() + self.limits.deadline

    async def look(self, operation: Operation[T], *, until: float = FOREVER) -> T:
        """Carry out a read that finds out how things stand.

        It is repeated when it was lost or late, whatever the client's policy says.

        Args:
            operation: The read.
            until: As for `send`.

        Raises:
            CSSError: As `send` raises it.
        """
        policy = self.limits.retry.for_looking()
        return await self.send(operation, retry=policy, until=until)

    async def send(
        self,
        operation: Operation[T],
        *,
        retry: RetryPolicy | None = None,
        until: float = FOREVER,
        before: Before | None = None,
        between: Between[T] | None = None,
    ) -> T:
        """Carry out one operation, repeating it as the policy says.

        Args:
            operation: What to do.
            retry: A policy for this call instead of the client's.
            until: A deadline that ends this call earlier than the client's own, on
                the clock's monotonic scale.
            before: Awaited before each attempt; see `css_snapshot.retry.repeat`.
            between: Awaited with each failure; see there.

        Raises:
            APIError: If the service or its gateway refused.
            InvalidResponseError: If a success status came without an answer.
            TransportError: If no answer came; `.sent` says whether the request may
                have arrived.
            ConfigurationError: If the client was used from another event loop.
        """
        self._check_loop()
        under_way = _UnderWay(
            client=self,
            operation=operation,
            policy=retry or self.limits.retry,
            until=min(until, self.end_of_call()),
        )
        if self.on_event is None and not logger.isEnabledFor(logging.INFO):
            return await under_way.run(before, between)
        under_way.call = Call(
            method=operation.call.method,
            path=operation.call.template,
            ids=operation.ids,
            endpoint=self.requests.endpoint,
        )
        with telling(self.on_event, under_way.call, self.clock.monotonic):
            return await under_way.run(before, between)

    async def project_id(self, until: float = FOREVER) -> str:
        """Return the project's id; `auth` is asked for it once if need be.

        Args:
            until: When to give up, on the clock's monotonic scale.

        Raises:
            CSSError: If `auth` can't tell it; nothing was sent then.
        """
        if self._project_id is None:
            project_id = await self._ask_auth(min(until, self.end_of_call()))
            check_id("project_id", project_id)
            self._project_id = project_id
        return self._project_id

    async def _ask_auth(self, until: float) -> str:
        if not isinstance(self.auth, KnowsProject):
            raise ConfigurationError("project_id: is needed")
        limit = min(self.limits.timeout, until - self.clock.monotonic())
        timeout = asyncio.timeout(limit)
        try:
            async with timeout:
                return await self.auth.project_id()
        except CSSError as exc:
            exc.sent = False
            raise
        except TimeoutError:
            # A plugin's own `TimeoutError` is not ours.
            if not timeout.expired():
                raise
            with unchained:
                raise RequestTimeoutError(
                    f"project_id: auth did not tell it within {max(limit, 0.0):g} s;"
                    " nothing was sent",
                    sent=False,
                ) from None

    def _check_loop(self) -> None:
        loop = running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ConfigurationError(
                "this service was first used in another event loop, which its"
                " connections belong to; make one per event loop"
            )


@attrs.define(kw_only=True)
class _UnderWay(Generic[T]):
    """One operation under way.

    Attributes:
        client: The client that carries it out.
        operation: What to do.
        policy: Which failures are repeated.
        until: When it is to end, on the clock's monotonic scale.
        call: What observers know it by; `None` when nobody is told anything.
        project_id: The project, once it is known.
        attempt_until: When the attempt under way is to end, on that scale.
    """

    client: ApiClient
    operation: Operation[T]
    policy: RetryPolicy
    until: float
    call: Call | None = None
    project_id: str = ""
    attempt_until: float = FOREVER

    async def run(self, before: Before | None, between: Between[T] | None) -> T:
        self.project_id = await self.client.project_id(self.until)
        return await repeat(
            self.policy,
            self._attempt,
            sleep=self.client.clock.sleep,
            remaining=self._remaining,
            on_retry=self._tell_retry,
            before=before,
            between=between,
        )

    def _remaining(self) -> float:
        return self.until - self.client.clock.monotonic()

    async def _attempt(self, number: int) -> T:
        call = self.call
        if call is None:
            return await self._read(await self._answer())
        self._notify_started(call, number)
        started = self.client.clock.monotonic()
        response: httpx.Response | None = None
        error: BaseException | None = None
        try:
            answer = await self._answer()
            response = answer.response
            return await self._read(answer)
        except BaseException as exc:
            error = exc
            raise
        finally:
            elapsed = self.client.clock.monotonic() - started
            self._notify_answered(call, number, elapsed, response, error)

    async def _answer(self) -> Answer:
        client, operation = self.client, self.operation
        now = client.clock.monotonic()
        limit = min(client.limits.timeout, self.until - now)
        self.attempt_until = now + limit
        request = client.requests.build(operation, self.project_id, limit)
        try:
            return await attempt(
                request, client.auth, client.transport, limit, operation.call.most
            )
        except TransportError as exc:
            exc.read = operation.call.is_read
            raise

    async def _read(self, answer: Answer) -> T:
        operation, response = self.operation, answer.response
        with_request_id = operation.call.with_request_id
        try:
            if len(answer.body) > LARGE:
                read = await self._read_aside(answer)
            else:
                read = operation.read(
                    response.status_code, answer.body, self._tell_field
                )
        except DecodeError as exc:
            reason = str(exc)
        else:
            self.client.accepted()
            if with_request_id is None:
                return read
            return with_request_id(read, request_id_of(response))
        raise refusal(
            response,
            operation.call.method,
            response.request.url.path,
            reason,
            now=self.client.clock.now,
        )

    async def _read_aside(self, answer: Answer) -> T:
        """Read an answer in a thread, so that the event loop goes on meanwhile.

        Raises:
            DecodeError: If it is not the answer to the operation.
            RequestTimeoutError: If it was not read by the end of the attempt.
        """
        told: list[tuple[str, str]] = []

        def tell(field: str, problem: str) -> None:
            told.append((field, problem))

        try:
            async with asyncio.timeout(
                self.attempt_until - self.client.clock.monotonic()
            ):
                return await asyncio.to_thread(
                    self.operation.read, answer.response.status_code, answer.body, tell
                )
        except TimeoutError:
            with unchained:
                raise self._unread(answer.response.request) from None
        finally:
            # Observers are called in the event loop's thread alone.
            for field, problem in told:
                self._tell_field(field, problem)

    def _unread(self, request: httpx.Request) -> RequestTimeoutError:
        error = RequestTimeoutError(
            f"{request.method} {request.url.path}: the answer came, but was not read in"
            f" time; {fate_if_lost(request.method)}"
        )
        error.read = self.operation.call.is_read
        return error

    def _tell_field(self, field: str, problem: str) -> None:
        """Notify observers of a field that can't be read, once per client."""
        vendor_call = self.operation.call
        told = self.client.fields_told
        if (vendor_call, field) not in told:
            told.add((vendor_call, field))
            event = FieldUnreadable(
                method=vendor_call.method,
                path=vendor_call.template,
                field=field,
                problem=problem,
            )
            notify(self.client.on_event, event)

    def _tell_retry(self, retry: Retry) -> None:
        vendor_call = self.operation.call
        if retry.pause is None:
            event: BudgetEmpty | RetryScheduled = BudgetEmpty(
                method=vendor_call.method,
                path=vendor_call.template,
                attempt=retry.attempt,
                call=self.call,
            )
        else:
            event = RetryScheduled(
                method=vendor_call.method,
                path=vendor_call.template,
                attempt=retry.attempt,
                attempts=self.policy.attempts,
                pause=retry.pause,
                error=retry.failure,
                call=self.call,
            )
        notify(self.client.on_event, event)

    def _notify_started(self, call: Call, number: int) -> None:
        event = AttemptStarted(
            method=call.method, path=call.path, attempt=number, call=call
        )
        notify(self.client.on_event, event)

    def _notify_answered(
        self,
        call: Call,
        number: int,
        elapsed: float,
        response: httpx.Response | None,
        error: BaseException | None,
    ) -> None:
        event = AttemptAnswered(
            method=call.method,
            path=call.path,
            attempt=number,
            elapsed=elapsed,
            status=None if response is None else response.status_code,
            request_id=None if response is None else request_id_of(response),
            error=error,
            call=call,
        )
        notify(self.client.on_event, event)


def _check_seconds(field: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ConfigurationError(f"{field}: must be a number of seconds above 0")
