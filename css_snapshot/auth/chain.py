"""Several places where credentials may be, asked in order."""

from collections.abc import Mapping
from typing import Self

from css_snapshot.auth.credentials import Credentials, CredentialsProvider
from css_snapshot.auth.environment import EnvironmentCredentials
from css_snapshot.auth.metadata import MetadataCredentials
from css_snapshot.auth.profile import ProfileCredentials
from css_snapshot.auth.workload_identity import WorkloadIdentityCredentials
from css_snapshot.errors import CredentialsNotFoundError


class CredentialsChain:
    """Provides what the first of several providers has.

    A provider that has none is passed over. One that is set up by half, or fails, ends
    the search with its error: going on would sign with a key that nobody meant.

    Args:
        *providers: In the order they are asked; by default the environment and the
            profile file. The metadata service is asked only if named here.
    """

    def __init__(self, *providers: CredentialsProvider) -> None:
        self._providers = providers or (EnvironmentCredentials(), ProfileCredentials())

    @classmethod
    def of_machine(
        cls, environ: Mapping[str, str] | None = None, *, region: str | None = None
    ) -> Self:
        """Return the chain of all places where a machine may have credentials.

        These are, in this order: the ID token of a workload, the environment, the
        profile file, and the metadata service of an ECS instance.
        `SnapshotService.from_env` and the command line use this chain.

        Args:
            environ: The variables; by default those of the process.
            region: Where the ID token of a workload is exchanged.
        """
        return cls(
            WorkloadIdentityCredentials(region=region, environ=environ),
            EnvironmentCredentials(environ),
            ProfileCredentials(environ=environ),
            MetadataCredentials(),
        )

    async def __call__(self, *, force_refresh: bool = False) -> Credentials:
        """Return the first credentials there are; see `CredentialsProvider`.

        Raises:
            CredentialsNotFoundError: If no provider has any; the message says what
                each of them looked at.
        """
        looked: list[str] = []
        for provider in self._providers:
            try:
                return await provider(force_refresh=force_refresh)
            except CredentialsNotFoundError as absent:
                looked.append(str(absent))
        raise CredentialsNotFoundError(f"no credentials found: {'; '.join(looked)}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._providers!r}"
