"""Credentials in the environment variables that the vendor's SDKs read."""

import os
from collections.abc import Mapping

from css_snapshot.auth.credentials import Credentials
from css_snapshot.errors import ConfigurationError, CredentialsNotFoundError

ACCESS_KEY = "HUAWEICLOUD_SDK_AK"
SECRET_KEY = "HUAWEICLOUD_SDK_SK"  # noqa: S105 - the name of a variable
SECURITY_TOKEN = "HUAWEICLOUD_SDK_SECURITY_TOKEN"  # noqa: S105 - the name of a variable
PROJECT_ID = "HUAWEICLOUD_SDK_PROJECT_ID"


class EnvironmentCredentials:
    """Provides what `HUAWEICLOUD_SDK_AK`, `_SK` and `_SECURITY_TOKEN` hold.

    The variables are read on each call, so a changed environment is seen when a
    renewal is due. An empty variable counts as unset.

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
        """Answer the credentials; see `CredentialsProvider`."""
        return self.read()

    def read(self) -> Credentials:
        """Answer the credentials without an event loop.

        Raises:
            CredentialsNotFoundError: None of the variables is set.
            ConfigurationError: Some are set, but one that is needed is missing.
        """
        found = {
            name: value
            for name in (ACCESS_KEY, SECRET_KEY, SECURITY_TOKEN, PROJECT_ID)
            if (value := self._environ.get(name, "").strip())
        }
        if not found.keys() - {PROJECT_ID}:
            raise CredentialsNotFoundError(
                f"environment: neither {ACCESS_KEY} nor {SECRET_KEY} is set"
            )
        missing = [name for name in (ACCESS_KEY, SECRET_KEY) if name not in found]
        if missing:
            raise ConfigurationError(f"environment: {' and '.join(missing)} not set")
        return Credentials(
            access_key=found[ACCESS_KEY],
            secret_key=found[SECRET_KEY],
            security_token=found.get(SECURITY_TOKEN),
            project_id=found.get(PROJECT_ID),
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
