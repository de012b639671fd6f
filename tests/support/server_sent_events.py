"""Server-sent events, as a browser reads them out of a stream of text."""

import json
from collections.abc import AsyncIterable, AsyncIterator

import attrs


@attrs.frozen
class SentEvent:
    """One event; `data` is what its JSON says."""

    id: str
    kind: str
    data: dict[str, object]


async def sent_events(texts: AsyncIterable[str]) -> AsyncIterator[SentEvent]:
    """Iterate over the events of a stream, however its text is cut into pieces.

    Comments are left out; any other line that is not one of the three expected fields
    is a mistake.
    """
    pending = ""
    async for text in texts:
        *blocks, pending = (pending + text).split("\n\n")
        for block in blocks:
            if block.startswith(":"):
                continue
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            assert list(fields) == ["id", "event", "data"]
            data = json.loads(fields["data"])
            yield SentEvent(fields["id"], fields["event"], data)
    assert pending == ""
