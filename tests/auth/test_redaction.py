import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator

import pytest

from css_snapshot import default_transport
from css_snapshot.auth import PasswordAuth, TokenRedaction
from css_snapshot.auth.redaction import WIRE_LOGGERS, tokens_redacted

TOKEN = "MIIFakeTokenOfManyLetters=="


@contextlib.asynccontextmanager
async def raw_iam() -> AsyncIterator[str]:
    """Serve one token for any request over a real socket."""
    body = json.dumps({"token": {"expires_at": "2126-11-23T00:00:00Z"}}).encode()
    head = (
        f"HTTP/1.1 201 Created\r\nX-Subject-Token: {TOKEN}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_the_token_is_in_no_log_record_with_all_logs_at_debug(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    # Of the transports, only httpcore logs the headers of an answer.
    async with raw_iam() as endpoint, default_transport("httpx") as transport:
        auth = PasswordAuth(
            *("ann", "pw-secret", "acme", "p"),
            iam_endpoint=endpoint,
            transport=transport,
        )
        token = await auth.access_token()

    assert token.token.reveal() == TOKEN
    shown = [f"{r.getMessage()} {r.msg} {r.args}" for r in caplog.records]
    assert any("receive_response_headers.complete" in text for text in shown)
    assert any("X-Subject-Token', b'[redacted]" in text for text in shown)
    assert not any(TOKEN in text or "pw-secret" in text for text in shown)


async def test_nothing_is_left_on_the_loggers_of_others() -> None:
    before = {name: list(logging.getLogger(name).filters) for name in WIRE_LOGGERS}

    async with raw_iam() as endpoint:
        await PasswordAuth("a", "b", "c", "d", iam_endpoint=endpoint).access_token()

    after = {name: list(logging.getLogger(name).filters) for name in WIRE_LOGGERS}
    assert after == before


def record(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord(
        "httpcore.http11", logging.DEBUG, "", 0, message, args, None
    )


@pytest.mark.parametrize(
    "text",
    [
        f"[(b'X-Subject-Token', b'{TOKEN}')]",
        f"{{'x-subject-token': '{TOKEN}'}}",
        f'{{"X-SUBJECT-TOKEN": "{TOKEN}"}}',
        f"x-subject-token={TOKEN}",
        f"X-Subject-Token: {TOKEN}",
    ],
)
def test_the_value_is_redacted_however_it_is_written(text: str) -> None:
    for written in (record(text), record("%s", text)):
        assert TokenRedaction().filter(written)
        assert TOKEN not in written.getMessage()
        assert "[redacted" in written.getMessage()


def test_other_records_pass_unchanged() -> None:
    written = record("send_request_headers.started %s", "x")

    assert TokenRedaction().filter(written)
    assert (written.msg, written.args) == ("send_request_headers.started %s", ("x",))


def test_a_record_that_can_not_be_formatted_passes_too() -> None:
    assert TokenRedaction().filter(record("%s %s", "one"))


def test_overlapping_blocks_do_not_undo_each_other() -> None:
    logger = logging.getLogger(WIRE_LOGGERS[0])
    first, second = tokens_redacted(), tokens_redacted()

    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)

    assert any(isinstance(f, TokenRedaction) for f in logger.filters)
    second.__exit__(None, None, None)
    assert not any(isinstance(f, TokenRedaction) for f in logger.filters)
