"""Who is present in a channel, as the watchers on this worker were told. No I/O.

Each change in Redis carries the version of the channel before and after it, so a mirror knows
whether it heard everything. When it did not, or when there is any doubt, it is `unsure`: Redis
is read anew and the mirror is corrected by the difference, which the watchers are told as joins
and leaves.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from app.realtime.presence.lease_store import Found


class Told(NamedTuple):
    """What a watcher is told; `info` is the ClientInfo as the client's worker gave it."""

    kind: Literal["join", "leave"]
    info: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """Clients who came or went in one step, from the version `before` to `version`.

    On the wire a line `BEFORE VERSION`, then a line `+CLIENT INFO` or `-CLIENT` for each.
    """

    before: int
    version: int
    joined: dict[str, bytes] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    @classmethod
    def decode(cls, data: bytes) -> "Change":
        """Raises ValueError if this is no change of ours."""
        head, *lines = data.split(b"\n")
        before, version = map(int, head.split(b" "))
        change = cls(before, version)
        for line in lines:
            client, _, info = line[1:].decode().partition(" ")
            if line.startswith(b"+"):
                change.joined[client] = info.encode()
            else:
                change.left.append(client)
        return change


class Mirror:
    """`present` follows `found` in Redis at `version`, unless it is `unsure`.

    `whole` is False after a reading in which somebody may have been missing (see
    `lease_scripts`): who was missing is kept for the time being, and it is to be read again.
    """

    def __init__(self) -> None:
        self.present: dict[str, bytes] = {}
        self.version = 0
        self.started = False
        self.unsure = True
        self.whole = False
        self._heard: list[Change] | None = None

    @property
    def is_being_read(self) -> bool:
        return self._heard is not None

    def hear(self, change: Change) -> list[Told]:
        """A change arrived, perhaps too early, too late, or again."""
        if self._heard is not None:
            self._heard.append(change)
            return []
        if not self.started or change.version <= self.version:
            return []
        self.unsure = self.unsure or change.before != self.version
        self.version = change.version
        return self._leave(change.left) + self._join(change.joined)

    def expect(self) -> None:
        """A reading is under way: what is heard meanwhile is put aside until it is here."""
        self._heard = []

    def correct(self, found: Found, *, whole: bool) -> list[Told]:
        """What was read; at first it is taken over without a word."""
        told: list[Told] = []
        if not self.started:
            self.present = dict(found.present)
        else:
            if whole:
                told += self._leave([one for one in self.present if one not in found.present])
            told += self._join(found.present)
        self.started, self.unsure, self.whole = True, False, whole
        self.version = found.version
        return told + self._catch_up()

    def abandon(self) -> list[Told]:
        """The reading failed."""
        self.unsure = True
        return self._catch_up()

    def _catch_up(self) -> list[Told]:
        heard, self._heard = self._heard or [], None
        return [told for change in heard for told in self.hear(change)]

    def _join(self, joined: dict[str, bytes]) -> list[Told]:
        new = {client: info for client, info in joined.items() if client not in self.present}
        self.present.update(new)
        return [Told("join", info) for info in new.values()]

    def _leave(self, left: list[str]) -> list[Told]:
        known = [client for client in left if client in self.present]
        return [Told("leave", self.present.pop(client)) for client in known]
