"""From a client's message to the function that carries out its command."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar, assert_never

from app.core.unavailable import is_unavailable
from app.realtime.commands.connecting import connect, refresh
from app.realtime.commands.publishing import publish
from app.realtime.commands.reading import history, presence, presence_stats
from app.realtime.commands.stations import Stations
from app.realtime.commands.subscribing import subscribe, unsubscribe
from app.realtime.fanout.connection import Connection
from app.realtime.wire.codes import CloseCode, CommandError, Disconnect, ErrorCode
from app.realtime.wire.protocol import error_reply
from app.realtime.wire.requests import (
    Call,
    ConnectRequest,
    HistoryRequest,
    PingRequest,
    PresenceRequest,
    PresenceStatsRequest,
    PublishRequest,
    RefreshRequest,
    Request,
    RPCRequest,
    SendRequest,
    SubRefreshRequest,
    SubscribeRequest,
    UnsubscribeRequest,
)

Asked = TypeVar("Asked", bound=Request)
Handler = Callable[[Stations, Connection, int, Asked], Awaitable[None]]

logger = logging.getLogger(__name__)

TURN = 16
"""So many commands of one message may be one visit: they must not hold up everybody else."""

WAIT_SECONDS = 0.1
"""Any transport may need a moment to take an answer; the client has to be waited for after that."""


async def receive(stations: Stations, connection: Connection, message: str | bytes) -> None:
    """Carry out all commands of one message, in their order, as fast as the client takes its
    answers. Ends the connection on misuse.

    Together they have the time that SDKs give each of them: those that would come too late are
    answered with a temporary error. After a wait for the client it begins anew.
    """
    exchange = Exchange(stations, connection)
    connection.hold()
    try:
        for nth, call in enumerate(connection.codec.parse(message)):
            if nth:
                await exchange.make_way(nth)
            if not connection.closed:
                await exchange.receive(call)
            if connection.closed or connection.refused:
                return
    except Disconnect as disconnect:
        connection.close(disconnect.close)
    finally:
        exchange.end()
        connection.let_go()


class Exchange:
    """The commands of one message, which share a place in the queue and a limit of time."""

    __slots__ = ("_connection", "_deadline", "_stations", "_visit")

    def __init__(self, stations: Stations, connection: Connection) -> None:
        self._stations = stations
        self._connection = connection
        self._visit = stations.admission.visit()
        self._deadline = stations.time_limit.deadline()

    def end(self) -> None:
        self._visit.leave()
        self._deadline.end()

    async def make_way(self, nth: int) -> None:
        """Before the nth command: others have their turn, and the answers leave."""
        if nth % TURN == 0 or self._visit.is_long:
            self._visit.leave()
            await asyncio.sleep(0)
        if not self._connection.transport.writable:
            self._visit.leave()
            loop = asyncio.get_running_loop()
            since = loop.time()
            await self._connection.writable()
            if loop.time() - since > WAIT_SECONDS:
                self._deadline.end()

    async def receive(self, call: Call) -> None:
        connection, request = self._connection, call.request
        if request is None:
            _pong(connection)
            return
        is_first = isinstance(request, ConnectRequest)
        if connection.refused or is_first == connection.connected:
            raise Disconnect(CloseCode.BAD_REQUEST)
        if not connection.budget.commands.take():
            if connection.budget.commands.is_flooded:
                raise Disconnect(CloseCode.TOO_MANY_REQUESTS)
            connection.tell(error_reply(call.id, ErrorCode.TOO_MANY_REQUESTS))
            return
        error = await self._try(call, request)
        if error is not None:
            connection.refused = is_first
            connection.tell(error_reply(call.id, error))

    async def _try(self, call: Call, request: Request) -> ErrorCode | None:
        """The edge: what a command may raise becomes an error of the protocol."""
        try:
            await self._carry_out(call.id, request)
        except CommandError as error:
            return error.error
        except Disconnect:
            raise
        except Exception as error:
            if is_unavailable(error):
                self._stations.outage.begin(error)
            else:
                logger.exception("command failed", extra={"method": call.method})
            return ErrorCode.INTERNAL
        self._stations.outage.end()
        return None

    async def _carry_out(self, number: int, request: Request) -> None:  # noqa: C901 - a case each
        """Carry out one command and answer it; raises CommandError, Disconnect or TimeoutError."""
        match request:
            case ConnectRequest():
                await self._in_turn(connect, number, request)
            case SubscribeRequest():
                await self._in_turn(subscribe, number, request)
            case UnsubscribeRequest():
                self._visit.leave()
                unsubscribe(self._stations, self._connection, number, request)
            case RefreshRequest():
                await self._in_time(refresh, number, request)
            case PublishRequest():
                await self._in_time(publish, number, request)
            case HistoryRequest():
                await self._in_time(history, number, request)
            case PresenceRequest():
                await self._in_time(presence, number, request)
            case PresenceStatsRequest():
                await self._in_time(presence_stats, number, request)
            case SendRequest():
                raise Disconnect(CloseCode.NOT_AVAILABLE)
            case PingRequest() | RPCRequest() | SubRefreshRequest():
                raise CommandError(ErrorCode.NOT_AVAILABLE)
            case _:
                assert_never(request)

    async def _in_turn(self, handle: Handler[Asked], number: int, request: Asked) -> None:
        """In the queue of those that sign in and subscribe; the wait for it is in the limit."""
        with self._deadline:
            await self._visit.enter()
            await handle(self._stations, self._connection, number, request)

    async def _in_time(self, handle: Handler[Asked], number: int, request: Asked) -> None:
        self._visit.leave()
        with self._deadline:
            await handle(self._stations, self._connection, number, request)


def _pong(connection: Connection) -> None:
    if not connection.timing.pinged:
        raise Disconnect(CloseCode.BAD_REQUEST)
    connection.timing.ponged()
