"""The keys and tokens the emulated cloud has given out, and whether they hold."""

from collections.abc import Callable
from datetime import UTC, datetime

import attrs

from css_snapshot.emulator.cloud.identifiers import Identifiers
from css_snapshot.emulator.cloud.vendor_errors import VendorError, gateway_error


def iam_time(moment: float) -> str:
    """Write a moment as IAM does, with microseconds and `Z`.

    Args:
        moment: Seconds since the epoch.
    """
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@attrs.frozen(kw_only=True)
class KeyPair:
    """An access key with what belongs to it.

    Attributes:
        access_key: The public half.
        secret_key: The secret half.
        security_token: Set for temporary pairs, which must send it.
        expires_at: Seconds since the epoch, `None` for never.
    """

    access_key: str
    secret_key: str = attrs.field(repr=False)
    security_token: str | None = attrs.field(default=None, repr=False)
    expires_at: float | None = None

    def document(self) -> dict[str, object]:
        """Answer a temporary pair as IAM and the metadata service do."""
        return {
            "credential": {
                "access": self.access_key,
                "secret": self.secret_key,
                "securitytoken": self.security_token,
                "expires_at": iam_time(self.expires_at or 0.0),
            }
        }


@attrs.frozen(kw_only=True)
class IssuedToken:
    """A token IAM has given.

    Attributes:
        text: The token.
        project_id: The project it is for, `None` for none.
        issued_at: Seconds since the epoch.
        expires_at: Seconds since the epoch, `None` for never.
    """

    text: str = attrs.field(repr=False)
    project_id: str | None
    issued_at: float
    expires_at: float | None


class Credentials:
    """All keys and tokens that were given out.

    Args:
        ids: Makes their texts.
        clock: Answers seconds since the epoch.
    """

    def __init__(self, ids: Identifiers, clock: Callable[[], float]) -> None:
        self._ids = ids
        self._clock = clock
        self._pairs: dict[str, KeyPair] = {}
        self._tokens: dict[str, IssuedToken] = {}

    def add_pair(self, access_key: str, secret_key: str) -> KeyPair:
        """Accept a permanent pair of keys."""
        pair = KeyPair(access_key=access_key, secret_key=secret_key)
        self._pairs[access_key] = pair
        return pair

    def temporary_pair(self, seconds: float) -> KeyPair:
        """Give out a temporary pair with its security token.

        Args:
            seconds: How long it is valid.
        """
        pair = KeyPair(
            access_key=self._ids.access_key(),
            secret_key=self._ids.secret(),
            security_token=self._ids.secret(120),
            expires_at=self._clock() + seconds,
        )
        self._pairs[pair.access_key] = pair
        return pair

    def pair(self, access_key: str) -> KeyPair | None:
        """Find a pair by its access key, expired or not."""
        return self._pairs.get(access_key)

    def revoke_pair(self, access_key: str) -> None:
        """Forget a pair, as if someone had deleted it."""
        self._pairs.pop(access_key, None)

    def issue_token(
        self,
        project_id: str | None,
        *,
        seconds: float | None = None,
        text: str | None = None,
    ) -> IssuedToken:
        """Give out a token; earlier ones go on to hold.

        Args:
            project_id: The project it is for, `None` for none.
            seconds: How long it is valid, `None` for ever.
            text: The token, made up if left out.
        """
        now = self._clock()
        token = IssuedToken(
            text=self._ids.secret(160) if text is None else text,
            project_id=project_id,
            issued_at=now,
            expires_at=None if seconds is None else now + seconds,
        )
        self._tokens[token.text] = token
        return token

    def revoke_token(self, text: str) -> None:
        """Let a token expire at once, as a changed password does."""
        token = self._tokens.get(text)
        if token is not None:
            self._tokens[text] = attrs.evolve(token, expires_at=self._clock())

    def check_token(self, text: str) -> IssuedToken | None:
        """Find a token that holds; `None` for one that was never given out.

        Raises:
            VendorError: 401 APIGW.0307 for one that has expired.
        """
        token = self._tokens.get(text)
        if token is not None and self._expired(token.expires_at):
            raise token_expired()
        return token

    def _expired(self, expires_at: float | None) -> bool:
        return expires_at is not None and self._clock() >= expires_at


def token_expired() -> VendorError:
    """Refuse a token that was good once: 401 APIGW.0307."""
    return gateway_error(401, "APIGW.0307", "The token must be updated")
