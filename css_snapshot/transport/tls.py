"""TLS settings, made when the first origin that needs them is met."""

import os
import re
import ssl
from pathlib import Path
from typing import Final

import httpx

from css_snapshot.errors import ConfigurationError
from css_snapshot.transport.proxies import Proxy

_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_HASHED_NAME: Final = re.compile(r"[0-9a-f]{8}\.\d+")


class TlsContexts:
    """The TLS contexts of one transport, each made once, on first use.

    Making one reads and parses the certificates of about 150 authorities, which takes
    longer than all else that a service does before its first request.

    Args:
        given: A context to use instead of one of our own.
        trust_env: Whether the environment may name certificates.
    """

    def __init__(self, given: ssl.SSLContext | None, *, trust_env: bool) -> None:
        self._trusting = given
        self._trust_env = trust_env
        self._untrusting: ssl.SSLContext | None = None

    def for_hops(self, scheme: str, proxy: Proxy | None) -> ssl.SSLContext:
        """Return the context for the way to an origin.

        Where neither the origin nor its proxy speaks TLS, the context trusts nobody:
        httpx wants one even if it never needs it.

        Args:
            scheme: The origin's.
            proxy: The proxy on the way, if any.

        Raises:
            ConfigurationError: If the certificates that the environment names can't be
                used.
        """
        if "https" in {scheme, proxy and proxy.scheme}:
            if self._trusting is None:
                self._trusting = usual_context(trust_env=self._trust_env)
            return self._trusting
        if self._untrusting is None:
            self._untrusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return self._untrusting


def usual_context(*, trust_env: bool) -> ssl.SSLContext:
    """Make a context that trusts what the environment names, or the usual authorities.

    The first of `SSL_CERT_FILE`, `SSL_CERT_DIR` and `REQUESTS_CA_BUNDLE` that is set
    decides.

    Args:
        trust_env: Whether to look at the environment.

    Raises:
        ConfigurationError: If what the environment names is missing, or holds no
            certificate. The message names the variable and the path.
    """
    for variable in _VARIABLES:
        path = os.environ.get(variable)
        if trust_env and path:
            return _from_environment(variable, path)
    return httpx.create_ssl_context(trust_env=False)


def _from_environment(variable: str, path: str) -> ssl.SSLContext:
    if variable == "SSL_CERT_DIR" or (
        variable == "REQUESTS_CA_BUNDLE" and Path(path).is_dir()
    ):
        return _from_directory(variable, path)
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as exc:
        raise ConfigurationError(
            f"{variable}: {path!r} is not a file of certificates (PEM): {exc.strerror}"
        ) from exc


def _from_directory(variable: str, path: str) -> ssl.SSLContext:
    if not any(map(_holds_certificates, path.split(os.pathsep))):
        raise ConfigurationError(
            f"{variable}: {path!r} is not a directory of certificates that are named by"
            " their hash, as `openssl rehash` names them"
        )
    return ssl.create_default_context(capath=path)


def _holds_certificates(directory: str) -> bool:
    try:
        files = [
            file
            for file in Path(directory).iterdir()
            if _HASHED_NAME.fullmatch(file.name)
        ]
    except OSError:
        return False
    return any(map(_is_certificate, files))


def _is_certificate(file: Path) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError:
        return False
    return True
