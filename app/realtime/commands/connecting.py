"""Signing in by token at `connect`, and a new token in place at `refresh`."""

from datetime import UTC, datetime

from app import __version__
from app.auth.principals import Principal
from app.auth.tokens import AccessClaims, TokenExpiredError, TokenInvalidError, read_access_token
from app.realtime.channels import personal_channel
from app.realtime.commands.cursors import open_cursor
from app.realtime.commands.stations import Stations
from app.realtime.fanout.connection import Connection, Identity
from app.realtime.fanout.subscription import Subscription
from app.realtime.fanout.timing import Pings
from app.realtime.wire.codes import CloseCode, CommandError, Disconnect, ErrorCode
from app.realtime.wire.protocol import ConnectResult, RefreshResult, Reply
from app.realtime.wire.requests import ConnectRequest, RefreshRequest, ServerSubscription


async def connect(
    stations: Stations, connection: Connection, command_id: int, request: ConnectRequest
) -> None:
    """Sign in, and subscribe to the person's own channel in the same step."""
    claims = _claims(stations, request.token)
    # Registered before the session is checked, so that no change of rights slips between.
    stations.manager.identify(connection, claims.user_id)
    if not await stations.counts.take(claims.user_id, connection.id):
        raise Disconnect(CloseCode.CONNECTION_LIMIT)
    channel = personal_channel(claims.user_id)
    wanted = request.subs.get(channel, ServerSubscription())

    async def authorize() -> bool:
        await _identify(stations, connection, claims)
        return True

    opened = await open_cursor(
        stations.follower,
        channel,
        wanted,
        authorize=authorize,
        rights=lambda: stations.rights(claims.user_id, channel),
    )
    ttl, asks = _ttl(claims), connection.timing.pings is Pings.DOCUMENTS
    connection.connected = True
    stations.on_identified(connection, ttl)
    result = ConnectResult(
        client=connection.id,
        version=__version__,
        expires=True,
        ttl=max(1, int(ttl)),
        ping=max(1, round(stations.settings.ping_seconds)) if asks else 0,
        pong=asks,
        subs={channel: opened.result(wanted)},
    )
    subscription = Subscription(
        connection,
        channel,
        opened.log,
        opened.cursor,
        server_side=True,
        recovering=opened.recovered,
    )
    stations.manager.attach(subscription)
    connection.tell(Reply(id=command_id, connect=result))


async def refresh(
    stations: Stations, connection: Connection, command_id: int, request: RefreshRequest
) -> None:
    """A new token of the same person."""
    try:
        claims = _claims(stations, request.token)
    except CommandError:
        raise Disconnect(CloseCode.EXPIRED) from None
    if claims.user_id != identity_of(connection).user_id:
        raise Disconnect(CloseCode.INVALID_TOKEN)
    await _identify(stations, connection, claims)
    ttl = _ttl(claims)
    stations.on_identified(connection, ttl)
    result = RefreshResult(
        client=connection.id, version=__version__, expires=True, ttl=max(1, int(ttl))
    )
    connection.tell(Reply(id=command_id, refresh=result))


async def current_principal(stations: Stations, connection: Connection) -> Principal:
    """As it is now: after a change of rights the identity keeps the old one for a while."""
    known = identity_of(connection).principal
    principal = await stations.principals.get(known.user_id, known.session_id)
    if principal is None:
        raise Disconnect(CloseCode.FORCED)
    return principal


def identity_of(connection: Connection) -> Identity:
    if connection.identity is None:
        raise Disconnect(CloseCode.BAD_REQUEST)
    return connection.identity


def _claims(stations: Stations, token: str) -> AccessClaims:
    if not token:
        raise Disconnect(CloseCode.BAD_REQUEST)
    try:
        return read_access_token(stations.settings, token)
    except TokenExpiredError:
        raise CommandError(ErrorCode.TOKEN_EXPIRED) from None
    except TokenInvalidError:
        raise Disconnect(CloseCode.INVALID_TOKEN) from None


async def _identify(stations: Stations, connection: Connection, claims: AccessClaims) -> None:
    principals, rights = stations.principals, None
    while rights != principals.generation(claims.user_id):  # else it ended while we asked
        rights = principals.generation(claims.user_id)
        principal = await principals.get(claims.user_id, claims.session_id)
    if principal is None:
        raise Disconnect(CloseCode.INVALID_TOKEN)
    connection.identity = Identity(principal, claims.expires_at)


def _ttl(claims: AccessClaims) -> float:
    return (claims.expires_at - datetime.now(UTC)).total_seconds()
