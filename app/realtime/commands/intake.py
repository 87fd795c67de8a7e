"""What comes in from one client: its commands, one after the other, while it reads its answers."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from app.core.logging import connection_id
from app.core.stints import Stint
from app.realtime.commands.dispatch import receive
from app.realtime.commands.stations import Stations
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.timing import Pings
from app.realtime.fanout.transport import Transport
from app.realtime.wire.codes import CloseCode

logger = logging.getLogger(__name__)

MAX_WAITING = 16


class Intake:
    """The owner of a connection that was taken over from the ASGI server.

    A task exists only while commands are being carried out. No more is read while MAX_WAITING
    messages wait, nor while the client does not take what it is told.
    """

    __slots__ = (
        "_connection",
        "_on_lost",
        "_stations",
        "_task",
        "_tasks",
        "_transport",
        "_waiting",
    )

    def __init__(
        self,
        stations: Stations,
        tasks: set[asyncio.Task[None]],
        on_lost: Callable[[Connection], None],
    ) -> None:
        self._stations = stations
        self._tasks = tasks
        self._on_lost = on_lost
        self._connection: Connection | None = None
        self._transport: Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: deque[str | bytes] | None = None

    def start(self, connection: Connection, transport: Transport) -> None:
        """Messages that came before this are carried out first."""
        self._connection, self._transport = connection, transport
        connection.timing.unheard = len(self._waiting or ())
        self._go_on()

    # ------------------------------------------------- as a transport's owner

    def on_message(self, message: str | bytes) -> None:
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(message)
        if self._connection is not None:
            self._connection.timing.unheard += 1
        self._hold_back()
        self._go_on()

    def on_pong(self) -> None:
        if self._connection is not None and self._connection.timing.pings is Pings.FRAMES:
            self._connection.timing.ponged()

    def on_paused(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def on_writable(self) -> None:
        if self._connection is not None:
            self._connection.resume()
            self._read_on(self._connection)
            self._go_on()

    def on_lost(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._connection is not None:
            self._on_lost(self._connection)

    # ------------------------------------------------------------- commands

    def _go_on(self) -> None:
        connection = self._connection
        if not self._waiting or self._task is not None or connection is None:
            return
        if connection.transport.writable and not connection.closed:
            self._task = asyncio.create_task(self._work(connection), name=connection.id)
            self._tasks.add(self._task)
            self._task.add_done_callback(self._tasks.discard)

    def _hold_back(self) -> None:
        """Where many messages wait."""
        if self._connection is not None and self._transport is not None and self._has_many:
            self._connection.timing.held_back = True
            self._transport.pause_reading()

    def _read_on(self, connection: Connection) -> None:
        """Unless something speaks against it still."""
        connection.timing.held_back = self._has_many
        if self._transport is not None and not self._has_many and connection.transport.writable:
            self._transport.resume_reading()

    @property
    def _has_many(self) -> bool:
        return self._waiting is not None and len(self._waiting) >= MAX_WAITING

    async def _work(self, connection: Connection) -> None:
        connection_id.set(connection.id)
        stint = Stint()
        try:
            while self._waiting and connection.transport.writable and not connection.closed:
                await receive(self._stations, connection, self._waiting.popleft())
                connection.timing.heard()
                self._read_on(connection)
                if self._waiting:
                    await stint.go_on()
        except Exception:
            logger.exception("connection failed")
            connection.close(CloseCode.INTERNAL)
        finally:
            self._task = None
            self._waiting = self._waiting or None
