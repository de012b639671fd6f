"""The keys and tokens the emulated cloud has given out, and whether they hold."""

from collections.abc import Callable, Iterable, MutableMapping
from datetime import UTC, datetime
from typing import Final, TypeVar

import attrs

from css_snapshot.emulator.cloud.identifiers import Identifiers
from css_snapshot.emulator.cloud.vendor_errors import VendorError, gateway_error

_MOST: Final = 10_000
V = TypeVar("V")


def iam_time(moment: float) -> str:
    """Return a moment as IAM writes it, with microseconds and `Z`.

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
        """Return a temporary pair as IAM and the metadata service do."""
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
        user_id: Id of the user or agency it was given to.
        user_name: Their name.
        methods: How they proved who they are.
    """

    text: str = attrs.field(repr=False)
    project_id: str | None
    issued_at: float
    expires_at: float | None
    user_id: str = "emulator-user"
    user_name: str = "emulator-user"
    methods: tuple[str, ...] = ("password",)


class Credentials:
    """All keys and tokens that were given out; of temporary ones the latest 10,000.

    Args:
        ids: Makes their texts.
        clock: Returns seconds since the epoch.
    """

    def __init__(self, ids: Identifiers, clock: Callable[[], float]) -> None:
        self._ids = ids
        self._clock = clock
        self._pairs: dict[str, KeyPair] = {}
        self._tokens: dict[str, IssuedToken] = {}

    def add_pair(self, access_key: str, secret_key: str) -> KeyPair:
        """Accept a permanent pair of keys, and return it."""
        pair = KeyPair(access_key=access_key, secret_key=secret_key)
        self._pairs[access_key] = pair
        return pair

    def temporary_pair(self, seconds: float) -> KeyPair:
        """Return a new temporary pair with its security token.

        Args:
            seconds: How long it is valid.
        """
        pair = KeyPair(
            access_key=self._ids.access_key(),
            secret_key=self._ids.secret(),
            security_token=self._ids.secret(120),
            expires_at=self._clock() + seconds,
        )
        temporary = (key for key, old in self._pairs.items() if old.security_token)
        drop_oldest(self._pairs, temporary)
        self._pairs[pair.access_key] = pair
        return pair

    def pair(self, access_key: str) -> KeyPair | None:
        """Return a pair by its access key, expired or not."""
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
        user: tuple[str, str] = ("emulator-user", "emulator-user"),
        methods: tuple[str, ...] = ("password",),
    ) -> IssuedToken:
        """Return a new token; earlier ones go on to hold.

        Args:
            project_id: The project it is for, `None` for none.
            seconds: How long it is valid, `None` for ever.
            text: The token, made up if left out.
            user: Id and name of the user or agency it is given to.
            methods: How they proved who they are.
        """
        now = self._clock()
        token = IssuedToken(
            text=self._ids.secret(160) if text is None else text,
            project_id=project_id,
            issued_at=now,
            expires_at=None if seconds is None else now + seconds,
            user_id=user[0],
            user_name=user[1],
            methods=methods,
        )
        passing = (key for key, old in self._tokens.items() if old.expires_at)
        drop_oldest(self._tokens, passing)
        self._tokens[token.text] = token
        return token

    def revoke_token(self, text: str) -> None:
        """Let a token expire at once, as a changed password does."""
        token = self._tokens.get(text)
        if token is not None:
            self._tokens[text] = attrs.evolve(token, expires_at=self._clock())

    def check_token(self, text: str) -> IssuedToken | None:
        """Return a token that holds, `None` for one that was never given out.

        Raises:
            VendorError: 401 APIGW.0307 for a token that has expired.
        """
        token = self._tokens.get(text)
        if token is not None and self._has_expired(token.expires_at):
            raise token_expired()
        return token

    def _has_expired(self, expires_at: float | None) -> bool:
        return expires_at is not None and self._clock() >= expires_at


def drop_oldest(given_out: MutableMapping[str, V], temporary: Iterable[str]) -> None:
    """Forget the oldest temporary thing given out if there are 10,000 things already.

    Args:
        given_out: What was given out, oldest first.
        temporary: The keys of what may be forgotten, oldest first.
    """
    oldest = next(iter(temporary), None)
    if len(given_out) >= _MOST and oldest is not None:
        del given_out[oldest]


def token_expired() -> VendorError:
    """Return the refusal of a token that was good once: 401 APIGW.0307."""
    return gateway_error(401, "APIGW.0307", "The token must be updated")
