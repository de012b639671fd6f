"""A text that must not be seen: what it refuses to show, and to whom."""

import hmac
from typing import Final, NoReturn, Self

from css_snapshot.errors import ConfigurationError

_SHOWN: Final = "Secret('**********')"
_FIRST_VISIBLE: Final = "!"
_LAST_VISIBLE: Final = "~"


class Secret:
    """A secret that shows itself only when asked by name.

    Its `repr`, `str` and `format` are all the same asterisks, whatever the length.
    It can't be pickled or hashed, has no `__dict__`, never changes, and compares in
    constant time, with other secrets only.

    Args:
        value: The text; blanks and line ends around it are dropped. Visible ASCII
            only, as it will be part of a header.
        field: What the user calls it, for the error message.

    Raises:
        ConfigurationError: It is empty, or holds anything but visible ASCII. The
            message names the field and never quotes the value.
    """

    __slots__ = ("_value",)

    _value: str

    def __init__(self, value: "str | Secret", field: str = "secret") -> None:
        text = value.reveal() if isinstance(value, Secret) else value
        object.__setattr__(self, "_value", visible_ascii(text, field))

    @classmethod
    def verbatim(cls, value: "str | Secret", field: str = "secret") -> Self:
        """Hold a text as it is, such as a password, which never enters a header.

        Args:
            value: Any text but the empty one.
            field: What the user calls it, for the error message.

        Raises:
            ConfigurationError: It is no text, or empty.
        """
        text = value.reveal() if isinstance(value, Secret) else value
        if not isinstance(text, str) or not text:
            raise ConfigurationError(f"{field}: must be a text that is not empty")
        secret = cls.__new__(cls)
        object.__setattr__(secret, "_value", text)
        return secret

    def reveal(self) -> str:
        """Answer the text itself; keep it out of variables that outlive the use."""
        return self._value

    def __repr__(self) -> str:
        return _SHOWN

    def __str__(self) -> str:
        return _SHOWN

    def __format__(self, format_spec: str) -> str:
        return _SHOWN

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(
            self._value.encode("utf-8", "surrogatepass"),
            other._value.encode("utf-8", "surrogatepass"),
        )

    # A hash would tell equal secrets apart from others without `reveal`.
    __hash__ = None  # type: ignore[assignment]  # the documented way to refuse

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a secret does not change")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret can't be pickled or copied into other objects")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret can't be pickled or copied into other objects")


def visible_ascii(value: str, field: str) -> str:
    """Check that a text can be a header's value, and drop the blanks around it.

    Args:
        value: The text.
        field: What the user calls it, for the error message.

    Raises:
        ConfigurationError: It is no text, is empty, or holds a blank, a control or a
            non-ASCII character; the message does not quote it.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{field}: must be text, is {type(value).__name__}")
    text = value.strip()
    if not text:
        raise ConfigurationError(f"{field}: is empty")
    if not all(_FIRST_VISIBLE <= character <= _LAST_VISIBLE for character in text):
        raise ConfigurationError(
            f"{field}: must be visible ASCII, without blanks or line ends inside"
        )
    return text
