"""Clients of the floor below the service, for tests of workflows."""

import httpx

from css_snapshot.auth import TokenAuth
from css_snapshot.client.api_client import ApiClient, Limits
from css_snapshot.client.request import RequestBuilder
from css_snapshot.clock import Clock
from css_snapshot.events import Observer
from css_snapshot.retry import RetryPolicy


def api_client(
    transport: httpx.AsyncBaseTransport,
    clock: Clock | None = None,
    *,
    retry: RetryPolicy | None = None,
    timeout: float = 30.0,
    deadline: float | None = None,
    on_event: Observer | None = None,
    endpoint: str = "https://css.example.com",
    auth: httpx.Auth | None = None,
    project_id: str | None = "project",
) -> ApiClient:
    """Return a client over a transport, with no pauses between attempts by default."""
    return ApiClient(
        auth=auth or TokenAuth("token"),
        transport=transport,
        requests=RequestBuilder(endpoint, language="en-us"),
        project_id=project_id,
        limits=Limits(
            timeout=timeout,
            deadline=deadline,
            retry=retry or RetryPolicy(random=lambda: 0.0),
        ),
        on_event=on_event,
        clock=clock or Clock(),
    )
