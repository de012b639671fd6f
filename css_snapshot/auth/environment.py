"""Credentials and tokens in environment variables."""

import os
from collections.abc import Mapping

from css_snapshot.auth.credentials import AccessToken, Credentials
from css_snapshot.auth.hints import (
    ACCESS_KEY,
    PROJECT_ID,
    SECRET_KEY,
    SECURITY_TOKEN,
    TOKEN,
    misnamed,
)
from css_snapshot.auth.secret import Secret
from css_snapshot.errors import ConfigurationError, CredentialsNotFoundError


class EnvironmentCredentials:
    """Provides what `HUAWEICLOUD_SDK_AK`, `_SK` and `_SECURITY_TOKEN` contain.

    They are the variables that the vendor's SDKs read. They are read on each call, so
    a changed environment is seen when a renewal is due. An empty variable counts as
    unset.

    Args:
        environ: The variables; by default those of the process.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    async def __call__(
        self,
        *,
        force_refresh: bool = False,  # noqa: ARG002 - nothing is cached here
    ) -> Credentials:
        """Return the credentials; see `CredentialsProvider`."""
        return self.read()

    def read(self) -> Credentials:
        """Return the credentials without an event loop.

        Raises:
            CredentialsNotFoundError: If none of the variables is set.
            ConfigurationError: If some are set, but one that is needed is missing, or
                one can't be part of a header. The message names the variable.
        """
        names = (ACCESS_KEY, SECRET_KEY, SECURITY_TOKEN)
        found = {name: self._secret(name) for name in names if self._is_set(name)}
        if not found:
            raise CredentialsNotFoundError(
                f"environment: neither {ACCESS_KEY} nor {SECRET_KEY} is set"
                f"{misnamed(self._environ)}"
            )
        missing = [name for name in (ACCESS_KEY, SECRET_KEY) if name not in found]
        if missing:
            raise ConfigurationError(
                f"environment: {' and '.join(missing)} not set{misnamed(self._environ)}"
            )
        return Credentials(
            access_key=found[ACCESS_KEY].reveal(),
            secret_key=found[SECRET_KEY],
            security_token=found.get(SECURITY_TOKEN),
            project_id=self._environ.get(PROJECT_ID, "").strip() or None,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def _is_set(self, name: str) -> bool:
        return bool(self._environ.get(name, "").strip())

    def _secret(self, name: str) -> Secret:
        return Secret(self._environ[name], name)


class EnvironmentToken:
    """Provides the token in `HUAWEICLOUD_SDK_TOKEN`, for `TokenAuth`.

    Args:
        environ: The variables; by default those of the process.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    async def __call__(
        self,
        *,
        force_refresh: bool = False,  # noqa: ARG002 - nothing is cached here
    ) -> AccessToken:
        """Return the token; see `TokenProvider`.

        Raises:
            CredentialsNotFoundError: If the variable is not set.
            ConfigurationError: If the token can't be part of a header.
        """
        if not self.is_set:
            raise CredentialsNotFoundError(f"environment: {TOKEN} is not set")
        return AccessToken(
            Secret(self._environ[TOKEN], TOKEN),
            project_id=self._environ.get(PROJECT_ID, "").strip() or None,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    @property
    def is_set(self) -> bool:
        """Whether there is a token."""
        return bool(self._environ.get(TOKEN, "").strip())
