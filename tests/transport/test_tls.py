import hashlib
import os
import ssl
import subprocess
from pathlib import Path

import certifi
import certifi.core
import pytest
import trustme

from css_snapshot.errors import ConfigurationError
from css_snapshot.transport.tls import TlsContexts, usual_context


@pytest.fixture
def pem(authority: trustme.CA, tmp_path: Path) -> Path:
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


@pytest.fixture
def hashed(pem: Path) -> Path:
    """Make a directory as `openssl rehash` leaves it."""
    directory = pem.parent / "hashed"
    directory.mkdir()
    done = subprocess.run(  # noqa: S603  # our own file
        ["openssl", "x509", "-hash", "-noout", "-in", str(pem)],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    (directory / f"{done.stdout.strip()}.0").write_bytes(pem.read_bytes())
    return directory


def _trusted(context: ssl.SSLContext) -> set[str]:
    return {
        hashlib.sha256(der).hexdigest()
        for der in context.get_ca_certs(binary_form=True)
    }


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_the_environment_s_file_is_what_is_trusted(
    monkeypatch: pytest.MonkeyPatch, pem: Path, variable: str
) -> None:
    monkeypatch.setattr(certifi, "where", certifi.core.where)
    monkeypatch.setenv(variable, str(pem))

    assert len(_trusted(usual_context(trust_env=True))) == 1
    assert len(_trusted(usual_context(trust_env=False))) > 50


@pytest.mark.parametrize(
    ("variable", "before"),
    [
        ("SSL_CERT_DIR", ""),
        ("SSL_CERT_DIR", f"/no/such{os.pathsep}"),
        ("REQUESTS_CA_BUNDLE", ""),
    ],
)
def test_the_environment_s_directory_may_be_one_of_several(
    monkeypatch: pytest.MonkeyPatch, hashed: Path, variable: str, before: str
) -> None:
    monkeypatch.setenv(variable, f"{before}{hashed}")

    # OpenSSL looks into a directory when it meets a certificate, and not before.
    assert _trusted(usual_context(trust_env=True)) == set()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize(
    "content", [None, b"", b"not a certificate", b"\xff\x00", b"-----BEGIN CERTIFI"]
)
def test_a_file_that_is_missing_or_no_certificate_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str,
    content: bytes | None,
) -> None:
    file = tmp_path / "bundle.pem"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv(variable, str(file))

    with pytest.raises(ConfigurationError) as caught:
        usual_context(trust_env=True)

    assert f"{variable}: {str(file)!r}" in str(caught.value)


def test_a_directory_is_no_file_of_certificates(
    monkeypatch: pytest.MonkeyPatch, hashed: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(hashed))

    with pytest.raises(ConfigurationError, match="is not a file of certificates"):
        usual_context(trust_env=True)


@pytest.mark.parametrize("name", ["a-file", "missing", "empty", "unhashed", "junk"])
def test_a_directory_without_certificates_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, pem: Path, name: str
) -> None:
    directory = pem if name == "a-file" else pem.parent / name
    if name in {"empty", "unhashed", "junk"}:
        directory.mkdir()
    if name == "unhashed":
        (directory / "ca.pem").write_bytes(pem.read_bytes())
    if name == "junk":
        (directory / "01234567.0").write_bytes(b"junk")
    monkeypatch.setenv("SSL_CERT_DIR", str(directory))

    with pytest.raises(ConfigurationError) as caught:
        usual_context(trust_env=True)

    assert f"SSL_CERT_DIR: {str(directory)!r}" in str(caught.value)


def test_the_first_variable_that_is_set_decides(
    monkeypatch: pytest.MonkeyPatch, pem: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such.pem")

    assert len(_trusted(usual_context(trust_env=True))) == 1


def test_control_characters_in_a_path_are_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/\x1b[31m\nsuch.pem")

    with pytest.raises(ConfigurationError) as caught:
        usual_context(trust_env=True)

    assert str(caught.value).isprintable()


def test_a_given_context_is_used_where_tls_is_spoken_and_nobody_is_trusted_elsewhere() -> (
    None
):
    given = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    contexts = TlsContexts(given, trust_env=True)

    plain = contexts.for_hops("http", None)

    assert contexts.for_hops("https", None) is given
    assert contexts.for_hops("http", None) is plain
    assert plain is not given
    assert _trusted(plain) == set()
    assert (plain.verify_mode, plain.check_hostname) == (ssl.CERT_REQUIRED, True)
