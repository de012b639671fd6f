import pytest
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot.transport.no_proxy import NoProxy


@pytest.mark.parametrize(
    ("entries", "host", "port"),
    [
        ("css.example", "css.example", 443),
        ("CSS.Example", "css.example", 443),
        ("css.example", "CSS.EXAMPLE.", 443),
        ("css.example.", "css.example", 443),
        ("example", "css.example", 443),
        (".example", "css.example", 443),
        (".example", "example", 443),
        ("*.example.com", "css.example.com", 443),
        ("*.example.com", "a.b.example.com", 443),
        ("*", "css.example", 443),
        ("a,*", "css.example", 443),
        ("*", "fd00::5", 443),
        ("css.example:443", "css.example", 443),
        ("*.example:8443", "css.example", 8443),
        ("a, css.example ,b", "css.example", 443),
        ("a css.example\tb", "css.example", 443),
        ("10.0.0.0/8", "10.1.2.3", 443),
        ("10.1.2.0/8", "10.250.0.1", 443),
        ("10.1.2.3", "10.1.2.3", 443),
        ("10.1.2.3:443", "10.1.2.3", 443),
        ("10.1.*", "10.1.2.3", 443),
        ("fd00::5", "fd00::5", 443),
        ("[fd00::5]", "fd00::5", 443),
        ("[FD00::5]", "[fd00::5]", 443),
        ("[fd00::5]:443", "fd00::5", 443),
        ("fd00:0:0::5", "fd00::5", 443),
        ("fd00::/8", "fd12::1", 443),
        ("[fd00::]/8", "fd12::1", 443),
    ],
)
def test_a_host_is_covered_by(entries: str, host: str, port: int) -> None:
    assert NoProxy.parse(entries).covers(host, port)


@pytest.mark.parametrize(
    ("entries", "host", "port"),
    [
        ("", "css.example", 443),
        (" , ,", "css.example", 443),
        ("other.example", "css.example", 443),
        ("css.example", "xcss.example", 443),
        ("css.example", "css.example.evil", 443),
        ("css.example:8443", "css.example", 443),
        ("*.example.com", "example.com", 443),
        ("*.example.com", "xexample.com", 443),
        ("10.0.0.0/8", "11.1.2.3", 443),
        ("10.0.0.0/8", "10.example", 443),
        ("10.0.0.0/99", "10.1.2.3", 443),
        ("10.1.2.3", "10.1.2.30", 443),
        ("[fd00::5]:8443", "fd00::5", 443),
        ("fd00::/8", "10.1.2.3", 443),
        ("[fd00::5", "css.example", 443),
        ("fd00::5", "css.example", 443),
        (".", "css.example", 443),
        (":443", "css.example", 443),
    ],
)
def test_a_host_is_not_covered_by(entries: str, host: str, port: int) -> None:
    assert not NoProxy.parse(entries).covers(host, port)


@given(st.text(max_size=30), st.text(max_size=20))
def test_any_value_is_read(entries: str, host: str) -> None:
    assert NoProxy.parse(entries).covers(host, 443) in {True, False}
