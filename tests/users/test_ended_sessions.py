"""Sessions that have ended are removed, though their person does not come again."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from app.core.config import Settings
from app.core.database import Sessions
from app.core.ids import new_id
from app.users import sessions as users_sessions
from app.users.models import User, UserSession
from app.users.sessions import remove_ended
from tests.application import Application, run_application
from tests.users.people import add_user

DAY = timedelta(days=1)


@pytest.fixture
async def user(sessions: Sessions, settings: Settings) -> User:
    while await remove_ended(sessions):  # what other tests have left
        pass
    async with sessions.begin() as session:
        return await add_user(session, settings)


@pytest.fixture
async def application(settings: Settings) -> AsyncIterator[Application]:
    async with run_application(settings) as application:
        yield application


async def opened(sessions: Sessions, user: User, *, left: timedelta = DAY) -> UUID:
    """A session for which so much is left."""
    session_id, expires_at = new_id(), func.statement_timestamp() + left
    async with sessions.begin() as session:
        row = UserSession(id=session_id, user_id=user.id, expires_at=expires_at, address="::1")
        session.add(row)
    return session_id


async def left(sessions: Sessions, user: User) -> set[UUID]:
    async with sessions() as session:
        mine = select(UserSession.id).where(UserSession.user_id == user.id)
        return set(await session.scalars(mine))


async def test_what_has_expired_or_was_revoked_is_removed_by_a_chore(
    application: Application, sessions: Sessions, user: User
) -> None:
    live, revoked, _expired = (
        await opened(sessions, user),
        await opened(sessions, user),
        await opened(sessions, user, left=-DAY),
    )
    async with sessions.begin() as session:
        await users_sessions.end_session(session, user_id=user.id, session_id=revoked)
    for chore in application.runtime.housekeeping.chores:
        await chore()
    assert await left(sessions, user) == {live}


async def test_a_bounded_number_goes_at_once(sessions: Sessions, user: User) -> None:
    for days in (1, 2, 3):
        await opened(sessions, user, left=-DAY * days)
    assert [await remove_ended(sessions, limit=2) for _ in range(3)] == [2, 1, 0]


async def test_who_holds_a_session_is_not_waited_for(sessions: Sessions, user: User) -> None:
    """It may be prolonged."""
    held, _other = [await opened(sessions, user, left=-DAY) for _ in range(2)]
    async with sessions.begin() as session:
        prolonged = update(UserSession).where(UserSession.id == held)
        await session.execute(prolonged.values(expires_at=func.statement_timestamp() + DAY))
        assert await remove_ended(sessions) == 1
    assert await left(sessions, user) == {held}
    assert await remove_ended(sessions) == 0
