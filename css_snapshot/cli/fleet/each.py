"""Something done for each of several clusters: one failure stops no other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import typer

from css_snapshot.cli.exit_codes import ExitCode, worst
from css_snapshot.cli.output.output import Output
from css_snapshot.errors import AuthenticationError, CredentialsNotFoundError, CSSError

_LIMIT: Final = 16


async def for_each(
    output: Output,
    cluster_ids: Sequence[str],
    work: Callable[[str], Awaitable[object]],
    *,
    limit: int = _LIMIT,
) -> ExitCode:
    """Await something for each cluster, and tell of each failure.

    The first cluster goes alone, as refused credentials would be refused each time,
    and more than five refusals lock the key.

    Args:
        output: Where failures are written to.
        cluster_ids: The clusters.
        work: Is awaited for each.
        limit: Clusters in flight at most.

    Returns:
        The worst exit code of all.

    Raises:
        AuthenticationError: If the credentials are refused.
        CredentialsNotFoundError: If there are none.
    """
    about = len(cluster_ids) > 1
    slots = asyncio.Semaphore(limit)

    async def one(cluster_id: str) -> ExitCode:
        async with slots:
            try:
                await work(cluster_id)
            except (AuthenticationError, CredentialsNotFoundError):
                raise
            except CSSError as exc:
                return output.failure(exc, about=cluster_id if about else "")
            except typer.Exit as exc:
                return ExitCode(exc.exit_code)
        return ExitCode.DONE

    first, *others = cluster_ids
    codes = {await one(first)}
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(cluster_id)) for cluster_id in others]
    except ExceptionGroup as exc:
        raise exc.exceptions[0] from None
    return worst(codes | {task.result() for task in tasks})
