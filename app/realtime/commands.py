"""One function per command of a client; `handle` finds the one that is meant."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from app import __version__
from app.auth.principals import Principal, Principals
from app.auth.tokens import AccessClaims, TokenExpiredError, TokenInvalidError, read_access_token
from app.core.config import Settings
from app.core.errors import is_unavailable
from app.realtime.channels import Channels, personal_channel
from app.realtime.connection import Connection, Identity, Subscription
from app.realtime.follower import AWAY
from app.realtime.manager import ConnectionManager
from app.realtime.protocol import (
    REJECT_UNRECOVERED,
    ChannelRequest,
    CloseCode,
    Command,
    CommandError,
    ConnectRequest,
    ConnectResult,
    Disconnect,
    EmptyResult,
    ErrorCode,
    RefreshRequest,
    RefreshResult,
    Result,
    ServerSubscription,
    SubscribeRequest,
    SubscribeResult,
    error_reply,
    parse,
    reply,
)
from app.realtime.subscribing import Opened, open_cursor

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 3.0


@dataclass(frozen=True)
class Stations:
    """What commands work with; one for each worker.

    `on_identified(connection, ttl)`: its token counts for so many seconds from now.
    """

    settings: Settings
    principals: Principals
    channels: Channels
    manager: ConnectionManager
    on_identified: Callable[[Connection, float], None]


async def receive(stations: Stations, connection: Connection, message: str) -> None:
    """Carry out all commands of one message, in their order. Ends the connection on misuse."""
    try:
        for command in parse(message):
            await _receive_one(stations, connection, command)
            if connection.closed or connection.refused:
                return
    except Disconnect as disconnect:
        connection.close(disconnect.close)


async def _receive_one(stations: Stations, connection: Connection, command: Command) -> None:
    if command.is_pong:
        _pong(connection)
        return
    if connection.refused or (command.connect is not None) == connection.connected:
        raise Disconnect(CloseCode.BAD_REQUEST)
    if not connection.commands.take():
        if connection.commands.is_flooded:
            raise Disconnect(CloseCode.TOO_MANY_REQUESTS)
        connection.tell(error_reply(command.id, ErrorCode.TOO_MANY_REQUESTS))
        return
    error = await _handle_safely(stations, connection, command)
    if error is not None:
        connection.refused = command.connect is not None
        connection.tell(error_reply(command.id, error))


async def _handle_safely(
    stations: Stations, connection: Connection, command: Command
) -> ErrorCode | None:
    """The edge: what a command may raise becomes an error of the protocol."""
    try:
        await handle(stations, connection, command)
    except CommandError as error:
        return error.error
    except Disconnect:
        raise
    except AWAY as error:
        logger.warning("command failed", extra={"method": command.method, "error": repr(error)})
        return ErrorCode.INTERNAL
    except Exception as error:
        if not is_unavailable(error):
            logger.exception("command failed", extra={"method": command.method})
        return ErrorCode.INTERNAL
    return None


async def handle(stations: Stations, connection: Connection, command: Command) -> None:
    """Carry out one command and answer it; raises CommandError or Disconnect."""
    match command:
        case Command(connect=ConnectRequest() as request):
            await connect(stations, connection, command.id, request)
        case Command(subscribe=SubscribeRequest() as request):
            await subscribe(stations, connection, command.id, request)
        case Command(unsubscribe=ChannelRequest() as request):
            unsubscribe(stations, connection, command.id, request)
        case Command(refresh=RefreshRequest() as request):
            await refresh(stations, connection, command.id, request)
        case Command(method="send"):
            raise Disconnect(CloseCode.NOT_AVAILABLE)
        case _:
            raise CommandError(ErrorCode.NOT_AVAILABLE)


async def connect(
    stations: Stations, connection: Connection, command_id: int, request: ConnectRequest
) -> None:
    """Sign in by token, and subscribe to the person's own channel in the same step."""
    claims = _claims(stations, request.token)
    # Registered before the session is checked, so that no change of rights slips between.
    stations.manager.identify(connection, claims.user_id)
    channel = personal_channel(claims.user_id)
    wanted = request.subs.get(channel, ServerSubscription())

    async def authorize() -> None:
        await _identify(stations, connection, claims)

    opened = await open_cursor(
        stations.manager.follower,
        channel,
        wanted,
        authorize=authorize,
        generation=lambda: stations.principals.generation(claims.user_id),
    )
    ttl = _ttl(claims)
    connection.connected = True
    stations.on_identified(connection, ttl)
    result = ConnectResult(
        client=connection.id,
        version=__version__,
        expires=True,
        ttl=max(1, int(ttl)),
        ping=max(1, round(stations.settings.ping_seconds)),
        pong=True,
        subs={channel: _result(opened, recover=wanted.recover)},
    )
    _attach(stations, connection, channel, opened, server_side=True)
    _answer(connection, command_id, "connect", result)


async def subscribe(
    stations: Stations, connection: Connection, command_id: int, request: SubscribeRequest
) -> None:
    channel = request.channel
    if request.type:
        raise CommandError(ErrorCode.NOT_AVAILABLE)
    if channel in connection.subscriptions:
        raise CommandError(ErrorCode.ALREADY_SUBSCRIBED)
    limit = stations.settings.channels_per_connection
    if limit and len(connection.subscriptions) > limit:  # its own channel does not count
        raise CommandError(ErrorCode.LIMIT_EXCEEDED)

    async def authorize() -> None:
        await stations.channels.authorize(await _principal(stations, connection), channel)

    opened = await open_cursor(
        stations.manager.follower,
        channel,
        request,
        authorize=authorize,
        generation=lambda: stations.principals.generation(_identity(connection).user_id),
    )
    if request.recover and not opened.recovered and request.flag & REJECT_UNRECOVERED:
        stations.manager.follower.release(channel)
        raise CommandError(ErrorCode.UNRECOVERABLE)
    _attach(stations, connection, channel, opened)
    _answer(connection, command_id, "subscribe", _result(opened, recover=request.recover))


def unsubscribe(
    stations: Stations, connection: Connection, command_id: int, request: ChannelRequest
) -> None:
    """Succeeds for a channel that the client is not subscribed to, too: SDKs rely on it."""
    stations.manager.detach(connection, request.channel)
    _answer(connection, command_id, "unsubscribe", EmptyResult())


async def refresh(
    stations: Stations, connection: Connection, command_id: int, request: RefreshRequest
) -> None:
    """A new token of the same person, in place."""
    try:
        claims = _claims(stations, request.token)
    except CommandError:
        raise Disconnect(CloseCode.EXPIRED) from None
    if claims.user_id != _identity(connection).user_id:
        raise Disconnect(CloseCode.INVALID_TOKEN)
    await _identify(stations, connection, claims)
    ttl = _ttl(claims)
    stations.on_identified(connection, ttl)
    result = RefreshResult(
        client=connection.id, version=__version__, expires=True, ttl=max(1, int(ttl))
    )
    _answer(connection, command_id, "refresh", result)


def _pong(connection: Connection) -> None:
    if connection.timing.pong_by is None:
        raise Disconnect(CloseCode.BAD_REQUEST)
    connection.timing.pong_by = None


def _claims(stations: Stations, token: str) -> AccessClaims:
    try:
        return read_access_token(stations.settings, token)
    except TokenExpiredError:
        raise CommandError(ErrorCode.TOKEN_EXPIRED) from None
    except TokenInvalidError:
        raise Disconnect(CloseCode.INVALID_TOKEN) from None


async def _identify(stations: Stations, connection: Connection, claims: AccessClaims) -> None:
    principals, rights = stations.principals, None
    async with asyncio.timeout(CONNECT_SECONDS):
        while rights != principals.generation(claims.user_id):  # else it ended while we asked
            rights = principals.generation(claims.user_id)
            principal = await principals.get(claims.user_id, claims.session_id)
    if principal is None:
        raise Disconnect(CloseCode.INVALID_TOKEN)
    connection.identity = Identity(principal, claims.expires_at)


async def _principal(stations: Stations, connection: Connection) -> Principal:
    """As it is now: after a change of rights the identity keeps the old one for a while."""
    known = _identity(connection).principal
    principal = await stations.principals.get(known.user_id, known.session_id)
    if principal is None:
        raise Disconnect(CloseCode.FORCED)
    return principal


def _identity(connection: Connection) -> Identity:
    if connection.identity is None:
        raise Disconnect(CloseCode.BAD_REQUEST)
    return connection.identity


def _ttl(claims: AccessClaims) -> float:
    return (claims.expires_at - datetime.now(UTC)).total_seconds()


def _attach(
    stations: Stations,
    connection: Connection,
    channel: str,
    opened: Opened,
    *,
    server_side: bool = False,
) -> None:
    subscription = Subscription(channel, opened.log, opened.cursor, server_side=server_side)
    stations.manager.attach(connection, subscription)


def _result(opened: Opened, *, recover: bool) -> SubscribeResult:
    return SubscribeResult(
        epoch=opened.epoch,
        offset=opened.cursor,
        was_recovering=recover,
        recovered=opened.recovered,
    )


def _answer(connection: Connection, command_id: int, method: str, result: Result) -> None:
    connection.tell(reply(command_id, method, result))
