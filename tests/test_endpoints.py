"""Addresses: of each region the vendor names, and which may be given instead."""

from collections.abc import Callable
from typing import Final

import pytest
from huaweicloudsdkcss.v1.region.css_region import CssRegion
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot import ConfigurationError
from css_snapshot.endpoints import check_endpoint, css_endpoint, iam_endpoint

DISAGREEING: Final = {
    # The vendor's file for CSS is alone in giving this region another domain.
    "eu-west-101": "https://css.eu-west-101.myhuaweicloud.eu",
    # Another company runs this region.
    "ru-moscow-1": "https://css.ru-moscow-1.hc.sbercloud.ru",
}


def _regions_of_the_sdk() -> dict[str, str]:
    return {
        region.id: region.endpoints[0]
        for region in vars(CssRegion).values()
        if hasattr(region, "endpoints")
    }


@pytest.mark.parametrize("region", sorted(_regions_of_the_sdk()))
def test_each_region_of_the_vendors_sdk_has_its_address(region: str) -> None:
    expected = DISAGREEING.get(region, _regions_of_the_sdk()[region])

    assert css_endpoint(region) == expected


@pytest.mark.parametrize(
    ("region", "css", "iam"),
    [
        (
            "cn-north-4",
            "https://css.cn-north-4.myhuaweicloud.com",
            "https://iam.cn-north-4.myhuaweicloud.com",
        ),
        (
            "cn-north-1",
            "https://es.cn-north-1.myhuaweicloud.com",
            "https://iam.cn-north-1.myhuaweicloud.com",
        ),
        (
            "cn-east-2",
            "https://es.cn-east-2.myhuaweicloud.com",
            "https://iam.cn-east-2.myhuaweicloud.com",
        ),
        (
            "eu-west-101",
            "https://css.eu-west-101.myhuaweicloud.eu",
            "https://iam.eu-west-101.myhuaweicloud.eu",
        ),
        (
            "eu-de",
            "https://css.eu-de.otc.t-systems.com",
            "https://iam.eu-de.otc.t-systems.com",
        ),
        (
            "eu-nl",
            "https://css.eu-nl.otc.t-systems.com",
            "https://iam.eu-nl.otc.t-systems.com",
        ),
        (
            "eu-ch2",
            "https://css.eu-ch2.sc.otc.t-systems.com",
            "https://iam-pub.eu-ch2.sc.otc.t-systems.com",
        ),
        (
            "eu-west-0",
            "https://css.eu-west-0.prod-cloud-ocb.orange-business.com",
            "https://iam.eu-west-0.prod-cloud-ocb.orange-business.com",
        ),
        (
            "ru-moscow-1",
            "https://css.ru-moscow-1.hc.sbercloud.ru",
            "https://iam.ru-moscow-1.hc.sbercloud.ru",
        ),
    ],
)
def test_regions_and_their_exceptions(region: str, css: str, iam: str) -> None:
    assert css_endpoint(region) == css
    assert iam_endpoint(region) == iam


@pytest.mark.parametrize(
    "region",
    ["", "cn", "CN-NORTH-4", "cn-north-4/", "cn-north-4.evil.example", "a@b-c", "a--b"],
)
def test_what_is_no_region_never_becomes_a_host(region: str) -> None:
    for endpoint_of in (css_endpoint, iam_endpoint):
        with pytest.raises(ConfigurationError, match="region"):
            endpoint_of(region)


@pytest.mark.parametrize(
    ("endpoint_of", "argument"),
    [(css_endpoint, "CSS_ENDPOINT"), (iam_endpoint, "`iam_endpoint`")],
)
@pytest.mark.parametrize(
    "region", ["ru-moscow-2", "cn-north-99", "eu-west-102", "xx-1"]
)
def test_a_region_that_is_not_known_is_never_guessed(
    endpoint_of: Callable[[str], str], argument: str, region: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        endpoint_of(region)

    message = str(caught.value)
    assert f"region: '{region}' is not known" in message
    assert argument in message
    assert all(known in message for known in _regions_of_the_sdk())


@pytest.mark.parametrize(
    ("endpoint", "checked"),
    [
        ("https://css.example", "https://css.example"),
        ("https://css.example/", "https://css.example"),
        ("https://css.example:8443", "https://css.example:8443"),
        ("https://10.0.0.1", "https://10.0.0.1"),
        ("HTTPS://CSS.example", "https://css.example"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("http://localhost:9000/", "http://localhost:9000"),
        ("http://[::1]:9000", "http://[::1]:9000"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("https://[2001:DB8:0::1]:8443/", "https://[2001:db8::1]:8443"),
    ],
)
def test_an_address_may_be(endpoint: str, checked: str) -> None:
    assert check_endpoint(endpoint) == checked


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "css.example",
        "ftp://css.example",
        "http://css.example",
        "https://",
        "https://user:pa55@css.example",
        "https://css.example/v1.0",
        "https://css.example?x=1",
        "https://css.example#x",
        "https://css.example:99999",
        "https://css .example",
        "https://-css.example",
        "https://[::2",
        "https://2001:db8::1",
        "https://[2001:db8::1%25eth0]",
        "https://[2001:db8::1%eth0]",
        "https://[v1.fe80]",
        "https://[css.example]",
        "http://[2001:db8::1]",
        "https://css.example:pa55",
        "https://cß.example",
    ],
)
def test_an_address_may_not_be(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^endpoint: ") as caught:
        check_endpoint(endpoint)

    assert "pa55" not in str(caught.value)
    assert caught.value.__context__ is None


def test_http_elsewhere_has_to_be_asked_for() -> None:
    insecure = check_endpoint("http://css.example", allow_insecure=True)

    assert insecure == "http://css.example"


@given(st.text(max_size=40))
def test_any_address_is_checked_or_refused_with_our_error(endpoint: str) -> None:
    for candidate in (endpoint, f"https://{endpoint}"):
        try:
            checked = check_endpoint(candidate)
        except ConfigurationError:
            continue
        assert check_endpoint(checked) == checked
