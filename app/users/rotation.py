"""Refreshing: a session goes to its next generation, and with it its refresh token.

The token is made from the row's id and `generation` and stored nowhere; the generation rises
under the row's lock. The token of the generation before gives the same successor for GRACE, since
two tabs may refresh at once; whoever comes with it later, or with an older one, holds a copy, and
the session ends.
"""

from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.tokens import RefreshClaims, RefreshTokenInvalidError, read_refresh_token
from app.core.config import Settings
from app.users.events import record_rights_change
from app.users.models import User, UserSession, is_live
from app.users.sessions import lifetime, revoke_sessions

GRACE = timedelta(seconds=10)


async def rotate_session(
    session: AsyncSession, settings: Settings, *, refresh_token: str
) -> UserSession | None:
    """The session in its next generation; None: a copy was used, and the session is revoked.

    The caller commits in both cases. Raises RefreshTokenInvalidError.
    """
    claims = read_refresh_token(settings, refresh_token)
    row, in_grace = await _lock_session(session, claims)
    if claims.generation == row.generation:
        return await _raise_generation(session, settings, row)
    if claims.generation == row.generation - 1 and in_grace:
        return row
    await revoke_sessions(session, user_id=row.user_id, where=UserSession.id == row.id)
    await record_rights_change(session, user_id=row.user_id)
    return None


async def _lock_session(session: AsyncSession, claims: RefreshClaims) -> tuple[UserSession, bool]:
    """A live session of an active user, and whether its last refresh is within GRACE.

    A generation above the session's is genuine and still no good: the database is a restored one.
    """
    in_grace = UserSession.rotated_at > func.statement_timestamp() - GRACE
    query = (
        select(UserSession, in_grace)
        .join(User, User.id == UserSession.user_id)
        .where(
            UserSession.id == claims.session_id,
            UserSession.generation >= claims.generation,
            User.is_active,
            is_live(),
        )
        .with_for_update(of=UserSession)
        .execution_options(populate_existing=True)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise RefreshTokenInvalidError
    found, recent = row
    return found, recent


async def _raise_generation(
    session: AsyncSession, settings: Settings, row: UserSession
) -> UserSession:
    now = func.statement_timestamp()
    rotation = (
        update(UserSession)
        .where(UserSession.id == row.id)
        .values(
            generation=UserSession.generation + 1,
            rotated_at=now,
            last_used_at=now,
            expires_at=now + lifetime(settings),
        )
        .returning(UserSession)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return (await session.scalars(rotation)).one()
