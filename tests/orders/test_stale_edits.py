"""Edits of an older version, as the service makes or refuses them."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders import service as orders_service
from app.orders.errors import NoSuchVersion, OrderChanged, OrderForbidden
from app.orders.later_changes import MAX_EDITS
from tests.orders.cast import Cast
from tests.orders.rows import a_line_read
from tests.orders.shop import a_line
from tests.orders.test_later_changes import live_on
from tests.orders.test_merge import MORE_A, A, B, C, D, lines


async def test_an_edit_of_the_present_version_asks_nothing_of_the_events(
    session: AsyncSession,
) -> None:
    cast = await Cast(session).enter()
    await session.execute(text("DELETE FROM events"))

    edited = await cast.edit("owner", base=1, note="new")

    assert (edited.order.version, edited.merged) == (2, False)


async def test_an_edit_of_an_older_version_is_put_on_top(session: AsyncSession) -> None:
    cast = await Cast(session).enter()
    await cast.update("staff", status="accepted")

    edited = await cast.edit("owner", base=1, note="hurry")

    assert edited.merged
    assert (edited.order.version, edited.order.status, edited.order.note) == (
        3,
        "accepted",
        "hurry",
    )
    assert (await cast.events())[-1].changed == {"note": [None, "hurry"]}


async def test_lines_are_understood_against_those_of_the_version_that_the_caller_saw(
    session: AsyncSession,
) -> None:
    cast = await Cast(session).enter()
    await cast.update("owner", items=lines(A, B))
    await cast.update("staff", items=lines(MORE_A, B, C))
    await cast.update("staff", items=lines(MORE_A, C))

    edited = await cast.edit("owner", base=2, items=lines(D, B, A))

    assert edited.merged
    assert [item.model_dump() for item in edited.order.items] == lines(D, MORE_A, C)
    assert edited.order.total == "30.00"
    assert (await cast.events())[-1].changed == {"items/D": [None, a_line_read(*D)]}


async def test_an_edit_that_was_made_already_leaves_nothing_behind(session: AsyncSession) -> None:
    """Sent again, since its answer was lost, it is refused with what shows that it was made."""
    cast = await Cast(session).enter()
    body = {"note": "hurry", "items": [a_line(quantity=1), a_line(sku="new")]}
    await cast.update("owner", base=1, **body)
    count = len(await cast.events())

    with pytest.raises(OrderChanged) as refused:
        await cast.edit("owner", base=1, **body)

    conflicts = refused.value.extra["conflicts"]
    assert [conflict["field"] for conflict in conflicts] == ["note", "items/NW-011", "items/new"]
    assert all(conflict["yours"] == conflict["theirs"] for conflict in conflicts)
    assert len(await cast.events()) == count


async def test_an_event_that_changes_no_field_conflicts_with_none(session: AsyncSession) -> None:
    """Sharing and comments raise the version, too."""
    cast = await Cast(session).enter()
    await session.execute(
        text(
            "INSERT INTO events (event_id, type, entity, entity_id, version, channels, changed,"
            " payload, created_at) VALUES (gen_random_uuid(), 'order.commented', 'order', :id, 2,"
            " '{}', '{}', '{}', :at)"
        ),
        {"id": cast.order.id, "at": cast.order.updated_at + timedelta(seconds=1)},
    )
    await session.execute(
        text("UPDATE orders SET version = 2 WHERE id = :id"), {"id": cast.order.id}
    )

    edited = await cast.edit("owner", base=1, note="new", items=[a_line(quantity=1)])

    assert (edited.order.version, edited.merged) == (3, True)


async def test_an_edit_is_put_on_top_of_any_number_of_comments(session: AsyncSession) -> None:
    cast = await Cast(session).enter()
    await live_on(session, cast, MAX_EDITS + 1)

    edited = await cast.edit("owner", base=1, note="new")

    assert (edited.order.note, edited.merged) == ("new", True)


async def test_an_edit_that_conflicts_changes_nothing(session: AsyncSession) -> None:
    cast = await Cast(session).enter()
    await cast.update("staff", note="theirs")

    with pytest.raises(OrderChanged):
        await cast.update("owner", base=1, note="yours", items=[a_line(quantity=1)])

    order = await orders_service.get_order(
        session, principal=cast.people["owner"], order_id=cast.order.id
    )
    assert (order.version, order.note, order.items[0].quantity) == (2, "theirs", 12)


@pytest.mark.parametrize("name", ["owner", "collaborator"])
async def test_a_status_sent_as_it_was_seen_is_no_move_that_could_be_forbidden(
    session: AsyncSession, name: str
) -> None:
    cast = await Cast(session).enter()
    await cast.update("staff", status="accepted")

    with pytest.raises(OrderChanged) as refused:
        await cast.update(name, base=1, status="placed", note="hurry")

    assert refused.value.extra["current"]["status"] == "accepted"
    [conflict] = refused.value.extra["conflicts"]
    assert [conflict[key] for key in ("field", "base", "yours", "theirs")] == [
        "status",
        "placed",
        "placed",
        "accepted",
    ]


@pytest.mark.parametrize("name", ["owner", "collaborator"])
async def test_who_may_not_move_an_order_may_not_do_so_from_an_older_version_either(
    session: AsyncSession, name: str
) -> None:
    cast = await Cast(session).enter()
    await cast.update("staff", status="accepted")

    assert await cast.tried(name, base=1, status="preparing") is OrderForbidden
    assert await cast.tried(name, status="placed") is OrderForbidden


async def test_a_status_sent_as_others_made_it_is_no_move_either(session: AsyncSession) -> None:
    cast = await Cast(session).enter()
    await cast.update("staff", status="accepted")

    assert await cast.tried("collaborator", base=1, status="accepted") is OrderChanged


async def test_of_an_unknown_version_it_cannot_be_told_whether_a_status_is_a_move(
    session: AsyncSession,
) -> None:
    cast = await Cast(session).enter()
    await cast.update("staff", status="accepted")

    assert await cast.tried("collaborator", base=9, status="placed") is NoSuchVersion
