import asyncio
from collections.abc import Awaitable
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Role
from app.core.config import Settings
from app.core.database import Sessions
from app.core.ids import new_id
from app.core.schemas import format_time
from app.realtime.outbox import Actor
from app.users import service as users_service
from app.users.errors import EmailTaken, LastAdmin, UserNotFound
from app.users.events import RIGHTS_CHANGED
from app.users.models import User
from app.users.schemas import UserChanges
from tests.users.people import add_user, controls_of, events_of

ANN = Actor(id=new_id(), name="Ann")


async def update(session: AsyncSession, user: User, changes: UserChanges) -> User:
    return await users_service.update_user(session, user_id=user.id, changes=changes, actor=ANN)


async def test_new_user_is_told_of_at_the_time_the_row_says(
    session: AsyncSession, settings: Settings
) -> None:
    user = await add_user(session, settings)
    [event] = await events_of(session, user.id)
    assert (event["type"], event["version"], event["actor"]) == ("user.created", 1, None)
    assert event["at"] == event["user"]["updated_at"] == format_time(user.created_at)
    assert event["changed"] == {}
    assert "password" not in str(event)


async def test_event_goes_to_all_users_and_to_that_one(
    session: AsyncSession, settings: Settings
) -> None:
    user = await add_user(session, settings)
    channels = await session.scalar(
        text("SELECT channels FROM events WHERE entity_id = :id"), {"id": user.id}
    )
    assert channels == ["users", f"users:{user.id}"]


@pytest.mark.parametrize("spelling", [str, str.upper, str.title])
async def test_taken_address_is_refused_in_any_case(
    session: AsyncSession, settings: Settings, spelling: Any
) -> None:
    email = (await add_user(session, settings)).email
    with pytest.raises(EmailTaken):
        await users_service.create_user(
            session, email=spelling(email), name="Omar", password_hash=""
        )


async def test_address_is_found_in_any_case(session: AsyncSession, settings: Settings) -> None:
    user = await add_user(session, settings)
    found = await users_service.find_user_by_email(session, email=user.email.upper())
    assert found is user


async def test_change_raises_the_version_and_says_what_it_was(
    session: AsyncSession, settings: Settings
) -> None:
    user = await add_user(session, settings, name="Cleo")
    old, created_at = user.email, user.created_at
    await update(session, user, {"name": "Chloe", "email": "chloe@tandem.example"})
    event = (await events_of(session, user.id))[-1]
    assert (event["type"], event["version"], user.version) == ("user.updated", 2, 2)
    assert event["actor"] == {"id": str(ANN.id), "name": "Ann"}
    assert event["changed"] == {"name": ["Cleo", "Chloe"], "email": [old, "chloe@tandem.example"]}
    assert event["at"] == event["user"]["updated_at"] == format_time(user.updated_at)
    assert user.updated_at > user.created_at == created_at


@pytest.mark.parametrize("changes", [{}, {"name": "Cleo"}, {"role": Role.CUSTOMER}])
async def test_change_of_nothing_records_nothing(
    session: AsyncSession, settings: Settings, changes: UserChanges
) -> None:
    user = await add_user(session, settings, name="Cleo")
    await update(session, user, changes)
    assert user.version == 1
    assert len(await events_of(session, user.id)) == 1


async def test_taken_address_is_refused_to_a_change_too(
    session: AsyncSession, settings: Settings
) -> None:
    taken = (await add_user(session, settings)).email
    user = await add_user(session, settings)
    with pytest.raises(EmailTaken):
        await update(session, user, {"email": taken.upper()})


async def test_own_address_may_change_its_case(session: AsyncSession, settings: Settings) -> None:
    user = await add_user(session, settings)
    await update(session, user, {"email": user.email.upper()})
    assert user.version == 2


@pytest.mark.parametrize(
    ("changes", "controls"),
    [
        ({"role": Role.STAFF}, 1),
        ({"name": "Chloe"}, 1),
        ({"is_active": False}, 1),
        ({"email": "other@tandem.example"}, 0),
    ],
)
async def test_what_a_principal_says_is_looked_up_again(
    session: AsyncSession, settings: Settings, changes: UserChanges, controls: int
) -> None:
    user = await add_user(session, settings)
    await update(session, user, changes)
    assert await controls_of(session, user.id) == controls
    assert session.info.get(RIGHTS_CHANGED, set()) == ({user.id} if controls else set())


async def test_deactivation_is_an_event_of_its_own(
    session: AsyncSession, settings: Settings
) -> None:
    user = await add_user(session, settings)
    await users_service.deactivate_user(session, user_id=user.id, actor=ANN)
    await users_service.deactivate_user(session, user_id=user.id, actor=ANN)
    await update(session, user, {"is_active": True})
    types = [event["type"] for event in await events_of(session, user.id)]
    assert types == ["user.created", "user.deactivated", "user.updated"]


async def test_deactivated_user_is_not_looked_up(session: AsyncSession, settings: Settings) -> None:
    user = await add_user(session, settings)
    assert await users_service.look_up_user(session, email=user.email) is user
    await users_service.deactivate_user(session, user_id=user.id, actor=ANN)
    with pytest.raises(UserNotFound):
        await users_service.look_up_user(session, email=user.email)


async def test_nobody_is_not_found(session: AsyncSession) -> None:
    with pytest.raises(UserNotFound):
        await users_service.get_user(session, user_id=new_id())
    with pytest.raises(UserNotFound):
        await users_service.deactivate_user(session, user_id=new_id(), actor=ANN)


async def test_pages_follow_each_other_newest_first(
    session: AsyncSession, settings: Settings
) -> None:
    made = [await add_user(session, settings, name="Page") for _ in range(5)]
    seen: list[User] = []
    cursor = None
    for size in (2, 2, 1):
        page = await users_service.list_users(session, limit=2, before=cursor, q="page")
        assert len(page.items) == size
        seen += page.items
        cursor = page.next_cursor
    assert seen == made[::-1]
    assert cursor is None


async def test_search_takes_wildcards_literally(session: AsyncSession, settings: Settings) -> None:
    await add_user(session, settings, name="100 percent")
    sure = await add_user(session, settings, name="100% sure_thing")
    for q in ("100%", "E_T", sure.email[:32].upper()):
        found = await users_service.list_users(session, limit=10, q=q)
        assert list(found.items) == [sure]


@pytest.mark.parametrize(
    "changes", [{"role": Role.STAFF}, {"is_active": False}, {"role": Role.CUSTOMER, "name": "X"}]
)
async def test_last_active_admin_stays(
    session: AsyncSession, settings: Settings, changes: UserChanges
) -> None:
    last = await add_user(session, settings, role=Role.ADMIN)
    gone = await add_user(session, settings, role=Role.ADMIN)
    await update(session, gone, {"is_active": False})
    with pytest.raises(LastAdmin):
        await update(session, last, changes)
    await update(session, last, {"name": "Still here"})
    await update(session, gone, {"role": Role.STAFF})


async def finish_all(*changes: Awaitable[Any]) -> list[Any]:
    async with asyncio.timeout(10):
        return await asyncio.gather(*changes, return_exceptions=True)


async def test_two_last_admins_cannot_take_each_others_role_at_once(
    sessions: Sessions, settings: Settings
) -> None:
    async with sessions.begin() as session:
        pair = [await add_user(session, settings, role=Role.ADMIN) for _ in range(2)]

    async def demote(user: User, *, first: asyncio.Event, then: asyncio.Event) -> None:
        async with sessions.begin() as session:
            first.set()
            await then.wait()
            await update(session, user, {"role": Role.STAFF})

    ready = [asyncio.Event(), asyncio.Event()]
    results = await finish_all(
        demote(pair[0], first=ready[0], then=ready[1]),
        demote(pair[1], first=ready[1], then=ready[0]),
    )
    assert sorted(type(result).__name__ for result in results) == ["LastAdmin", "NoneType"]


async def test_concurrent_changes_are_numbered_one_after_the_other(
    sessions: Sessions, settings: Settings
) -> None:
    async with sessions.begin() as session:
        user = await add_user(session, settings)

    async def rename(number: int) -> None:
        async with sessions.begin() as session:
            await update(session, user, {"name": f"Cleo {number}"})

    assert set(await finish_all(*map(rename, range(8)))) == {None}
    async with sessions() as session:
        events = await events_of(session, user.id)
    assert [event["version"] for event in events] == list(range(1, 10))
    assert events == sorted(events, key=lambda event: event["at"])
    for before, after in pairwise(events[1:]):
        assert after["changed"]["name"][0] == before["user"]["name"]
