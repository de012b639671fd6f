"""A text that must not be seen, and classes that are made of such texts."""

import functools
import hmac
from typing import Any, Final, NoReturn, Self, TypeVar

from css_snapshot.errors import ConfigurationError, unchained

KindT = TypeVar("KindT", bound=type)

_SHOWN: Final = "Secret('**********')"
_FIRST_VISIBLE: Final = "!"
_LAST_VISIBLE: Final = "~"
_QUOTES: Final = ("'", '"')


def takes_secrets(kind: KindT) -> KindT:
    """Keep the arguments of a class's constructor out of tracebacks.

    A constructor that refuses its arguments would leave them in the frames of its
    error, where error trackers and `traceback` with `capture_locals` show them. It
    would leave the half-made object there too, whose `repr` may fail.
    """
    make = kind.__dict__["__init__"]

    @functools.wraps(make)
    def hiding(*args: Any, **options: Any) -> None:
        try:
            make(*args, **options)
        except Exception as error:  # noqa: BLE001 - it is raised again
            del args, options
            with unchained:
                raise error.with_traceback(None) from None

    type.__setattr__(kind, "__init__", hiding)
    return kind


@takes_secrets
class Secret:
    """A secret that shows itself only when asked by name.

    Its `repr`, `str` and `format` are all the same asterisks, whatever the length.
    It can't be pickled or hashed, has no `__dict__`, never changes, and compares in
    constant time, with other secrets only.

    Args:
        value: The text; whitespace around it is dropped. Visible ASCII only, as it
            will be part of a header.
        field: The user's name for it, for the error message.

    Raises:
        ConfigurationError: If `value` is empty, quoted, or contains anything but
            visible ASCII. The message names the field and never quotes the value.
    """

    __slots__ = ("_value",)

    _value: str

    def __init__(self, value: "str | Secret", field: str = "secret") -> None:
        text = value.reveal() if isinstance(value, Secret) else value
        object.__setattr__(self, "_value", visible_ascii(text, field))

    @classmethod
    def verbatim(cls, value: "str | Secret", field: str = "secret") -> Self:
        """Keep a text as it is, such as a password, which never enters a header.

        Args:
            value: Any text but the empty one.
            field: The user's name for it, for the error message.

        Raises:
            ConfigurationError: If `value` is no text, or empty.
        """
        text = value.reveal() if isinstance(value, Secret) else value
        if not isinstance(text, str) or not text:
            del value, text
            raise ConfigurationError(f"{field}: must be a text that is not empty")
        secret = cls.__new__(cls)
        object.__setattr__(secret, "_value", text)
        return secret

    def reveal(self) -> str:
        """Return the text itself; keep it out of variables that outlive the use."""
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
    """Check that a text can be a header's value, and drop the whitespace around it.

    Args:
        value: The text.
        field: The user's name for it, for the error message.

    Raises:
        ConfigurationError: If `value` is no text, is empty or quoted, or contains
            whitespace, a control character or a character that is not ASCII. The
            message does not quote it.
    """
    fault = _fault(value)
    if fault:
        del value
        raise ConfigurationError(f"{field}: {fault}")
    return value.strip()


def _fault(value: object) -> str:
    if not isinstance(value, str):
        return f"must be text, is {type(value).__name__}"
    text = value.strip()
    if not text:
        return "is empty"
    if text.startswith(_QUOTES) or text.endswith(_QUOTES):
        return "begins or ends with a quotation mark; remove the quotes around it"
    if not all(_FIRST_VISIBLE <= character <= _LAST_VISIBLE for character in text):
        return "must be visible ASCII and must not contain whitespace"
    return ""
