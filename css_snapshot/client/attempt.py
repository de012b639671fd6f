"""One attempt: authenticated, under a time limit, with its sending accounted for."""

import asyncio
from http import HTTPStatus

import attrs
import httpx

from css_snapshot.api.operations import MAX_BODY
from css_snapshot.client.exchange import Answer, fetch
from css_snapshot.errors import CSSError, RequestTimeoutError
from css_snapshot.transport.failures import fate_if_lost


async def attempt(
    request: httpx.Request,
    auth: httpx.Auth,
    transport: httpx.AsyncBaseTransport,
    limit: float,
    most: int = MAX_BODY,
) -> Answer:
    """Authenticate a request, send it, and read the whole answer.

    Args:
        request: The request, without credentials.
        auth: Adds them, and may send again with fresh ones.
        transport: Carries the request.
        limit: Wall-clock limit of all that, in seconds.
        most: How many bytes of the decoded answer are read.

    Raises:
        RequestTimeoutError: If the limit passed; `.sent` is `False` if the transport
            was not given the request by then.
        CSSError: As `exchange` raises it, or `auth`.
    """
    sending = _Sending(request, most)
    timeout = asyncio.timeout(limit)
    try:
        # A limit in the past would still let the first bytes out.
        if limit > 0:
            async with timeout:
                return await sending.run(auth, transport)
    except CSSError as exc:
        if not sending.begun:
            exc.sent = False
        raise
    except TimeoutError:
        # A provider's own `TimeoutError` is not ours.
        if not timeout.expired():
            raise
    # Outside the handler, so that nothing of the interrupted transport, which holds
    # the signed request, stays reachable as this error's context.
    fate = fate_if_lost(request.method) if sending.begun else "the request was not sent"
    raise RequestTimeoutError(
        f"{request.method} {request.url.path}: no answer within"
        f" {max(limit, 0.0):g} s; {fate}",
        sent=None if sending.begun else False,
    )


@attrs.define
class _Sending:
    """An auth flow being driven, and whether the transport was given the request."""

    request: httpx.Request
    most: int
    begun: bool = False

    async def run(
        self, auth: httpx.Auth, transport: httpx.AsyncBaseTransport
    ) -> Answer:
        flow = auth.async_auth_flow(self.request)
        try:
            outgoing = await anext(flow)
            while True:
                self.begun = True
                answer = await fetch(transport, outgoing, self.most)
                # Turned away: what fails from here on, such as a renewal of the
                # credentials, fails before the request is carried out.
                self.begun = answer.response.status_code != HTTPStatus.UNAUTHORIZED
                try:
                    outgoing = await flow.asend(answer.response)
                except StopAsyncIteration:
                    return answer
        finally:
            await flow.aclose()
