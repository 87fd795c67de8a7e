"""People for the tests of users: made in the database, signed up and in over the API."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from httpx import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.passwords import hash_password
from app.auth.principals import Role
from app.core.config import Settings
from app.core.database import Sessions
from app.core.ids import new_id
from app.users import service as users_service
from app.users.models import User
from tests.application import PASSWORD, Person, sign_in

API = "/api/v1"


def an_email() -> str:
    return f"{new_id().hex}@tandem.example"


async def add_user(
    session: AsyncSession, settings: Settings, *, role: Role = Role.CUSTOMER, name: str = "Cleo"
) -> User:
    password_hash = await hash_password(settings, PASSWORD)
    return await users_service.create_user(
        session, email=an_email(), name=name, password_hash=password_hash, role=role
    )


@dataclass
class Cast:
    """Makes people whom the app sees, with whichever role they need."""

    client: AsyncClient
    sessions: Sessions
    settings: Settings

    async def user(self, role: Role = Role.CUSTOMER, name: str = "Cleo") -> User:
        async with self.sessions.begin() as session:
            return await add_user(session, self.settings, role=role, name=name)

    async def person(self, role: Role = Role.CUSTOMER, name: str = "Cleo") -> Person:
        return await self.sign_in(await self.user(role, name))

    async def sign_in(self, user: User) -> Person:
        return await sign_in(self.client, user.email)


async def events_of(session: AsyncSession, entity_id: UUID | str) -> list[dict[str, Any]]:
    """As they are sent, oldest first."""
    rows = await session.execute(
        text("SELECT payload FROM events WHERE entity_id = :id AND entity = 'user' ORDER BY id"),
        {"id": entity_id},
    )
    return [json.loads(payload) for payload in rows.scalars()]


async def controls_of(session: AsyncSession, user_id: UUID) -> int:
    """How often the workers were told to look again at this user's rights."""
    rows = await session.execute(
        text("SELECT payload::jsonb ->> 'user_id' FROM events WHERE channels = '{$control}'")
    )
    return list(rows.scalars()).count(str(user_id))
