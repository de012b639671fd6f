"""Plugins that authenticate requests, and what plugin authors can rely on.

A plugin is an `httpx.Auth`, unmodified: ours work in any `httpx.AsyncClient` and with
any service of Huawei Cloud, and any `httpx.Auth` of yours works here. Without a class,
a plugin is one `async def` that returns credentials or a token: pass it to `AkSkAuth`
or `TokenAuth`, which keep what it returns and call it again in time.

The contract of a plugin:

1. You get a complete request: final address and query, `Host`, the bytes of the body
   (with `requires_request_body = True`). You get it once per attempt, so what you
   stamp on it is never sent twice; what an earlier attempt left is overwritten.
2. You add headers, and yield the request once. You may yield it a second time after
   a 401, if you have got something new to send it with; more never.
3. You do not retry, sleep, or look at 400, 403 or 500 (but for a code that means what
   401 means). You do not change method, address or body, and keep nothing about a
   request on `self`: one object serves many tasks at a time.
4. I/O or waiting belongs into `async_auth_flow`. Get what you need by `await` before
   the `yield`: a lock held across a `yield` stays locked when the request is cancelled.
5. Secrets stay out of `repr`, logs and exceptions; `Secret` does that for you.
6. What you can't get, you say with an error of `css_snapshot.errors`. An error raised
   from a plugin means that the request was not carried out.

`tests/auth/test_contract.py` checks this for every plugin it is given.
"""

from css_snapshot.auth.agency import AgencyAuth
from css_snapshot.auth.aksk import AkSkAuth
from css_snapshot.auth.chain import CredentialsChain
from css_snapshot.auth.credentials import (
    AccessToken,
    Credentials,
    CredentialsProvider,
    TokenProvider,
)
from css_snapshot.auth.environment import EnvironmentCredentials, EnvironmentToken
from css_snapshot.auth.metadata import MetadataCredentials
from css_snapshot.auth.password import PasswordAuth
from css_snapshot.auth.profile import ProfileCredentials
from css_snapshot.auth.redaction import TokenRedaction
from css_snapshot.auth.secret import Secret
from css_snapshot.auth.signing import sign
from css_snapshot.auth.token import TokenAuth
from css_snapshot.auth.workload_identity import WorkloadIdentityCredentials
from css_snapshot.errors import CredentialsNotFoundError

__all__ = [
    "AccessToken",
    "AgencyAuth",
    "AkSkAuth",
    "Credentials",
    "CredentialsChain",
    "CredentialsNotFoundError",
    "CredentialsProvider",
    "EnvironmentCredentials",
    "EnvironmentToken",
    "MetadataCredentials",
    "PasswordAuth",
    "ProfileCredentials",
    "Secret",
    "TokenAuth",
    "TokenProvider",
    "TokenRedaction",
    "WorkloadIdentityCredentials",
    "sign",
]
