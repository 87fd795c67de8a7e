"""Sessions: opened by signing in, listed, ended. `rotation` keeps them alive."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, not_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.tokens import (
    RefreshTokenInvalidError,
    issue_access_token,
    issue_refresh_token,
    read_refresh_token,
)
from app.core.config import Settings
from app.core.database import OpenSession
from app.users.credentials import Verified, lock_verified, store_hash
from app.users.errors import InvalidCredentials, SessionNotFound, WrongPassword
from app.users.events import record_rights_change
from app.users.models import UserSession, is_live

LISTED_SESSIONS = 200
REMOVED_ROWS = 1_000

# Nobody is waited for: a session that is just refreshed or revoked is left alone.
REMOVE_ENDED = """
    DELETE FROM user_sessions WHERE id = ANY(ARRAY(
        SELECT id FROM user_sessions
        WHERE LEAST(revoked_at, expires_at) <= statement_timestamp()
        ORDER BY LEAST(revoked_at, expires_at) LIMIT $1 FOR UPDATE SKIP LOCKED))
"""


@dataclass(frozen=True, slots=True)
class Device:
    """From where somebody signs in, as far as the request tells."""

    user_agent: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class Tokens:
    access_token: str
    expires_in: int
    refresh_token: str


async def open_session(
    session: AsyncSession, settings: Settings, *, verified: Verified, device: Device
) -> UserSession:
    """Sign in. The password must still be the one that was verified. Raises InvalidCredentials."""
    await lock_verified(session, verified)
    user_id = verified.user_id
    ended = delete(UserSession).where(UserSession.user_id == user_id, not_(is_live()))
    await session.execute(ended)
    opening = insert(UserSession).values(
        user_id=user_id,
        expires_at=func.statement_timestamp() + lifetime(settings),
        user_agent=device.user_agent,
        address=device.address,
    )
    return (await session.scalars(opening.returning(UserSession))).one()


def issue_tokens(settings: Settings, session: UserSession) -> Tokens:
    """An access token, and the refresh token of the session's present generation."""
    access = issue_access_token(settings, user_id=session.user_id, session_id=session.id)
    refresh_token = issue_refresh_token(
        settings, session_id=session.id, generation=session.generation
    )
    return Tokens(access.token, access.expires_in, refresh_token)


async def list_sessions(session: AsyncSession, *, user_id: UUID) -> Sequence[UserSession]:
    """The live ones, newest first."""
    query = select(UserSession).where(UserSession.user_id == user_id, is_live())
    newest = query.order_by(UserSession.id.desc()).limit(LISTED_SESSIONS)
    return (await session.scalars(newest)).all()


async def end_session(session: AsyncSession, *, user_id: UUID, session_id: UUID) -> None:
    """Sign out. Raises SessionNotFound unless it is a live session of that user."""
    if not await revoke_sessions(session, user_id=user_id, where=UserSession.id == session_id):
        raise SessionNotFound
    await record_rights_change(session, user_id=user_id)


async def sign_out(
    session: AsyncSession, settings: Settings, *, user_id: UUID, refresh_token: str
) -> None:
    """End the session of the token, of whichever generation. Raises RefreshTokenInvalidError."""
    claims = read_refresh_token(settings, refresh_token)
    try:
        await end_session(session, user_id=user_id, session_id=claims.session_id)
    except SessionNotFound:
        raise RefreshTokenInvalidError from None


async def change_password(
    session: AsyncSession, *, verified: Verified, new_hash: str, keep: UUID
) -> None:
    """End all sessions of the user but `keep`. Raises WrongPassword if it was changed meanwhile."""
    try:
        await lock_verified(session, verified)
    except InvalidCredentials:
        raise WrongPassword from None
    user_id = verified.user_id
    await store_hash(session, user_id=user_id, password_hash=new_hash)
    if await revoke_sessions(session, user_id=user_id, where=UserSession.id != keep):
        await record_rights_change(session, user_id=user_id)


async def revoke_sessions(
    session: AsyncSession, *, user_id: UUID, where: ColumnElement[bool] | None = None
) -> int:
    """End the user's live sessions, or some, without telling anybody; returns how many."""
    revoke = (
        update(UserSession)
        .where(UserSession.user_id == user_id, is_live(), true() if where is None else where)
        .values(revoked_at=func.statement_timestamp())
        .returning(UserSession.id)
    )
    return len((await session.execute(revoke)).all())


async def remove_ended(sessions: OpenSession, *, limit: int = REMOVED_ROWS) -> int:
    """Remove some that are live no more, with where they came from, whether or not their person
    ever comes again; in a transaction of its own. How many.
    """
    async with sessions() as session, session.begin():
        connection = await session.connection()
        return (await connection.exec_driver_sql(REMOVE_ENDED, (limit,))).rowcount


def lifetime(settings: Settings) -> timedelta:
    """How long a session lives without a refresh."""
    return timedelta(seconds=settings.refresh_token_seconds)
