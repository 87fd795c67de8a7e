"""Who is seen on a channel: subscriptions that come and go, told to those that asked for it."""

from collections.abc import Sequence

from pydantic_core import to_json

from app.realtime.fanout.manager import ConnectionManager
from app.realtime.fanout.subscription import Subscription
from app.realtime.presence.channel_presence import Presence
from app.realtime.presence.mirror import Told
from app.realtime.wire.protocol import client_info, presence_push


class Attendance:
    """Between the subscriptions of this worker and the presence of all."""

    def __init__(self, manager: ConnectionManager, presence: Presence) -> None:
        self._manager = manager
        self._presence = presence
        manager.on_attached = self._attached
        manager.on_detached = self._detached
        presence.on_change = self._announce

    def _attached(self, subscription: Subscription) -> None:
        connection, channel = subscription.connection, subscription.channel
        if subscription.join_leave:
            self._presence.watch(channel)
        if subscription.present:
            info = connection.info.model_dump(exclude_none=True)
            self._presence.enter(channel, connection.id, to_json(info))

    def _detached(self, subscription: Subscription) -> None:
        channel = subscription.channel
        if subscription.present:
            self._presence.leave(channel, subscription.connection.id)
        if subscription.join_leave:
            self._presence.unwatch(channel)

    def _announce(self, channel: str, told: Sequence[Told]) -> None:
        """To those on this worker that asked who comes and goes, the person concerned included;
        to those whose rights are being looked at once they are known.
        """
        pushes = [presence_push(channel, change, client_info(info)) for change, info in told]
        self._manager.announce(channel, pushes, lambda one: one.join_leave, withhold=True)
