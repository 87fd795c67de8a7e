from datetime import timedelta

from sqlalchemy import func

from app.auth.principals import Principal, Role
from app.core.config import Settings
from app.core.database import Sessions
from app.core.ids import new_id
from app.users import service as users_service
from app.users import sessions as users_sessions
from app.users.models import User, UserSession
from app.users.principals import DatabasePrincipals
from tests.users.people import add_user


async def open_session(sessions: Sessions, user: User, *, seconds: float = 60) -> UserSession:
    expires_at = func.statement_timestamp() + timedelta(seconds=seconds)
    opened = UserSession(user_id=user.id, expires_at=expires_at)
    async with sessions.begin() as session:
        session.add(opened)
    return opened


async def a_user(sessions: Sessions, settings: Settings) -> User:
    async with sessions.begin() as session:
        return await add_user(session, settings, role=Role.STAFF, name="Ann")


async def test_active_user_with_a_live_session_is_found(
    sessions: Sessions, settings: Settings
) -> None:
    user = await a_user(sessions, settings)
    opened = await open_session(sessions, user)
    found = await DatabasePrincipals(sessions).find(user.id, opened.id)
    assert found == Principal(user.id, opened.id, "Ann", Role.STAFF)
    assert found.role is Role.STAFF


async def test_nobody_else_is_found(sessions: Sessions, settings: Settings) -> None:
    source = DatabasePrincipals(sessions)
    user, other = [await a_user(sessions, settings) for _ in range(2)]
    opened = await open_session(sessions, user)
    expired = await open_session(sessions, user, seconds=-1)
    assert await source.find(other.id, opened.id) is None
    assert await source.find(user.id, expired.id) is None
    assert await source.find(user.id, new_id()) is None


async def test_ended_session_is_not_found(sessions: Sessions, settings: Settings) -> None:
    user = await a_user(sessions, settings)
    opened = await open_session(sessions, user)
    async with sessions.begin() as session:
        await users_sessions.end_session(session, user_id=user.id, session_id=opened.id)
    assert await DatabasePrincipals(sessions).find(user.id, opened.id) is None


async def test_deactivated_user_is_not_found(sessions: Sessions, settings: Settings) -> None:
    user = await a_user(sessions, settings)
    opened = await open_session(sessions, user)
    async with sessions.begin() as session:
        await users_service.deactivate_user(session, user_id=user.id, actor=None)
    assert await DatabasePrincipals(sessions).find(user.id, opened.id) is None
