"""Who a caller is and what they may do: the port that `users` fills, and its cache.

The token only says who and which session. Rights come from the database through a
PrincipalSource; each worker caches the answer until `$control` says that it changed.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from app.core.single_flight import retrieve

CACHED_PRINCIPALS = 50_000
ENDED_SESSIONS = 10_000


class Role(StrEnum):
    """Admin may do all that staff may, staff all that customers may."""

    CUSTOMER = "customer"
    STAFF = "staff"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        return _RANKS[self] >= _RANKS[other]


_RANKS = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in person, active and with a live session when this was read."""

    user_id: UUID
    session_id: UUID
    name: str
    role: Role

    @property
    def is_staff(self) -> bool:
        return self.role.includes(Role.STAFF)

    @property
    def is_admin(self) -> bool:
        return self.role.includes(Role.ADMIN)


class PrincipalSource(Protocol):
    """What auth asks of whoever keeps the users."""

    async def find(self, user_id: UUID, session_id: UUID) -> Principal | None:
        """None: no such user, deactivated, or the session has ended."""
        ...


class Principals:
    """The cache of a PrincipalSource, the latest `most`, with a counter of each user's rights.

    The counter (`generation`) rises at each `forget`: whoever decided on a right, awaited
    something and then acts compares it, and decides again if it moved.
    """

    def __init__(self, source: PrincipalSource, most: int = CACHED_PRINCIPALS) -> None:
        self._source = source
        self._most = most
        self._cached: OrderedDict[tuple[UUID, UUID], Principal] = OrderedDict()
        self._sessions: dict[UUID, set[UUID]] = {}  # which of each user are cached
        self._generations: dict[UUID, int] = {}
        self._everyone = 0
        self._ended: OrderedDict[UUID, None] = OrderedDict()
        self._loading: dict[tuple[UUID, UUID, int], asyncio.Future[Principal | None]] = {}

    def generation(self, user_id: UUID) -> int:
        return self._everyone + self._generations.get(user_id, 0)

    async def get(self, user_id: UUID, session_id: UUID) -> Principal | None:
        cached = self._cached.get((user_id, session_id))
        if cached is not None:
            self._cached.move_to_end((user_id, session_id))
            return cached
        generation = self.generation(user_id)
        principal = await self._load(user_id, session_id, generation)
        if principal is None:
            self._note_end(session_id)
        elif generation == self.generation(user_id):
            self._remember(principal)
        return principal

    def has_ended(self, session_id: UUID) -> bool:
        """Whether this worker found out that it has, as far as it remembers: of the ENDED_SESSIONS
        asked for last. Asks nobody.
        """
        if session_id not in self._ended:
            return False
        self._ended.move_to_end(session_id)
        return True

    def _load(
        self, user_id: UUID, session_id: UUID, generation: int
    ) -> "asyncio.Future[Principal | None]":
        """One question for all who ask the same at once, under the same rights counter."""
        key = (user_id, session_id, generation)
        loading = self._loading.get(key)
        if loading is None:
            loading = asyncio.ensure_future(self._source.find(user_id, session_id))
            self._loading[key] = loading
            loading.add_done_callback(lambda done: self._loaded(key, done))
        return asyncio.shield(loading)

    def _loaded(
        self, key: tuple[UUID, UUID, int], done: "asyncio.Future[Principal | None]"
    ) -> None:
        self._loading.pop(key, None)
        retrieve(done)

    def forget(self, user_id: UUID) -> None:
        self._generations[user_id] = self._generations.get(user_id, 0) + 1
        if len(self._generations) > self._most:  # nobody's counter may fall
            self._everyone += max(self._generations.values())
            self._generations.clear()
        for session_id in self._sessions.pop(user_id, ()):
            del self._cached[user_id, session_id]

    def forget_everyone(self) -> None:
        self._everyone += 1
        self._cached.clear()
        self._sessions.clear()

    def _note_end(self, session_id: UUID) -> None:
        self._ended[session_id] = None
        self._ended.move_to_end(session_id)
        if len(self._ended) > ENDED_SESSIONS:
            self._ended.popitem(last=False)

    def _remember(self, principal: Principal) -> None:
        self._ended.pop(principal.session_id, None)  # a database that was restored may have it
        self._cached[principal.user_id, principal.session_id] = principal
        self._sessions.setdefault(principal.user_id, set()).add(principal.session_id)
        while len(self._cached) > self._most:
            (user_id, session_id), _ = self._cached.popitem(last=False)
            sessions = self._sessions[user_id]
            sessions.remove(session_id)
            if not sessions:
                del self._sessions[user_id]
