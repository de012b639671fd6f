"""A web application that makes snapshots in the background and streams how it goes.

    GET /outcomes   one JSON line per outcome, from now on, until the run ends
    GET /progress   the counts at this moment

The run belongs to the application, not to a request: whoever goes away takes nothing
along. When the application shuts down in the middle, the journal says where to go on.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from css_snapshot.fanout import FanOut, Outcome
from css_snapshot.models import Ensured

_LINES_BEHIND = 100


@attrs.define(eq=False)
class Feed:
    """Hands lines on to whoever listens; one who falls behind is let go."""

    listeners: set[asyncio.Queue[str | None]] = attrs.field(factory=set)
    over: bool = False

    def publish(self, line: str) -> None:
        for listener in tuple(self.listeners):
            if listener.qsize() >= _LINES_BEHIND:
                self.listeners.discard(listener)
                listener.put_nowait(None)
            else:
                listener.put_nowait(line)

    def close(self) -> None:
        self.over = True
        for listener in self.listeners:
            listener.put_nowait(None)

    async def lines(self) -> AsyncIterator[str]:
        listener: asyncio.Queue[str | None] = asyncio.Queue()
        self.listeners.add(listener)
        try:
            # Tells the listener that from here on nothing is missed.
            yield json.dumps({"waiting": listener.qsize()}) + "\n"
            while not (self.over and listener.empty()):
                line = await listener.get()
                if line is None:
                    return
                yield line
        finally:
            self.listeners.discard(listener)


def create_app(start: Callable[[], FanOut[Ensured]]) -> Starlette:
    """Make an application that works on one run for as long as it lives."""
    feed = Feed()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, object]]:
        async with start() as run:
            following = asyncio.create_task(follow(run))
            yield {"run": run}
            feed.close()
        await following

    async def follow(run: FanOut[Ensured]) -> None:
        try:
            async for outcome in run:
                feed.publish(line_of(outcome))
        finally:
            feed.close()

    async def outcomes(request: Request) -> StreamingResponse:
        return StreamingResponse(feed.lines(), media_type="application/jsonl")

    async def progress(request: Request) -> JSONResponse:
        run: FanOut[Ensured] = request.state.run
        return JSONResponse(
            attrs.asdict(run.progress) | {"listeners": len(feed.listeners)}
        )

    return Starlette(
        routes=[Route("/outcomes", outcomes), Route("/progress", progress)],
        lifespan=lifespan,
    )


def line_of(outcome: Outcome[Ensured]) -> str:
    kind = type(outcome).__name__.lower()
    return json.dumps({"outcome": kind, "cluster": outcome.target.cluster_id}) + "\n"
