"""The connections of an engine: when those that nobody uses are ended, and when all are left."""

from asyncpg import ReadOnlySQLTransactionError
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection


class IdleConnections:
    """Ends them when Postgres is silent, as a host is that lost its power: whoever took one would
    wait for as long as a statement may take, one after the other, long after Postgres is back.

    One that ended is replaced when it is taken. Those in use end by their own time limit.

    Where Postgres only reads, as a primary does that became a standby, all are replaced, those in
    use once they are given back: by another one the address may lead to its successor.
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
        error = context.original_exception
        if isinstance(error, TimeoutError):
            self.end()
        elif getattr(error, "sqlstate", None) == ReadOnlySQLTransactionError.sqlstate:
            context.is_disconnect = True
