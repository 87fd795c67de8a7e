"""The answer to what auth asks: who is this, and what may they do now?"""

from uuid import UUID

from sqlalchemy import select

from app.auth.principals import Principal
from app.core.database import Sessions
from app.users.models import User, UserSession, is_live


class DatabasePrincipals:
    """A PrincipalSource; one statement, in a transaction of its own."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def find(self, user_id: UUID, session_id: UUID) -> Principal | None:
        query = (
            select(User.id, UserSession.id, User.name, User.role)
            .join(UserSession, UserSession.user_id == User.id)
            .where(User.id == user_id, User.is_active, UserSession.id == session_id, is_live())
        )
        async with self._sessions() as session:
            row = (await session.execute(query)).one_or_none()
        return Principal(*row) if row else None
