"""Finds a channel's publications in messages, each message once for all clients of a process."""

from load.publication import prefix, scan

REMEMBERED = 512

Publications = tuple[tuple[int, int], ...]
"""Offset, and `at` in microseconds since 1970."""


class Reader:
    """Remembers what it has read: nearly all clients are sent the same bytes."""

    def __init__(self, channel: str) -> None:
        self._prefix = prefix(channel)
        self._known: dict[bytes, Publications] = {}

    def all_of(self, message: bytes) -> Publications | None:
        """The publications of a message that holds nothing else, otherwise None."""
        known = self._known.get(message)
        if known is not None:
            return known
        found = []
        for line in message.split(b"\n"):
            one = self.one(line)
            if one is None:
                return None
            found.append(one)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[message] = read = tuple(found)
        return read

    def one(self, line: bytes) -> tuple[int, int] | None:
        """The publication of this channel that the line is, if it is one."""
        return scan(line) if line.startswith(self._prefix) else None
