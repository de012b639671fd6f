"""The hook: from the id of a connection to a service."""

import asyncio

from css_snapshot.errors import CSSError
from css_snapshot.integrations.airflow.connection import (
    CONNECTION_TYPE,
    HOOK_NAME,
    service_for,
)
from css_snapshot.integrations.airflow.engine import BaseHook
from css_snapshot.service import SnapshotService


class SnapshotHook(BaseHook):
    """Makes services from a connection, and remembers nothing of it but its id.

    Args:
        css_conn_id: Id of the connection.
    """

    conn_name_attr = "css_conn_id"
    default_conn_name = "css_default"
    conn_type = CONNECTION_TYPE
    hook_name = HOOK_NAME

    def __init__(self, css_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.css_conn_id = css_conn_id

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.css_conn_id!r})"

    def get_conn(self) -> SnapshotService:
        """Make a service; it is the caller's to close.

        Raises:
            ConfigurationError: The connection can't be used.
        """
        return service_for(self.get_connection(self.css_conn_id))

    async def aget_conn(self) -> SnapshotService:
        """Make a service inside an event loop, without blocking it.

        Raises:
            ConfigurationError: The connection can't be used.
        """
        connection = await self.aget_connection(self.css_conn_id)
        # Reading the certificates takes a while, and a triggerer has many triggers.
        return await asyncio.to_thread(service_for, connection)

    def test_connection(self) -> tuple[bool, str]:
        """Tell whether the connection works, by listing clusters."""
        try:
            count = asyncio.run(self._count_clusters())
        except CSSError as exc:
            return False, str(exc)
        return True, f"{count} clusters"

    async def _count_clusters(self) -> int:
        async with self.get_conn() as service:
            return len([cluster async for cluster in service.clusters()])
