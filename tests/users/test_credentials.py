"""Hashes of other parameters than today's are replaced, and keep nobody out by that."""

import asyncio

import pytest
from argon2 import PasswordHasher
from httpx import AsyncClient

from app.core.config import Settings
from app.core.database import Sessions
from app.core.ids import new_id
from app.users import credentials as users_credentials
from app.users import service as users_service
from app.users import sessions as users_sessions
from app.users.credentials import Credentials, Verified
from app.users.errors import InvalidCredentials
from app.users.models import User
from app.users.sessions import Device
from tests.application import PASSWORD, sign_in
from tests.users.people import API, Cast, an_email

FORMER = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)


@pytest.fixture
async def user(sessions: Sessions) -> User:
    """Somebody who has not signed in since the parameters were raised."""
    async with sessions.begin() as session:
        return await users_service.create_user(
            session, email=an_email(), name="Cleo", password_hash=FORMER.hash(PASSWORD)
        )


async def stored(sessions: Sessions, user: User) -> Credentials:
    async with sessions() as session:
        found = await users_credentials.find_credentials(session, email=user.email)
    assert found is not None
    return found


async def verify(
    sessions: Sessions, settings: Settings, credentials: Credentials | None
) -> Verified:
    return await users_credentials.verify_lasting(sessions, settings, credentials, PASSWORD)


async def test_a_hash_of_other_parameters_is_replaced(
    sessions: Sessions, settings: Settings, user: User
) -> None:
    production = settings.model_copy(update={"environment": "production"})
    verified = await verify(sessions, production, await stored(sessions, user))
    async with sessions() as session:
        found = await session.get_one(User, user.id)
    assert "m=19456" in found.password_hash == verified.password_hash
    assert (found.version, found.updated_at) == (user.version, user.updated_at)


async def test_two_who_verified_the_same_old_hash_both_sign_in(
    sessions: Sessions, settings: Settings, user: User
) -> None:
    old = await stored(sessions, user)
    both = [await verify(sessions, settings, old) for _ in range(2)]
    for verified in both:
        async with sessions.begin() as session:
            device = Device(None, None)
            await users_sessions.open_session(session, settings, verified=verified, device=device)


async def test_the_old_hash_of_a_password_that_was_changed_meanwhile_is_no_good(
    sessions: Sessions, settings: Settings, user: User
) -> None:
    old = await stored(sessions, user)
    async with sessions.begin() as session:
        another = FORMER.hash("another password")
        await users_credentials.store_hash(session, user_id=user.id, password_hash=another)
    with pytest.raises(InvalidCredentials):
        await verify(sessions, settings, old)
    assert (await stored(sessions, user)).password_hash == another


async def test_several_tabs_sign_in_at_once_when_the_hash_is_to_be_replaced(
    client: AsyncClient, user: User
) -> None:
    form = {"username": user.email, "password": PASSWORD}
    answers = await asyncio.gather(*(client.post(f"{API}/auth/token", data=form) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4


async def test_a_password_is_changed_while_another_tab_has_its_hash_replaced(
    client: AsyncClient, cast: Cast, user: User
) -> None:
    person = await sign_in(client, user.email)
    async with cast.sessions.begin() as session:
        former = FORMER.hash(PASSWORD)
        await users_credentials.store_hash(session, user_id=user.id, password_hash=former)
    body = {"current": PASSWORD, "new": f"new-{new_id().hex}"}
    change, _entry = await asyncio.gather(
        client.post(f"{API}/users/me/password", json=body, headers=person.headers),
        client.post(f"{API}/auth/token", data={"username": user.email, "password": PASSWORD}),
    )
    assert change.status_code == 204
