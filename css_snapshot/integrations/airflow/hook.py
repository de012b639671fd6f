"""The hook that makes a service from a connection."""

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
    """Creates services from a connection, of which it keeps nothing but the id.

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
        """Create a service, which the caller closes.

        Raises:
            ConfigurationError: If a field of the connection is missing or invalid.
        """
        return service_for(self.get_connection(self.css_conn_id))

    async def aget_conn(self) -> SnapshotService:
        """Create a service inside an event loop, without blocking it.

        Raises:
            ConfigurationError: If a field of the connection is missing or invalid.
        """
        connection = await self.aget_connection(self.css_conn_id)
        # Reading the certificates takes a while, and a triggerer has many triggers.
        return await asyncio.to_thread(service_for, connection)

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the connection works, by listing clusters, and a message."""
        try:
            count = asyncio.run(self._count_clusters())
        except CSSError as exc:
            return False, str(exc)
        return True, f"{count} clusters"

    async def _count_clusters(self) -> int:
        async with self.get_conn() as service:
            return len([cluster async for cluster in service.clusters()])
