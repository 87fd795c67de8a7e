import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Role
from app.core.config import Settings, SettingsError
from app.core.database import Sessions, create_engine, create_sessions
from app.users import service as users_service
from app.users.first_admin import FirstAdmin, ensure_admin
from app.users.models import User, active_admins
from tests.application import PASSWORD, run_application
from tests.realtime.server_proxy import ServerProxy
from tests.users.people import add_user
from tests.waiting import POLL_SECONDS, until

EMAIL = "Root@Tandem.Example"
HOW_MANY_ADMINS = select(func.count()).select_from(User).where(active_admins())


@pytest.fixture
def configured(settings: Settings) -> Settings:
    given = {"admin_email": EMAIL, "admin_password": SecretStr(PASSWORD)}
    return settings.model_copy(update=given)


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[AsyncClient]:
    async with run_application(settings) as application:
        transport = ASGITransport(app=application.asgi)
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


async def is_admin(client: AsyncClient) -> bool:
    """Whether the first admin can sign in, and do what only admins may."""
    form = {"username": EMAIL, "password": PASSWORD}
    tokens = await client.post("/api/v1/auth/token", data=form)
    if tokens.status_code != 200:
        return False
    headers = {"Authorization": f"Bearer {tokens.json()['access_token']}"}
    return (await client.get("/api/v1/users", headers=headers)).status_code == 200


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


async def test_an_application_that_starts_has_its_first_admin(configured: Settings) -> None:
    async with serving(configured) as client:
        assert await is_admin(client)


async def test_an_application_that_starts_before_its_database_has_its_first_admin_later(
    configured: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with ServerProxy(configured.database_url) as proxy:
        await proxy.go_away()
        early = configured.model_copy(update={"database_url": proxy.url})
        async with serving(early) as client:
            before = await is_admin(client)
            await proxy.come_back()
            async with asyncio.timeout(30):
                while not await is_admin(client):  # noqa: ASYNC110 - asked from outside
                    await asyncio.sleep(POLL_SECONDS)

    said = [each for each in caplog.records if each.message == "no first admin yet"]
    assert not before
    assert "ConnectionRefusedError" in said[0].__dict__["error"]


async def test_an_application_ends_that_never_had_a_database(configured: Settings) -> None:
    away = {"database_url": "postgresql://tandem@127.0.0.1:1/tandem"}
    async with serving(configured.model_copy(update=away)) as client:
        assert not await is_admin(client)


async def test_an_address_that_is_taken_is_told_of_where_the_start_is_over(
    configured: Settings, sessions: Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with sessions.begin() as session:
        await users_service.create_user(session, email=EMAIL, name="Eve", password_hash="")
    async with ServerProxy(configured.database_url) as proxy:
        await proxy.go_away()
        away = configured.model_copy(update={"database_url": proxy.url})
        engine = create_engine(away)
        first_admin = FirstAdmin(away, create_sessions(engine))
        await first_admin.start()
        await proxy.come_back()
        await until(lambda: "no first admin" in caplog.messages)
        await first_admin.aclose()
        await engine.dispose()

    assert "TANDEM_ADMIN_EMAIL: given 'Root@" in caplog.records[-1].__dict__["error"]
