"""Several places where credentials may be, asked in order."""

from typing import Final

from css_snapshot.auth.credentials import Credentials, CredentialsProvider
from css_snapshot.auth.environment import EnvironmentCredentials
from css_snapshot.auth.profile import ProfileCredentials
from css_snapshot.errors import CredentialsNotFoundError

_NOWHERE: Final = "no credentials found"


class CredentialsChain:
    """Provides what the first of several providers has.

    A provider that has none is passed over. One that is set up by half, or fails, ends
    the search with its error: going on would sign with a key that nobody meant.

    Args:
        providers: In the order they are asked; by default the environment and the
            profile file. The metadata service is asked only if named here.
    """

    def __init__(self, *providers: CredentialsProvider) -> None:
        self._providers = providers or (EnvironmentCredentials(), ProfileCredentials())

    async def __call__(self, *, force_refresh: bool = False) -> Credentials:
        """Answer the first credentials there are; see `CredentialsProvider`.

        Raises:
            CredentialsNotFoundError: No provider has any; the message says what each
                of them looked at.
        """
        looked: list[str] = []
        for provider in self._providers:
            try:
                return await provider(force_refresh=force_refresh)
            except CredentialsNotFoundError as absent:
                looked.append(str(absent))
        raise CredentialsNotFoundError(f"{_NOWHERE}: {'; '.join(looked)}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._providers!r}"
