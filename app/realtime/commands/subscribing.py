"""`subscribe` and `unsubscribe`, with the presence that hangs on them."""

from app.realtime.commands.connecting import current_principal, identity_of
from app.realtime.commands.cursors import open_cursor
from app.realtime.commands.stations import Stations
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.subscription import Subscription
from app.realtime.wire.codes import CommandError, ErrorCode
from app.realtime.wire.protocol import EmptyResult, Reply
from app.realtime.wire.requests import REJECT_UNRECOVERED, SubscribeRequest, UnsubscribeRequest


async def subscribe(
    stations: Stations, connection: Connection, command_id: int, request: SubscribeRequest
) -> None:
    channel = request.channel
    _check_request(stations, connection, request)
    policy = stations.channels.policy_of(channel)

    async def authorize() -> bool:
        principal = await current_principal(stations, connection)
        await stations.channels.authorize(principal, channel)
        return policy.stored

    opened = await open_cursor(
        stations.follower,
        channel,
        request,
        authorize=authorize,
        rights=lambda: stations.rights(identity_of(connection).user_id, channel),
    )
    if request.recover and not opened.recovered and request.flag & REJECT_UNRECOVERED:
        stations.follower.release(channel)
        raise CommandError(ErrorCode.UNRECOVERABLE)
    subscription = Subscription(
        connection,
        channel,
        opened.log,
        opened.cursor,
        recovering=opened.recovered,
        present=policy.presence,
        join_leave=policy.presence and request.join_leave,
    )
    stations.manager.attach(subscription)
    result = opened.result(request) if opened.stored else EmptyResult()
    connection.tell(Reply(id=command_id, subscribe=result))


def unsubscribe(
    stations: Stations, connection: Connection, command_id: int, request: UnsubscribeRequest
) -> None:
    """Succeeds for a channel that the client is not subscribed to, too: SDKs rely on it."""
    stations.manager.detach(connection, request.channel)
    connection.tell(Reply(id=command_id, unsubscribe=EmptyResult()))


def _check_request(stations: Stations, connection: Connection, request: SubscribeRequest) -> None:
    if not request.is_offered:
        raise CommandError(ErrorCode.NOT_AVAILABLE)
    if request.channel in connection.subscriptions:
        raise CommandError(ErrorCode.ALREADY_SUBSCRIBED)
    limit = stations.settings.channels_per_connection
    if limit and len(connection.subscriptions) > limit:  # its own channel does not count
        raise CommandError(ErrorCode.LIMIT_EXCEEDED)
