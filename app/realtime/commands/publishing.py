"""`publish`: what subscribers of a channel tell each other. Signals, not events: to who is there
now, never stored, without an offset, dropped for whom they would have to wait.
"""

from typing import Any

from pydantic import BaseModel, ValidationError

from app.realtime.channels import ChannelPolicy
from app.realtime.commands.reading import read_allowed
from app.realtime.commands.stations import Stations
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.manager import ConnectionManager
from app.realtime.wire.codes import CommandError, ErrorCode
from app.realtime.wire.protocol import ClientInfo, EmptyResult, Reply, signal_push
from app.realtime.wire.requests import PublishRequest


class Signal(BaseModel):
    """As it goes through Redis."""

    data: Any
    info: ClientInfo


async def publish(
    stations: Stations, connection: Connection, command_id: int, request: PublishRequest
) -> None:
    """To the other subscribers, on all workers, with who it is from."""
    if not connection.budget.signals.take():  # before Postgres is asked
        raise CommandError(ErrorCode.TOO_MANY_REQUESTS)
    channel = request.channel
    policy = await read_allowed(stations, connection, channel, _offers)
    if policy.signals is None or not request.is_offered:
        raise CommandError(ErrorCode.NOT_AVAILABLE)
    subscription = connection.subscriptions.get(channel)
    if subscription is None:
        raise CommandError(ErrorCode.PERMISSION_DENIED)
    data = _validated(policy.signals, request.data)
    signal = Signal(data=data, info=connection.info)
    stations.broker.signal(channel, signal.model_dump_json().encode())
    connection.tell(Reply(id=command_id, publish=EmptyResult()))


def receive_signal(manager: ConnectionManager, channel: str, signal: bytes) -> None:
    """A signal of somebody on this or another worker, for the others who are here.

    Raises ValueError for what is none.
    """
    told = Signal.model_validate_json(signal)
    push = signal_push(channel, told.data, told.info)
    manager.announce(channel, [push], lambda one: one.connection.id != told.info.client)


async def _offers(policy: ChannelPolicy) -> ChannelPolicy:
    """Nothing is read but what the channel offers."""
    return policy


def _validated(shape: type[BaseModel], data: Any) -> Any:
    try:
        return shape.model_validate(data).model_dump(mode="json")
    except ValidationError:
        raise CommandError(ErrorCode.BAD_REQUEST) from None
