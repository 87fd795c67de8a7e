"""From a client's message to the function that carries out its command."""

import asyncio
import logging

from app.core.unavailable import is_unavailable
from app.realtime.commands.admission import Visit
from app.realtime.commands.connecting import connect, refresh
from app.realtime.commands.publishing import publish
from app.realtime.commands.reading import history, presence, presence_stats
from app.realtime.commands.stations import Stations
from app.realtime.commands.subscribing import subscribe, unsubscribe
from app.realtime.fanout.connection import Connection
from app.realtime.time_limit import Deadline
from app.realtime.wire.codes import CloseCode, CommandError, Disconnect, ErrorCode
from app.realtime.wire.protocol import error_reply
from app.realtime.wire.requests import (
    Call,
    ChannelRequest,
    ConnectRequest,
    HistoryRequest,
    PublishRequest,
    RefreshRequest,
    SubscribeRequest,
)

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
    visit, deadline = stations.admission.visit(), stations.time_limit.deadline()
    connection.hold()
    try:
        for nth, call in enumerate(connection.codec.parse(message)):
            if nth:
                await _make_way(connection, visit, deadline, nth)
            if not connection.closed:
                await _receive_one(stations, connection, call, visit, deadline)
            if connection.closed or connection.refused:
                return
    except Disconnect as disconnect:
        connection.close(disconnect.close)
    finally:
        visit.leave()
        deadline.end()
        connection.let_go()


async def _make_way(connection: Connection, visit: Visit, deadline: Deadline, nth: int) -> None:
    """Before the next command of a message: others have their turn, and the answers leave."""
    if nth % TURN == 0 or visit.is_long:
        visit.leave()
        await asyncio.sleep(0)
    if not connection.transport.writable:
        visit.leave()
        loop = asyncio.get_running_loop()
        since = loop.time()
        await connection.writable()
        if loop.time() - since > WAIT_SECONDS:
            deadline.end()


async def _receive_one(
    stations: Stations, connection: Connection, call: Call, visit: Visit, deadline: Deadline
) -> None:
    if call.is_pong:
        _pong(connection)
        return
    if connection.refused or (call.method == "connect") == connection.connected:
        raise Disconnect(CloseCode.BAD_REQUEST)
    if not connection.budget.commands.take():
        if connection.budget.commands.is_flooded:
            raise Disconnect(CloseCode.TOO_MANY_REQUESTS)
        connection.tell(error_reply(call.id, ErrorCode.TOO_MANY_REQUESTS))
        return
    error = await _handle_safely(stations, connection, call, visit, deadline)
    if error is not None:
        connection.refused = call.method == "connect"
        connection.tell(error_reply(call.id, error))


async def _handle_safely(
    stations: Stations, connection: Connection, call: Call, visit: Visit, deadline: Deadline
) -> ErrorCode | None:
    """The edge: what a command may raise becomes an error of the protocol."""
    try:
        await _handle(stations, connection, call, visit, deadline)
    except CommandError as error:
        return error.error
    except Disconnect:
        raise
    except Exception as error:
        if is_unavailable(error):
            logger.warning("command failed", extra={"method": call.method, "error": repr(error)})
        else:
            logger.exception("command failed", extra={"method": call.method})
        return ErrorCode.INTERNAL
    return None


async def _handle(
    stations: Stations, connection: Connection, call: Call, visit: Visit, deadline: Deadline
) -> None:
    """Carry out one command and answer it; raises CommandError, Disconnect or TimeoutError."""
    match call.request:
        case ConnectRequest() as request:
            with deadline:
                await visit.enter()
                await connect(stations, connection, call.id, request)
        case SubscribeRequest() as request:
            with deadline:
                await visit.enter()
                await subscribe(stations, connection, call.id, request)
        case _:
            visit.leave()
            await _handle_seldom(stations, connection, call, deadline)


async def _handle_seldom(
    stations: Stations, connection: Connection, call: Call, deadline: Deadline
) -> None:
    match call.method, call.request:
        case "unsubscribe", ChannelRequest() as request:
            unsubscribe(stations, connection, call.id, request)
        case "send", _:
            raise Disconnect(CloseCode.NOT_AVAILABLE)
        case _:
            with deadline:
                await _ask(stations, connection, call)


async def _ask(stations: Stations, connection: Connection, call: Call) -> None:
    match call.method, call.request:
        case "refresh", RefreshRequest() as request:
            await refresh(stations, connection, call.id, request)
        case "publish", PublishRequest() as request:
            await publish(stations, connection, call.id, request)
        case "history", HistoryRequest() as request:
            await history(stations, connection, call.id, request)
        case "presence", ChannelRequest() as request:
            await presence(stations, connection, call.id, request)
        case "presence_stats", ChannelRequest() as request:
            await presence_stats(stations, connection, call.id, request)
        case _:
            raise CommandError(ErrorCode.NOT_AVAILABLE)


def _pong(connection: Connection) -> None:
    if not connection.timing.pinged:
        raise Disconnect(CloseCode.BAD_REQUEST)
    connection.timing.ponged()
