"""The engine, its sessions and the base of the models. Nothing here is module-level state."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import Connection, MetaData, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, PoolProxiedConnection

from app.core.config import Settings

CONNECT_SECONDS = 3
POOL_WAIT_SECONDS = 3
STATEMENT_SECONDS = 10
LOCK_SECONDS = 5
"""Shorter than a statement may take: who holds a lock for long says nothing against Postgres."""
GONE_MILLISECONDS = 5000

KEEPALIVE = {
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": str(GONE_MILLISECONDS),
}
"""Settings with which Postgres soon frees the locks of a client whose host vanished."""

DRIVER = "postgresql+asyncpg://"
"""For SQLAlchemy, without an address: asyncpg reads that itself, whoever connects. SQLAlchemy would
hand its query on as arguments, and `sslmode`, `sslrootcert` and others are none."""

Sessions = async_sessionmaker[AsyncSession]
OpenSession = Callable[[], AbstractAsyncContextManager[AsyncSession]]
"""Opens a session: all of `Sessions` that most callers need."""

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


def create_engine(
    settings: Settings, *, statement_seconds: float = STATEMENT_SECONDS
) -> AsyncEngine:
    """One engine a worker; a connection that was lost is replaced when it is taken.

    A process that freezes in a transaction loses it, and its locks, after `statement_seconds`.
    """
    server_settings = {
        "application_name": "tandem",
        "jit": "off",
        "lock_timeout": str(LOCK_SECONDS * 1000),
        "idle_in_transaction_session_timeout": str(round(statement_seconds * 1000)),
        **KEEPALIVE,
    }

    async def connect() -> "asyncpg.Connection[Any]":
        return await asyncpg.connect(
            settings.database_url,
            timeout=CONNECT_SECONDS,
            command_timeout=statement_seconds,
            server_settings=server_settings,
        )

    engine = create_async_engine(
        DRIVER,
        async_creator=connect,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        hide_parameters=True,  # errors go to the log: those of a sign-up hold a hash
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


async def run_alone(database_url: str, work: Callable[[Connection], None]) -> None:
    """`work`, which may take its time once there is a connection: its own, without a pool."""
    connect = partial(asyncpg.connect, database_url, timeout=CONNECT_SECONDS)
    engine = create_async_engine(
        DRIVER, async_creator=connect, poolclass=NullPool, hide_parameters=True
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(work)
    finally:
        await engine.dispose()


def _refuse_closed(
    dbapi_connection: DBAPIConnection, _record: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    """The driver knows when Postgres hung up: no question has to be sent to find out."""
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError("Postgres closed the connection")


def create_sessions(engine: AsyncEngine) -> Sessions:
    return async_sessionmaker(engine, expire_on_commit=False, autoflush=False)


def _driver_connection(session: Session) -> object:
    """In one step: through the asynchronous session it takes two."""
    return session.connection().connection.driver_connection


async def execute_directly(session: AsyncSession, statement: str, *values: object) -> None:
    """In the session's transaction, by the driver itself: SQLAlchemy's way there takes longer than
    Postgres does. Events of SQLAlchemy do not tell of it. What begins the transaction goes by way
    of SQLAlchemy all the same: the driver would commit it by itself.
    """
    taken = await session.run_sync(_driver_connection)
    assert isinstance(taken, asyncpg.Connection)  # noqa: S101 - the driver is ours to choose
    if not taken.is_in_transaction():
        await session.run_sync(lambda sync: sync.connection().exec_driver_sql(statement, values))
        return
    try:
        await taken.execute(statement, *values)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        # Its last words may have been read, and not yet its end. SQLAlchemy saw neither.
        if taken.is_closed() or isinstance(error, asyncpg.InternalClientError):
            await session.invalidate()
            raise ConnectionError("Postgres closed the connection") from error
        raise
