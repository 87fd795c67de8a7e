"""The first admin, of ADMIN_EMAIL and ADMIN_PASSWORD, made when a worker starts and finds none."""

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.passwords import PASSWORD_MAX_LENGTH, PASSWORD_MIN_LENGTH, hash_password
from app.auth.principals import Role
from app.core.config import Settings, SettingsError
from app.users import service as users_service
from app.users.errors import EmailTaken
from app.users.models import User, active_admins
from app.users.schemas import UserCreate

ADMIN_NAME = "Admin"
ADVISORY_LOCK = 0x7461_6E64_0001
ALLOWED = {
    "email": "allowed: a well-formed e-mail address",
    "password": f"allowed: {PASSWORD_MIN_LENGTH} to {PASSWORD_MAX_LENGTH} characters",
}


async def ensure_admin(session: AsyncSession, *, settings: Settings) -> None:
    """Make the first admin of ADMIN_EMAIL and ADMIN_PASSWORD, if there is none.

    Several workers may start at once: they come here one after the other, until the caller
    commits. Raises SettingsError, also if the address is already somebody's who is no admin: to
    promote whoever signed up with it would give them everything.
    """
    if not settings.admin_email and not settings.admin_password.get_secret_value():
        return
    await session.execute(select(func.pg_advisory_xact_lock(ADVISORY_LOCK)))
    if await session.scalar(select(User.id).where(active_admins()).limit(1)):
        return
    email, password = _first_admin(settings)
    try:
        await users_service.create_user(
            session,
            email=email,
            name=ADMIN_NAME,
            password_hash=await hash_password(settings, password),
            role=Role.ADMIN,
        )
    except EmailTaken:
        raise SettingsError(
            f"TANDEM_ADMIN_EMAIL: given {email!r}, allowed: an address without an account"
        ) from None


def _first_admin(settings: Settings) -> tuple[str, str]:
    given = {
        "email": settings.admin_email,
        "password": settings.admin_password.get_secret_value(),
        "name": ADMIN_NAME,
    }
    try:
        admin = UserCreate.model_validate(given)
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise SettingsError(f"TANDEM_ADMIN_{field.upper()}: {ALLOWED[field]}") from None
    return admin.email, admin.password
