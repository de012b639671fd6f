"""What a Nagios plugin writes, and how it ends.

See https://nagios-plugins.org/doc/guidelines.html#AEN33.
"""

from enum import IntEnum
from typing import Final

from css_snapshot.cli.output.text import plain

_SERVICE: Final = "CSS SNAPSHOTS"


class NagiosCode(IntEnum):
    """The exit codes of a Nagios plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def status_line(code: NagiosCode, text: str) -> str:
    """Return the line that a Nagios plugin begins with."""
    return f"{_SERVICE} {code.name} - {harmless(text)}"


def harmless(text: str) -> str:
    """Return a text on one line, without the sign after which Nagios reads numbers."""
    return plain(text).replace("|", "/")
