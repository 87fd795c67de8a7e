"""The first admin, of ADMIN_EMAIL and ADMIN_PASSWORD, made when a worker starts and finds none."""

import asyncio
import logging

from asyncpg import InterfaceError, PostgresError
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.passwords import hash_password
from app.auth.principals import Role
from app.core.config import Settings, SettingsError
from app.core.database import Sessions
from app.core.locks import FIRST_ADMIN_LOCK
from app.core.outages import Outage
from app.users import service as users_service
from app.users.errors import EmailTaken
from app.users.models import User, active_admins

logger = logging.getLogger(__name__)

ADMIN_NAME = "Admin"
RETRY_SECONDS = 1.0
NOT_YET = (SQLAlchemyError, PostgresError, InterfaceError, OSError)


class FirstAdmin:
    """Looks for one at the start, and as long as there are no tables or no database again."""

    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        self._settings = settings
        self._sessions = sessions
        self._outage = Outage(logger, "no first admin yet", "the first admin was looked for")
        self._trying: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises SettingsError where that account is somebody's; see `ensure_admin`."""
        if not await self._look():
            self._trying = asyncio.create_task(self._try_again(), name="first-admin")

    async def aclose(self) -> None:
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.gather(self._trying, return_exceptions=True)

    async def _try_again(self) -> None:
        try:
            while not await self._look():  # noqa: ASYNC110 - Postgres has no event for it
                await asyncio.sleep(RETRY_SECONDS)
        except SettingsError as error:  # the start is over: who serves goes on serving
            logger.error("no first admin", extra={"error": str(error)})  # noqa: TRY400 - one line

    async def _look(self) -> bool:
        """Whether that was possible."""
        try:
            async with self._sessions() as session, session.begin():
                await ensure_admin(session, settings=self._settings)
        except NOT_YET as error:
            self._outage.begin(error)
            return False
        self._outage.end()
        return True


async def ensure_admin(session: AsyncSession, *, settings: Settings) -> None:
    """Make the first admin of ADMIN_EMAIL and ADMIN_PASSWORD, if there is none.

    Several workers may start at once: they come here one after the other, until the caller
    commits. Raises SettingsError if the address is already somebody's who is no admin: to promote
    whoever signed up with it would give them everything.
    """
    if not settings.admin_email:
        return
    await session.execute(select(func.pg_advisory_xact_lock(FIRST_ADMIN_LOCK)))
    if await session.scalar(select(User.id).where(active_admins()).limit(1)):
        return
    password = settings.admin_password.get_secret_value()
    try:
        await users_service.create_user(
            session,
            email=settings.admin_email,
            name=ADMIN_NAME,
            password_hash=await hash_password(settings, password),
            role=Role.ADMIN,
        )
    except EmailTaken:
        given = settings.admin_email
        raise SettingsError(
            f"TANDEM_ADMIN_EMAIL: given {given!r}, allowed: an address without an account"
        ) from None
