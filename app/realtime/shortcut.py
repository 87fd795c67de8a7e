"""The short way from this worker's relay to its own logs, which does not lead through Redis."""

from collections.abc import Sequence

from app.realtime.follower import LogFollower
from app.realtime.message import Message


class Shortcut:
    """Gives the worker's follower what its own relay has numbered; Redis brings the same again.

    Only where nothing that comes before it can still be on its way through Redis: a change of
    rights keeps its place among the events. So nobody else may have numbered anything since this
    relay's batch before, and that one must have been heard.
    """

    def __init__(self, follower: LogFollower) -> None:
        self._follower = follower
        self._before: list[tuple[str, int]] = []
        """The channels of the last batch, each with its last offset."""

    def take(self, messages: Sequence[Message], *, alone: bool) -> None:
        """A batch, in its order. `alone`: its tick follows on that of the batch before."""
        reaches = self._follower.reaches
        if alone and all(reaches(channel, offset) for channel, offset in self._before):
            for message in messages:
                self._follower.deliver(message)
        self._before = [(message.channel, message.last) for message in messages]
