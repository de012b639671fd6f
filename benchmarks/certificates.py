"""Certificates for the loopback server, made by the run, and who trusts them."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from benchmarks.section import CannotMeasureError


@attrs.frozen
class Certificates:
    """Files of one run.

    Attributes:
        server: The server's key and certificate.
        trusted: The usual authorities and the run's own, so that a client has as much
            to read as anywhere.
    """

    server: Path
    trusted: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that make a client trust the server, whatever it is made of."""
        return dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(self.trusted))


@contextlib.contextmanager
def certificates() -> Iterator[Certificates]:
    """Make certificates for 127.0.0.1, and remove them in the end.

    Raises:
        CannotMeasureError: If what makes them is not installed.
    """
    try:
        import certifi  # noqa: PLC0415  # see the error
        import trustme  # noqa: PLC0415  # see the error
    except ImportError as exc:
        raise CannotMeasureError(f"{exc.name} is not installed") from None
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as directory:
        made = Certificates(Path(directory, "server.pem"), Path(directory, "ca.pem"))
        issued = authority.issue_cert("127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(made.server)
        usual = Path(certifi.where()).read_bytes()
        made.trusted.write_bytes(usual + authority.cert_pem.bytes())
        yield made
