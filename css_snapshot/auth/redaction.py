"""A filter that keeps issued tokens out of the logs of HTTP libraries."""

import contextlib
import logging
import re
from collections.abc import Iterator
from typing import Final

WIRE_LOGGERS: Final = (
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    "hpack.hpack",
    "hpack.table",
)
"""Loggers that write the headers of responses, at level DEBUG."""

_NAME: Final = "x-subject-token"
_VALUE: Final = re.compile(rf"({_NAME}['\"]?\s*[,:=]\s*b?['\"])[^'\"]*", re.IGNORECASE)


class TokenRedaction(logging.Filter):
    """Takes the value of `X-Subject-Token` out of log records, and lets them pass.

    IAM puts a new token into this header of its response, and httpcore logs the
    headers of responses. The plugins install this filter for as long as they talk to
    IAM; whoever fetches tokens by other means can add it to the loggers in
    `WIRE_LOGGERS`, or to a handler.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact a record in place; see `logging.Filter`."""
        try:
            text = record.getMessage()
        except (KeyError, TypeError, ValueError):
            # Handlers report a record that can't be formatted; a filter must not.
            return True
        if _NAME in text.lower():
            shown, count = _VALUE.subn(r"\1[redacted]", text)
            record.msg = shown if count else f"[redacted: a record with {_NAME}]"
            record.args = ()
        return True


@contextlib.contextmanager
def tokens_redacted() -> Iterator[None]:
    """Keep issued tokens out of the logs while the block runs."""
    redaction = TokenRedaction()
    loggers = [logging.getLogger(name) for name in WIRE_LOGGERS]
    for logger in loggers:
        logger.addFilter(redaction)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(redaction)
