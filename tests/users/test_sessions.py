import asyncio
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.tokens import RefreshTokenInvalidError, issue_refresh_token
from app.core.config import Settings
from app.core.database import Sessions
from app.core.ids import new_id
from app.users import credentials as users_credentials
from app.users import rotation as users_rotation
from app.users import service as users_service
from app.users import sessions as users_sessions
from app.users.credentials import Verified
from app.users.errors import InvalidCredentials, SessionNotFound, WrongPassword
from app.users.models import User, UserSession
from app.users.sessions import Device
from tests.application import PASSWORD
from tests.users.people import add_user, controls_of

LAPTOP = Device("Firefox", "192.0.2.1")


async def verified(session: AsyncSession, settings: Settings, user: User) -> Verified:
    credentials = await users_credentials.find_credentials(session, email=user.email)
    return await users_credentials.verify(settings, credentials, PASSWORD)


async def sign_in(session: AsyncSession, settings: Settings, user: User) -> UserSession:
    return await users_sessions.open_session(
        session, settings, verified=await verified(session, settings, user), device=LAPTOP
    )


def token(settings: Settings, opened: UserSession, generation: int | None = None) -> str:
    present = opened.generation if generation is None else generation
    return issue_refresh_token(settings, session_id=opened.id, generation=present)


async def rotate(
    session: AsyncSession, settings: Settings, refresh_token: str
) -> UserSession | None:
    return await users_rotation.rotate_session(session, settings, refresh_token=refresh_token)


async def age(session: AsyncSession, opened: UserSession, seconds: float) -> None:
    """As if the last refresh had been so long ago."""
    ago = func.statement_timestamp() - timedelta(seconds=seconds)
    await session.execute(
        update(UserSession).where(UserSession.id == opened.id).values(rotated_at=ago)
    )
    session.expire_all()


async def is_revoked(session: AsyncSession, session_id: object) -> bool:
    revoked_at = select(UserSession.revoked_at).where(UserSession.id == session_id)
    return await session.scalar(revoked_at) is not None


async def test_sign_in_opens_a_session_on_that_device(
    session: AsyncSession, settings: Settings
) -> None:
    opened = await sign_in(session, settings, await add_user(session, settings))
    assert (opened.user_agent, opened.address, opened.generation) == ("Firefox", "192.0.2.1", 0)
    assert opened.expires_at - opened.created_at == timedelta(days=14)


async def test_wrong_password_unknown_address_and_deactivated_account_are_one(
    session: AsyncSession, settings: Settings
) -> None:
    user = await add_user(session, settings)
    credentials = await users_credentials.find_credentials(session, email=user.email)
    with pytest.raises(InvalidCredentials) as wrong:
        await users_credentials.verify(settings, credentials, "wrong")
    with pytest.raises(InvalidCredentials) as unknown:
        await users_credentials.verify(settings, None, PASSWORD)
    assert wrong.value.message == unknown.value.message
    await users_service.deactivate_user(session, user_id=user.id, actor=None)
    assert await users_credentials.find_credentials(session, email=user.email) is None


async def test_password_changed_while_it_was_verified_does_not_sign_in(
    session: AsyncSession, settings: Settings
) -> None:
    user = await add_user(session, settings)
    checked = await verified(session, settings, user)
    await users_credentials.store_hash(session, user_id=user.id, password_hash="another")
    with pytest.raises(InvalidCredentials):
        await users_sessions.open_session(session, settings, verified=checked, device=LAPTOP)


async def test_sign_in_sweeps_the_users_ended_sessions(
    session: AsyncSession, settings: Settings
) -> None:
    user = await add_user(session, settings)
    ended, live = [await sign_in(session, settings, user) for _ in range(2)]
    await users_sessions.end_session(session, user_id=user.id, session_id=ended.id)
    newest = await sign_in(session, settings, user)
    rows = await session.scalars(select(UserSession.id).where(UserSession.user_id == user.id))
    assert set(rows) == {live.id, newest.id}


async def test_refresh_rotates_and_prolongs(session: AsyncSession, settings: Settings) -> None:
    opened = await sign_in(session, settings, await add_user(session, settings))
    expires_at = opened.expires_at
    rotated = await rotate(session, settings, token(settings, opened))
    assert rotated is opened
    assert opened.generation == 1
    assert opened.expires_at > expires_at
    assert opened.rotated_at == opened.last_used_at > opened.created_at


async def test_predecessor_gives_the_same_successor_for_ten_seconds(
    session: AsyncSession, settings: Settings
) -> None:
    opened = await sign_in(session, settings, await add_user(session, settings))
    first = token(settings, opened)
    await rotate(session, settings, first)
    await age(session, opened, 9)
    again = await rotate(session, settings, first)
    assert again is not None
    assert again.generation == 1
    assert not await is_revoked(session, opened.id)


async def test_predecessor_ends_the_session_later(
    session: AsyncSession, settings: Settings
) -> None:
    opened = await sign_in(session, settings, await add_user(session, settings))
    first = token(settings, opened)
    await rotate(session, settings, first)
    await age(session, opened, 10.1)
    assert await rotate(session, settings, first) is None
    assert await is_revoked(session, opened.id)
    assert await controls_of(session, opened.user_id) == 1
    with pytest.raises(RefreshTokenInvalidError):
        await rotate(session, settings, token(settings, opened, 1))


async def test_older_than_the_predecessor_ends_the_session_at_once(
    session: AsyncSession, settings: Settings
) -> None:
    opened = await sign_in(session, settings, await add_user(session, settings))
    for generation in range(2):
        await rotate(session, settings, token(settings, opened, generation))
    assert await rotate(session, settings, token(settings, opened, 0)) is None
    assert await is_revoked(session, opened.id)


async def test_generation_that_never_was_is_refused(
    session: AsyncSession, settings: Settings
) -> None:
    """As after a restore from a backup, with the same key."""
    opened = await sign_in(session, settings, await add_user(session, settings))
    with pytest.raises(RefreshTokenInvalidError):
        await rotate(session, settings, token(settings, opened, 5))
    assert not await is_revoked(session, opened.id)


async def test_token_of_the_previous_key_is_rotated_to_the_present_one(
    session: AsyncSession, settings: Settings
) -> None:
    opened = await sign_in(session, settings, await add_user(session, settings))
    renewed = settings.model_copy(
        update={
            "secret_key": SecretStr("n" * 32),
            "previous_secret_keys": (settings.secret_key,),
        }
    )
    assert await rotate(session, renewed, token(settings, opened)) is opened
    assert await rotate(session, renewed, token(renewed, opened)) is opened


async def test_expired_session_is_not_refreshed(session: AsyncSession, settings: Settings) -> None:
    brief = settings.model_copy(update={"refresh_token_seconds": 1e-6})
    opened = await sign_in(session, brief, await add_user(session, settings))
    with pytest.raises(RefreshTokenInvalidError):
        await rotate(session, settings, token(settings, opened))
    assert await users_sessions.list_sessions(session, user_id=opened.user_id) == []


async def test_deactivated_users_sessions_end_for_good(
    session: AsyncSession, settings: Settings
) -> None:
    user = await add_user(session, settings)
    opened = await sign_in(session, settings, user)
    await users_service.deactivate_user(session, user_id=user.id, actor=None)
    await users_service.update_user(
        session, user_id=user.id, changes={"is_active": True}, actor=None
    )
    with pytest.raises(RefreshTokenInvalidError):
        await rotate(session, settings, token(settings, opened))


async def test_concurrent_refreshes_get_the_same_successor(
    sessions: Sessions, settings: Settings
) -> None:
    async with sessions.begin() as session:
        opened = await sign_in(session, settings, await add_user(session, settings))
    first = token(settings, opened)

    async def refresh() -> int | None:
        async with sessions.begin() as session:
            rotated = await rotate(session, settings, first)
            return rotated.generation if rotated else None

    async with asyncio.timeout(10):
        assert await asyncio.gather(*(refresh() for _ in range(6))) == [1] * 6


async def test_session_of_somebody_else_does_not_exist(
    session: AsyncSession, settings: Settings
) -> None:
    opened = await sign_in(session, settings, await add_user(session, settings))
    other = await add_user(session, settings)
    with pytest.raises(SessionNotFound):
        await users_sessions.end_session(session, user_id=other.id, session_id=opened.id)
    with pytest.raises(SessionNotFound):
        await users_sessions.end_session(session, user_id=opened.user_id, session_id=new_id())
    with pytest.raises(RefreshTokenInvalidError):
        await users_sessions.sign_out(
            session, settings, user_id=other.id, refresh_token=token(settings, opened)
        )
    assert not await is_revoked(session, opened.id)


async def test_sign_out_takes_a_token_of_any_generation(
    session: AsyncSession, settings: Settings
) -> None:
    opened = await sign_in(session, settings, await add_user(session, settings))
    first = token(settings, opened)
    await rotate(session, settings, first)
    await users_sessions.sign_out(session, settings, user_id=opened.user_id, refresh_token=first)
    assert await is_revoked(session, opened.id)
    assert await controls_of(session, opened.user_id) == 1


async def test_new_password_ends_the_other_sessions(
    session: AsyncSession, settings: Settings
) -> None:
    user = await add_user(session, settings)
    kept, *others = [await sign_in(session, settings, user) for _ in range(3)]
    checked = await verified(session, settings, user)
    await users_sessions.change_password(session, verified=checked, new_hash="new", keep=kept.id)
    assert not await is_revoked(session, kept.id)
    assert [await is_revoked(session, other.id) for other in others] == [True, True]
    assert await controls_of(session, user.id) == 1
    with pytest.raises(WrongPassword):
        await users_sessions.change_password(
            session, verified=checked, new_hash="newer", keep=kept.id
        )


async def test_new_password_without_other_sessions_tells_nobody(
    session: AsyncSession, settings: Settings
) -> None:
    user = await add_user(session, settings)
    only = await sign_in(session, settings, user)
    checked = await verified(session, settings, user)
    await users_sessions.change_password(session, verified=checked, new_hash="new", keep=only.id)
    assert await controls_of(session, user.id) == 0
    assert user.version == 1
