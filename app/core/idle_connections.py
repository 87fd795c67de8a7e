"""The connections of an engine that nobody uses at the moment, and their end."""

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection


class IdleConnections:
    """Ends them when Postgres is silent, as a host is that lost its power: whoever took one would
    wait for as long as a statement may take, one after the other, long after Postgres is back.

    One that ended is replaced when it is taken. Those in use end by their own time limit.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._idle: set[DBAPIConnection] = set()
        event.listen(engine.sync_engine, "checkin", self._come)
        event.listen(engine.sync_engine, "checkout", self._go)
        event.listen(engine.sync_engine, "close", self._close)
        event.listen(engine.sync_engine, "handle_error", self._fail)

    def end(self) -> None:
        """Costs no more than new connections if Postgres is not silent after all."""
        while self._idle:
            self._idle.pop().driver_connection.terminate()

    def _come(self, connection: DBAPIConnection | None, _entry: ConnectionPoolEntry) -> None:
        if connection is not None:
            self._idle.add(connection)

    def _go(
        self,
        connection: DBAPIConnection,
        _entry: ConnectionPoolEntry,
        _proxy: PoolProxiedConnection,
    ) -> None:
        self._idle.discard(connection)

    def _close(self, connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        self._idle.discard(connection)

    def _fail(self, context: ExceptionContext) -> None:
        if isinstance(context.original_exception, TimeoutError):
            self.end()
