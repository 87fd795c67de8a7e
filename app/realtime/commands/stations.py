"""What the commands of a client work with; one of each for a worker."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from app.auth.principals import Principals
from app.core.config import Settings
from app.core.outages import Outage
from app.realtime.channels import Channels
from app.realtime.commands.admission import Admission
from app.realtime.fanout.connection import Connection
from app.realtime.fanout.manager import ConnectionManager
from app.realtime.log.broker import Broker
from app.realtime.log.follower import LogFollower
from app.realtime.presence.channel_presence import Presence
from app.realtime.presence.connection_counts import ConnectionCounts
from app.realtime.time_limit import TimeLimit


@dataclass(frozen=True)
class Stations:
    """`on_identified(connection, ttl)`: its token counts for so many seconds from now.

    `time_limit`: for the commands of one message together, the wait for their place included.
    `outage`: of what commands ask.
    """

    settings: Settings
    principals: Principals
    channels: Channels
    follower: LogFollower
    manager: ConnectionManager
    broker: Broker
    presence: Presence
    counts: ConnectionCounts
    admission: Admission
    time_limit: TimeLimit
    outage: Outage
    on_identified: Callable[[Connection, float], None]

    def rights(self, user_id: UUID, channel: str) -> tuple[int, int]:
        """Another one once the person's rights have changed, or the channel has ended: whoever
        decided on both, awaited something and then acts compares it.
        """
        return self.principals.generation(user_id), self.channels.endings(channel)
