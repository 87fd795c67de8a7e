"""What others made of an order after a version, and how much of that is read."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders.errors import OrderChanged
from app.orders.later_changes import MAX_BYTES, MAX_EDITS, Change, find_changes
from app.users.schemas import PersonRead
from tests.orders.cast import Cast
from tests.orders.shop import a_line


async def live_on(
    session: AsyncSession, cast: Cast, versions: int, *, changed: str = "{}", size: int = 2
) -> None:
    """The order gets so many versions more, by events of so many bytes each."""
    order = cast.order
    await session.execute(
        text(
            "INSERT INTO events (event_id, type, entity, entity_id, version, channels, changed,"
            " payload, created_at) SELECT gen_random_uuid(), 'order.updated', 'order', :id,"
            " :version + nth, '{}', CAST(:changed AS jsonb), repeat('x', :size), :at"
            " FROM generate_series(1, :versions) nth"
        ),
        {
            "id": order.id,
            "version": order.version,
            "changed": changed,
            "size": size,
            "at": order.updated_at + timedelta(seconds=1),
            "versions": versions,
        },
    )
    order.version += versions
    await session.flush()


async def test_of_several_changes_the_first_base_and_the_last_value_count(
    session: AsyncSession,
) -> None:
    cast = await Cast(session).enter()
    for name, note in (("owner", "second"), ("staff", "third")):
        order = await cast.update(name, note=note)

    found = await find_changes(session, cast.order, base=1)

    staff = cast.people["staff"]
    by = PersonRead(id=staff.user_id, name=staff.name)
    assert found == {"note": Change(None, "third", by, order.updated_at)}


async def test_what_changed_up_to_the_base_counts_no_more(session: AsyncSession) -> None:
    cast = await Cast(session).enter()
    for note in ("second", "third"):
        await cast.update("owner", note=note)

    found = await find_changes(session, cast.order, base=2)

    assert found is not None
    assert found["note"].base == "second"
    assert await find_changes(session, cast.order, base=3) == {}


@pytest.mark.parametrize("base", [-1, 0, 3])
async def test_of_a_version_that_the_order_never_had_nothing_can_be_told(
    session: AsyncSession, base: int
) -> None:
    cast = await Cast(session).enter()
    await cast.update("owner", note="new")

    assert await find_changes(session, cast.order, base=base) is None


async def test_where_events_are_missing_nothing_is_merged(session: AsyncSession) -> None:
    cast = await Cast(session).enter()
    for note in ("second", "third"):
        await cast.update("staff", note=note)
    await session.execute(
        text("DELETE FROM events WHERE entity_id = :id AND version = 2"), {"id": cast.order.id}
    )

    with pytest.raises(OrderChanged) as refused:
        await cast.update("owner", base=1, items=[a_line(quantity=1)])

    assert refused.value.extra["current"]["note"] == "third"
    assert refused.value.extra["conflicts"] == []


async def test_of_too_many_edits_nothing_is_told(session: AsyncSession) -> None:
    cast = await Cast(session).enter()
    await live_on(session, cast, MAX_EDITS + 1, changed='{"note": [null, null]}')

    assert await find_changes(session, cast.order, base=1) is None
    told = await find_changes(session, cast.order, base=2)
    assert told is not None
    assert told.keys() == {"note"}


async def test_of_too_many_bytes_nothing_is_told(session: AsyncSession) -> None:
    cast = await Cast(session).enter()
    await live_on(session, cast, 4, changed='{"note": [null, null]}', size=MAX_BYTES // 3)

    assert await find_changes(session, cast.order, base=1) is None
    assert await find_changes(session, cast.order, base=2) is not None


async def test_events_that_change_no_field_do_not_count(session: AsyncSession) -> None:
    cast = await Cast(session).enter()
    await live_on(session, cast, 4, size=MAX_BYTES // 3)
    await live_on(session, cast, MAX_EDITS + 1)
    await cast.update("staff", note="new")

    told = await find_changes(session, cast.order, base=1)

    assert told is not None
    assert told.keys() == {"note"}


async def test_an_edit_of_a_version_too_long_ago_is_refused_without_conflicts(
    session: AsyncSession,
) -> None:
    cast = await Cast(session).enter()
    await live_on(session, cast, MAX_EDITS + 1, changed='{"status": ["placed", "placed"]}')

    with pytest.raises(OrderChanged) as refused:
        await cast.update("owner", base=1, note="late")

    assert refused.value.extra["current"]["version"] == cast.order.version
    assert refused.value.extra["conflicts"] == []
