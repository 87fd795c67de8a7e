"""The short way from this worker's relay to its own logs, which does not lead through Redis."""

from collections.abc import Sequence

from app.realtime.log.follower import LogFollower
from app.realtime.log.message import Message
from app.realtime.outbox import CONTROL_CHANNEL


def deliver_own(follower: LogFollower, messages: Sequence[Message], rights: int) -> None:
    """Give the worker's follower what its own relay has numbered; Redis brings the same again.

    Only where nothing that comes before it can still be on its way: neither a change of rights,
    `rights` being the head of `$control` before the batch, nor an event of the same channels.
    """
    control = follower.started(CONTROL_CHANNEL)
    if control is None or control.head < rights:
        return
    for channel, offset in {each.channel: each.offset for each in reversed(messages)}.items():
        log = follower.started(channel)
        if log is not None and log.head != offset - 1:
            return
    for message in messages:
        follower.deliver(message)
