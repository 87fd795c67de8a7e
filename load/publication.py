"""Reads the two things that matter out of a publication line, without parsing its JSON.

    {"push":{"channel":"orders","pub":{"data":{"type":…,"id":…,"at":"…Z",…},"offset":12}}}

`"at":"` cannot stand inside a JSON string (its quotes would be escaped), and the event's own comes
before those of nested objects. The last `"offset":` of the line is the publication's.
"""

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from load.reference import Event

_AT = b'"at":"'
_OFFSET = b'"offset":'
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def prefix(channel: str) -> bytes:
    """How each publication of `channel` begins."""
    return b'{"push":{"channel":' + json.dumps(channel).encode() + b',"pub":{'


def scan(line: bytes) -> Event | None:
    """None when the line does not hold both."""
    start = line.find(_AT) + len(_AT)
    mark = line.rfind(_OFFSET) + len(_OFFSET)
    if start < len(_AT) or mark < len(_OFFSET):
        return None
    digits = line[mark:].partition(b"}")[0].partition(b",")[0]
    return Event(int(digits), _microseconds(line[start : line.index(b'"', start)]))


@lru_cache(maxsize=4096)
def _microseconds(at: bytes) -> int:
    """Cached, as every connection of a process receives the same event."""
    return (datetime.fromisoformat(at.decode()) - _EPOCH) // _MICROSECOND
