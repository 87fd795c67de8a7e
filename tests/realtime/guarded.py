"""A runtime whose people and rights are in the test's hand, and can be slow to answer."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal, Principals, Role
from app.auth.tokens import issue_access_token
from app.core.config import Settings
from app.core.database import create_engine, create_sessions
from app.realtime.channels import ChannelPolicy, Channels, Question
from app.realtime.outbox import CONTROL_CHANNEL, ControlEvent
from app.realtime.runtime import Runtime
from tests.realtime.log_writer import LogWriter, writing
from tests.realtime.stage import Player, playing


@dataclass
class Somebody:
    id: UUID = field(default_factory=uuid4)
    session: UUID = field(default_factory=uuid4)


class Rights:
    """A PrincipalSource: what it answers is settled when it is asked, and told once it may."""

    def __init__(self) -> None:
        self.roles: dict[UUID, Role] = {}
        self.ended: set[UUID] = set()
        self.errors: list[Exception] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = 0

    async def find(self, user_id: UUID, session_id: UUID) -> Principal | None:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        role = None if session_id in self.ended else self.roles.get(user_id)
        await self.may_answer.wait()
        return Principal(user_id, session_id, "Somebody", role) if role else None


class Board:
    """The channel `board`: staff, by what the principal says."""

    namespace = "board"
    keyed = False
    presence = False
    signals: type[BaseModel] | None = None
    stored = True

    def may_subscribe(self, principal: Principal, _key: str) -> bool:
        return principal.is_staff


class Rooms:
    """`rooms:<name>`: everybody, as long as the room is there. Slow to answer when it shall be."""

    namespace = "rooms"
    keyed = True
    presence = False
    signals: type[BaseModel] | None = None
    stored = True

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.failing: set[str] = set()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()
        self.times_asked = 0

    def may_subscribe(self, _principal: Principal, key: str) -> Question:
        return Question(self._read, key)

    async def _read(self, _session: AsyncSession, keys: Collection[str]) -> Collection[str]:
        if self.failing.intersection(keys):
            raise ConnectionRefusedError
        allowed = set(keys) - self.gone
        self.times_asked += 1
        self.asked.set()
        await self.may_answer.wait()
        return allowed


@dataclass
class Desk:
    settings: Settings
    runtime: Runtime
    rights: Rights
    rooms: Rooms
    channels: Channels
    log: LogWriter

    def somebody(self, role: Role = Role.STAFF) -> Somebody:
        person = Somebody()
        self.rights.roles[person.id] = role
        return person

    def token(self, person: Somebody, session: UUID | None = None) -> str:
        issued = issue_access_token(
            self.settings, user_id=person.id, session_id=session or person.session
        )
        return issued.token

    @contextmanager
    def player(self) -> Iterator[Player]:
        with playing(self.runtime) as player:
            yield player

    @asynccontextmanager
    async def connected(self, person: Somebody) -> AsyncIterator[Player]:
        with self.player() as player:
            assert "connect" in await player.ask(connect={"token": self.token(person)})
            yield player

    async def change(self, person: Somebody, role: Role | None) -> None:
        """Another role, or none, and every worker is told in the same moment."""
        if role is None:
            del self.rights.roles[person.id]
        else:
            self.rights.roles[person.id] = role
        await self.control(user_id=person.id)

    async def control(self, *, user_id: UUID | None = None, channel: str | None = None) -> None:
        event = ControlEvent(at=datetime.now(UTC), user_id=user_id, channel=channel)
        await self.say(CONTROL_CHANNEL, event.model_dump_json())

    async def say(self, channel: str, payload: str | None = None) -> None:
        """An event that arrives at once."""
        for message in await self.log.append(channel, payload=payload):
            self.runtime.follower.deliver(message)


@asynccontextmanager
async def guarding(settings: Settings, *, by_way_of: str = "") -> AsyncIterator[Desk]:
    """As `starting`, once clients are served."""
    async with starting(settings, by_way_of=by_way_of) as desk:
        assert await desk.runtime.wait_ready(15)
        yield desk


@asynccontextmanager
async def starting(settings: Settings, *, by_way_of: str = "") -> AsyncIterator[Desk]:
    """Nothing happens by itself: no sweep, no look, only what the test does.

    The runtime reaches the database by the other address, if one is given.
    """
    address = by_way_of or settings.database_url
    quiet = settings.model_copy(
        update={"sweep_seconds": 60, "look_seconds": 60, "database_url": address}
    )
    engine = create_engine(quiet)
    sessions = create_sessions(engine)
    rights, rooms = Rights(), Rooms()
    policies: list[ChannelPolicy] = [Board(), rooms]
    runtime = Runtime(quiet, sessions, Principals(rights), policies)
    await runtime.start()
    try:
        async with writing(settings.database_url) as log:
            yield Desk(quiet, runtime, rights, rooms, Channels(sessions, policies), log)
    finally:
        await runtime.stop()
        await engine.dispose()
