"""A transport that answers each creation from memory, at once."""

import httpx

from benchmarks import creation


class MemoryTransport(httpx.AsyncBaseTransport):
    """Answers whatever it is asked with a created snapshot."""

    async def handle_async_request(
        self,
        request: httpx.Request,  # noqa: ARG002  # the interface has it
    ) -> httpx.Response:
        """Return the answer."""
        return created()


def created() -> httpx.Response:
    """Return the answer to a creation, not read yet, as transports return theirs."""
    return httpx.Response(
        creation.CREATED,
        headers=list(creation.ANSWER_HEADERS),
        stream=httpx.ByteStream(creation.ANSWER),
    )
