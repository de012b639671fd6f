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

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # isort: off
    from css_snapshot.auth.agency import (
        AgencyAuth as AgencyAuth,
    )
    from css_snapshot.auth.aksk import (
        AkSkAuth as AkSkAuth,
    )
    from css_snapshot.auth.chain import (
        CredentialsChain as CredentialsChain,
    )
    from css_snapshot.auth.credentials import (
        AccessToken as AccessToken,
        Credentials as Credentials,
        CredentialsProvider as CredentialsProvider,
        TokenProvider as TokenProvider,
    )
    from css_snapshot.auth.environment import (
        EnvironmentCredentials as EnvironmentCredentials,
        EnvironmentToken as EnvironmentToken,
    )
    from css_snapshot.auth.metadata import (
        MetadataCredentials as MetadataCredentials,
    )
    from css_snapshot.auth.password import (
        PasswordAuth as PasswordAuth,
    )
    from css_snapshot.auth.profile import (
        ProfileCredentials as ProfileCredentials,
    )
    from css_snapshot.auth.redaction import (
        TokenRedaction as TokenRedaction,
    )
    from css_snapshot.auth.secret import (
        Secret as Secret,
    )
    from css_snapshot.auth.signing import (
        sign as sign,
    )
    from css_snapshot.auth.token import (
        TokenAuth as TokenAuth,
    )
    from css_snapshot.auth.workload_identity import (
        WorkloadIdentityCredentials as WorkloadIdentityCredentials,
    )
    from css_snapshot.errors import (
        CredentialsNotFoundError as CredentialsNotFoundError,
    )
else:
    from css_snapshot.lazy import lazy_names

    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "css_snapshot.auth.agency": ("AgencyAuth",),
            "css_snapshot.auth.aksk": ("AkSkAuth",),
            "css_snapshot.auth.chain": ("CredentialsChain",),
            "css_snapshot.auth.credentials": (
                "AccessToken",
                "Credentials",
                "CredentialsProvider",
                "TokenProvider",
            ),
            "css_snapshot.auth.environment": (
                "EnvironmentCredentials",
                "EnvironmentToken",
            ),
            "css_snapshot.auth.metadata": ("MetadataCredentials",),
            "css_snapshot.auth.password": ("PasswordAuth",),
            "css_snapshot.auth.profile": ("ProfileCredentials",),
            "css_snapshot.auth.redaction": ("TokenRedaction",),
            "css_snapshot.auth.secret": ("Secret",),
            "css_snapshot.auth.signing": ("sign",),
            "css_snapshot.auth.token": ("TokenAuth",),
            "css_snapshot.auth.workload_identity": ("WorkloadIdentityCredentials",),
            "css_snapshot.errors": ("CredentialsNotFoundError",),
        },
    )
