"""What a request is signed or sent with, and the callables that provide it."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Protocol, TypeAlias, TypeVar

import attrs

from css_snapshot.auth.secret import Secret, takes_secrets, visible_ascii
from css_snapshot.errors import ConfigurationError

ValueT_co = TypeVar("ValueT_co", covariant=True)


def _access_key(value: str) -> str:
    return visible_ascii(value, "access_key")


def _secret_key(value: str | Secret) -> Secret:
    return Secret(value, "secret_key")


def _security_token(value: str | Secret | None) -> Secret | None:
    return None if value is None else Secret(value, "security_token")


def _token(value: str | Secret) -> Secret:
    return Secret(value, "token")


def _shortened(access_key: str) -> str:
    return repr(f"{access_key[:4]}…")


def _expires_at(value: datetime | None) -> datetime | None:
    if value is not None and value.utcoffset() is None:
        raise ConfigurationError("expires_at: must have a time zone")
    return value


@takes_secrets
@attrs.frozen
class Credentials:
    """An access key, its secret key, and what comes with temporary ones.

    Attributes:
        access_key: The AK: it names the key and is no secret, but is shown shortened.
        secret_key: The SK; a plain text is wrapped.
        security_token: Sent and signed with temporary keys; a plain text is wrapped.
        expires_at: When temporary keys end, aware; `None` if they don't.
        project_id: The project they were found with, if any.

    Raises:
        ConfigurationError: If a key or the token can't be part of a header, or
            `expires_at` has no time zone. The message quotes none of them.
    """

    access_key: str = attrs.field(converter=_access_key, repr=_shortened)
    secret_key: Secret = attrs.field(converter=_secret_key)
    security_token: Secret | None = attrs.field(default=None, converter=_security_token)
    expires_at: datetime | None = attrs.field(default=None, converter=_expires_at)
    project_id: str | None = None


@takes_secrets
@attrs.frozen
class AccessToken:
    """A token that IAM issued.

    Attributes:
        token: The value of `X-Auth-Token`; a plain text is wrapped.
        expires_at: When it ends, aware; `None` if unknown.
        project_id: The project it is good for, if known.

    Raises:
        ConfigurationError: If the token can't be part of a header, or `expires_at`
            has no time zone. The message does not quote the token.
    """

    token: Secret = attrs.field(converter=_token)
    expires_at: datetime | None = attrs.field(default=None, converter=_expires_at)
    project_id: str | None = None


class Provider(Protocol[ValueT_co]):
    """Provides credentials or tokens: any `async def` of this shape is one.

    A plugin calls it once and then only when a renewal is due, one call at a time
    in an event loop; it needs no cache of its own.
    """

    def __call__(self, *, force_refresh: bool = False) -> Awaitable[ValueT_co]:
        """Return credentials, or a token, that are good now.

        Args:
            force_refresh: What was returned before is about to expire, or was
                refused: don't return it from a cache.

        Raises:
            CredentialsNotFoundError: If there are none here; a chain goes on.
            CSSError: If there should be some, but they can't be had.
        """
        ...


CredentialsProvider: TypeAlias = Provider[Credentials]
"""What `AkSkAuth` takes besides fixed credentials."""

TokenProvider: TypeAlias = Provider[AccessToken]
"""What `TokenAuth` takes besides a fixed token."""
