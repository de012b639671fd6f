"""Server-sent events, as a browser reads them out of a stream of text."""

import json
from collections.abc import AsyncIterable, AsyncIterator

import attrs


@attrs.frozen
class SentEvent:
    """One event; `id` is empty if it has none, `data` is what its JSON says."""

    id: str
    kind: str
    data: dict[str, object]


async def sent_events(texts: AsyncIterable[str]) -> AsyncIterator[SentEvent]:
    """Iterate over the events of a stream, however its text is cut into pieces.

    Any line that is not one of the expected fields is a mistake.
    """
    pending = ""
    async for text in texts:
        *blocks, pending = (pending + text).split("\n\n")
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            assert list(fields) in (["id", "event", "data"], ["event", "data"])
            data = json.loads(fields["data"])
            yield SentEvent(fields.get("id", ""), fields["event"], data)
    assert pending == ""
