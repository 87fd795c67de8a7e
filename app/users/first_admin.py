"""The first admin, of ADMIN_EMAIL and ADMIN_PASSWORD, made when a worker starts and finds none."""

import logging

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.passwords import hash_password
from app.auth.principals import Role
from app.core.config import Settings, SettingsError
from app.core.locks import FIRST_ADMIN_LOCK
from app.users import service as users_service
from app.users.errors import EmailTaken
from app.users.models import User, active_admins

logger = logging.getLogger(__name__)

ADMIN_NAME = "Admin"
ALLOWED = {
    "email": "allowed: a well-formed e-mail address",
    "password": f"allowed: {PASSWORD_MIN_LENGTH} to {PASSWORD_MAX_LENGTH} characters",
}


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
