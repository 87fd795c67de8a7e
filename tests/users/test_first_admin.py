import asyncio

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Role
from app.core.config import Settings, SettingsError
from app.core.database import Sessions
from app.users import service as users_service
from app.users.first_admin import ensure_admin
from app.users.models import User, active_admins
from tests.application import PASSWORD
from tests.users.people import add_user

EMAIL = "Root@Tandem.Example"
HOW_MANY_ADMINS = select(func.count()).select_from(User).where(active_admins())


@pytest.fixture
def configured(settings: Settings) -> Settings:
    return configure(settings)


def configure(settings: Settings, email: str = EMAIL, password: str = PASSWORD) -> Settings:
    given = {"admin_email": email, "admin_password": SecretStr(password)}
    return settings.model_copy(update=given)


async def test_first_admin_is_made(session: AsyncSession, configured: Settings) -> None:
    await ensure_admin(session, settings=configured)
    made = await users_service.find_user_by_email(session, email=EMAIL)
    assert made is not None
    assert (made.role, made.email, made.is_active) == (Role.ADMIN, EMAIL, True)


async def test_nothing_is_made_without_the_settings(
    session: AsyncSession, settings: Settings
) -> None:
    await ensure_admin(session, settings=settings)
    assert await session.scalar(HOW_MANY_ADMINS) == 0


async def test_nothing_is_made_beside_an_admin(session: AsyncSession, configured: Settings) -> None:
    await add_user(session, configured, role=Role.ADMIN)
    await ensure_admin(session, settings=configured)
    assert await users_service.find_user_by_email(session, email=EMAIL) is None


@pytest.mark.parametrize(
    ("email", "password", "named"),
    [
        ("root", "tandem-demo", "TANDEM_ADMIN_EMAIL"),
        ("", "tandem-demo", "TANDEM_ADMIN_EMAIL"),
        (EMAIL, "short", "TANDEM_ADMIN_PASSWORD"),
        (EMAIL, "", "TANDEM_ADMIN_PASSWORD"),
    ],
)
async def test_wrong_setting_is_named_and_no_password_shown(
    session: AsyncSession, settings: Settings, email: str, password: str, named: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        await ensure_admin(session, settings=configure(settings, email, password))
    assert str(caught.value).startswith(named)
    assert not password or password not in str(caught.value)


async def test_whoever_signed_up_with_that_address_is_not_promoted(
    session: AsyncSession, configured: Settings
) -> None:
    await users_service.create_user(session, email=EMAIL.lower(), name="Eve", password_hash="")
    with pytest.raises(SettingsError, match="TANDEM_ADMIN_EMAIL"):
        await ensure_admin(session, settings=configured)


async def test_several_workers_make_one_admin(sessions: Sessions, configured: Settings) -> None:
    async def start() -> None:
        async with sessions.begin() as session:
            await ensure_admin(session, settings=configured)

    async with asyncio.timeout(10):
        await asyncio.gather(*(start() for _ in range(4)))
    async with sessions() as session:
        assert await session.scalar(HOW_MANY_ADMINS) == 1
