"""A channel's log for tests that need no Postgres, and the events in it."""

from app.realtime.log.channel_log import ChannelLog
from app.realtime.wire.batches import Entry, Joined

CHANNEL = "orders:0198c4f0-7d2e-7000-8000-000000000001"
AT = 1_700_000_000.0


def payload(offset: int, size: int = 0) -> bytes:
    return b'{"n":%d,"fill":"%b"}' % (offset, b"x" * size)


def entry(offset: int, size: int = 0) -> Entry:
    return Entry(offset, AT, payload(offset, size))


def entries(first: int, last: int, size: int = 0) -> list[Entry]:
    return [entry(offset, size) for offset in range(first, last + 1)]


def a_log(
    head: int = 0,
    *,
    max_bytes: int = 1_000_000,
    max_events: int = 10_000,
    joined: Joined | None = None,
) -> ChannelLog:
    log = ChannelLog(CHANNEL, max_bytes, max_events, joined)
    log.start(head)
    return log


def kept_bytes(joined: Joined) -> int:
    """What its messages and their frames hold."""
    messages = [batch.message for batch in joined._batches.values()]
    return sum(len(message.data) + len(message.frame) for message in messages)
