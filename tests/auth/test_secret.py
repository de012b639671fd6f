import copy
import json
import pickle
import traceback

import pytest

from css_snapshot.auth import AccessToken, Credentials, Secret
from css_snapshot.errors import ConfigurationError

VALUE = "sk-0123456789-very-secret"
SHOWN = "Secret('**********')"


def test_every_way_of_showing_it_shows_asterisks() -> None:
    secret = Secret(VALUE)

    shown = {repr(secret), str(secret), f"{secret}", f"{secret:>80}", f"{secret!r}"}
    shown.add("%s" % secret)  # noqa: UP031 - one more way of showing

    assert shown == {SHOWN}


def test_its_length_does_not_show() -> None:
    assert repr(Secret("a")) == repr(Secret("a" * 100))


def test_reveal_answers_the_text() -> None:
    assert Secret(VALUE).reveal() == VALUE


def test_it_has_no_dict_and_takes_no_attributes() -> None:
    secret = Secret(VALUE)

    assert not hasattr(secret, "__dict__")
    with pytest.raises(AttributeError, match=r"does not change"):
        secret._value = "other"
    with pytest.raises(AttributeError, match=r"does not change"):
        del secret._value
    assert secret.reveal() == VALUE


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "holder",
    [Secret(VALUE), Credentials("AK", VALUE), AccessToken(VALUE), [Secret(VALUE)]],
    ids=["secret", "credentials", "token", "list"],
)
def test_pickling_is_refused_with_a_reason(holder: object, protocol: int) -> None:
    with pytest.raises(TypeError, match=r"a secret can't be pickled"):
        pickle.dumps(holder, protocol)


def test_its_state_can_not_be_taken() -> None:
    with pytest.raises(TypeError, match=r"a secret can't be pickled"):
        Secret(VALUE).__getstate__()
    with pytest.raises(TypeError):
        json.dumps(Secret(VALUE))


def test_a_copy_is_the_secret_itself() -> None:
    secret = Secret(VALUE)

    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_it_equals_an_equal_secret_and_nothing_else() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret(VALUE + "x")
    assert Secret(VALUE) != VALUE
    assert Secret.verbatim("\udc80") != Secret.verbatim("é")


def test_it_can_not_be_hashed() -> None:
    with pytest.raises(TypeError, match=r"unhashable"):
        hash(Secret(VALUE))


def test_a_secret_made_of_a_secret_is_equal() -> None:
    assert Secret(Secret(VALUE)) == Secret(VALUE)
    assert Secret.verbatim(Secret(VALUE)) == Secret(VALUE)


@pytest.mark.parametrize("around", [" {} ", "\n{}\r\n", "\t{}"])
def test_blanks_around_it_are_dropped(around: str) -> None:
    assert Secret(around.format(VALUE)).reveal() == VALUE


@pytest.mark.parametrize(
    "bad",
    [
        "AAAA\rBBBB",
        "AAAA\nX-Evil: BBBB",
        "AAAA\0BBBB",
        "AAAA BBBB",
        "AAAA\x7fBBBB",
        "AAAAéBBBB",
        "AAAA\udc80BBBB",
    ],
)
def test_what_can_not_be_a_header_is_refused_without_being_quoted(bad: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^secret_key: ") as caught:
        Credentials("AK", bad)

    told = "".join(traceback.format_exception(caught.value))
    assert "AAAA" not in told
    assert caught.value.__context__ is None
    assert not any("AAAA" in str(argument) for argument in caught.value.args)


@pytest.mark.parametrize("nothing", ["", "  ", "\n"])
def test_an_empty_secret_is_refused(nothing: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^token: is empty$"):
        AccessToken(nothing)


def test_what_is_no_text_is_refused_by_its_type_alone() -> None:
    with pytest.raises(ConfigurationError, match=r"^secret: must be text, is bytes$"):
        Secret(VALUE.encode())  # type: ignore[arg-type]  # the mistake under test


def test_verbatim_keeps_blanks_and_any_character() -> None:
    assert Secret.verbatim(" pä ss\n").reveal() == " pä ss\n"


@pytest.mark.parametrize("nothing", ["", None, 5])
def test_verbatim_refuses_what_is_no_text(nothing: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^password: must be a text"):
        Secret.verbatim(nothing, "password")  # type: ignore[arg-type]  # the mistake under test
