"""What a client may ask of a channel: its history, and who is there."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.core.unavailable import REDIS_FAILURES
from app.realtime.channels import ChannelPolicy
from app.realtime.commands.connecting import current_principal, identity_of
from app.realtime.commands.stations import Stations
from app.realtime.fanout.connection import Connection
from app.realtime.log.reader import LogReader
from app.realtime.wire.codec import LogPage
from app.realtime.wire.codes import CommandError, ErrorCode
from app.realtime.wire.protocol import PresenceResult, PresenceStatsResult, Reply, client_info
from app.realtime.wire.requests import (
    HistoryRequest,
    PresenceRequest,
    PresenceStatsRequest,
    StreamPosition,
)

Found = TypeVar("Found")

HISTORY_LIMIT = 300


async def history(
    stations: Stations, connection: Connection, command_id: int, request: HistoryRequest
) -> None:
    """Events as they were recorded. `limit` 0 asks for the position only, -1 for as many as
    there may be in one answer (HISTORY_LIMIT). `since` is exclusive, in both directions, and what
    is told follows it without a hole. A page of large events is shorter than asked for: what it
    lacks follows its last event.
    """

    async def read(policy: ChannelPolicy) -> LogPage:
        if not policy.stored:
            raise CommandError(ErrorCode.NOT_AVAILABLE)
        return await _read_page(stations.follower.reader, request)

    page = await read_allowed(stations, connection, request.channel, read)
    connection.tell_bytes(connection.codec.history(command_id, page))


async def presence(
    stations: Stations, connection: Connection, command_id: int, request: PresenceRequest
) -> None:
    read = stations.presence.read
    present = await _read_presence(stations, connection, request.channel, read)
    found = {client: client_info(info) for client, info in present.items()}
    connection.tell(Reply(id=command_id, presence=PresenceResult(presence=found)))


async def presence_stats(
    stations: Stations, connection: Connection, command_id: int, request: PresenceStatsRequest
) -> None:
    read = stations.presence.stats
    clients, users = await _read_presence(stations, connection, request.channel, read)
    result = PresenceStatsResult(num_clients=clients, num_users=users)
    connection.tell(Reply(id=command_id, presence_stats=result))


async def _read_page(reader: LogReader, request: HistoryRequest) -> LogPage:
    epoch, (head, floor) = await reader.extent(request.channel)
    limit = HISTORY_LIMIT if request.limit < 0 else min(request.limit, HISTORY_LIMIT)
    start, end = _range(request, epoch, head, floor, limit)
    if end <= start:
        return LogPage(epoch, head)
    rows = await reader.between(request.channel, start, end, newest_first=request.reverse)
    events = _unbroken(rows, -1 if request.reverse else 1)
    if request.since and _is_torn(request, start, end, events):
        raise CommandError(ErrorCode.UNRECOVERABLE)
    return LogPage(epoch, head, events)


def _unbroken(events: list[tuple[int, bytes]], step: int) -> list[tuple[int, bytes]]:
    """As far as each offset follows the one before: the next page finds that there is a hole."""
    for nth in range(1, len(events)):
        if events[nth][0] != events[nth - 1][0] + step:
            return events[:nth]
    return events


def _is_torn(
    request: HistoryRequest, start: int, end: int, events: list[tuple[int, bytes]]
) -> bool:
    """Whether a page does not follow the position that it was asked to follow: what lies between
    was pruned meanwhile, or is a hole. In reverse there may be nothing left.
    """
    if request.reverse:
        return bool(events) and events[0][0] != end
    return not events or events[0][0] != start + 1


def _range(
    request: HistoryRequest, epoch: str, head: int, floor: int, limit: int
) -> tuple[int, int]:
    """The offsets that are asked for: after the first, up to and including the second."""
    since = request.since or StreamPosition()
    if since.epoch not in ("", epoch) or (request.since and since.offset > head):
        raise CommandError(ErrorCode.UNRECOVERABLE)
    if not request.reverse:
        start = max(since.offset, floor) if request.since else floor
        if request.since and since.offset < floor:
            raise CommandError(ErrorCode.UNRECOVERABLE)
        return start, min(head, start + limit)
    if request.since and not since.offset:
        raise CommandError(ErrorCode.BAD_REQUEST)
    end = since.offset - 1 if request.since else head
    return max(floor, end - limit), end


async def _read_presence(
    stations: Stations,
    connection: Connection,
    channel: str,
    read: Callable[[str], Awaitable[Found]],
) -> Found:
    async def read_offered(policy: ChannelPolicy) -> Found:
        if not policy.presence:
            raise CommandError(ErrorCode.NOT_AVAILABLE)
        try:
            return await read(channel)
        except REDIS_FAILURES:
            raise CommandError(ErrorCode.INTERNAL) from None

    return await read_allowed(stations, connection, channel, read_offered)


async def read_allowed(
    stations: Stations,
    connection: Connection,
    channel: str,
    read: Callable[[ChannelPolicy], Awaitable[Found]],
) -> Found:
    """Authorize and read; again if rights changed since, so that nobody is told what happened
    after theirs ended. Between its return and the caller's next await nothing else runs.
    """
    user_id = identity_of(connection).user_id
    while True:
        rights = stations.rights(user_id, channel)
        principal = await current_principal(stations, connection)
        found = await read(await stations.channels.authorize(principal, channel))
        if rights == stations.rights(user_id, channel):
            return found
