"""An admin who is one no more by the time at which their request, let in before, has its turn."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Role
from app.core.database import Sessions
from app.users import service as users_service
from app.users.models import User
from app.users.schemas import UserChanges
from tests.users.people import API, Cast

WAITS = text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
WAIT_SECONDS = 8  # less than the limit of a statement
POLL_SECONDS = 0.02


async def until_somebody_waits(session: AsyncSession) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not await session.scalar(WAITS):  # noqa: ASYNC110 - Postgres gives no sign
            await asyncio.sleep(POLL_SECONDS)


@pytest.mark.parametrize("lost", [{"role": Role.STAFF}, {"is_active": False}])
@pytest.mark.parametrize(
    ("method", "whom", "body"),
    [
        ("PATCH", "bea", {"is_active": True, "role": "admin"}),
        ("PATCH", "ann", {"role": "staff"}),
        ("DELETE", "ann", None),
        ("PATCH", "cleo", {"role": "admin"}),
        ("DELETE", "cleo", None),
    ],
)
async def test_who_lost_the_role_meanwhile_changes_nobody(
    cast: Cast, lost: UserChanges, method: str, whom: str, body: dict[str, Any] | None
) -> None:
    """Not even where there is a third admin: what is at stake is not the last one."""
    await cast.user(Role.ADMIN, "Cai")
    bea = await cast.person(Role.ADMIN, "Bea")
    people = {"ann": await cast.user(Role.ADMIN, "Ann"), "cleo": await cast.user()}
    people["bea"] = await find(cast.sessions, bea.id)
    path = f"{API}/users/{people[whom].id}"

    async with cast.sessions.begin() as session:
        for user_id in {bea.id, people[whom].id}:
            await users_service.update_user(
                session, user_id=user_id, changes={"name": "Changed"}, actor=None
            )
        await users_service.update_user(session, user_id=bea.id, changes=lost, actor=None)
        request = cast.client.request(method, path, json=body, headers=bea.headers)
        asking = asyncio.create_task(request)
        await until_somebody_waits(session)
    answer = await asking

    assert answer.status_code == 403
    left = await find(cast.sessions, people[whom].id)
    expected = {"role": people[whom].role, "is_active": True} | (lost if whom == "bea" else {})
    assert {"role": left.role, "is_active": left.is_active} == expected


async def find(sessions: Sessions, user_id: UUID) -> User:
    async with sessions() as session:
        return await users_service.get_user(session, user_id=user_id)
