"""Comments below an order, and what is told of them."""

import json
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Role
from app.orders import comments as orders_comments
from app.orders.errors import OrderNotFound
from app.orders.models import Comment
from app.orders.schemas import VersionsQuery
from app.realtime.models import EventRow
from tests.orders.rows import add_order, add_person, share

ENVELOPE = ["type", "id", "at", "actor", "version", "changed", "comment", "order"]


async def test_a_comment_is_told_with_its_order_to_all_who_see_it(session: AsyncSession) -> None:
    cleo, omar = [await add_person(session, Role.CUSTOMER, name) for name in ("Cleo", "Omar")]
    order = await add_order(session, cleo)
    await share(session, order.id, omar)

    comment = await orders_comments.add_comment(
        session, principal=omar, order_id=order.id, text="K\u00e4se"
    )

    query = select(EventRow).where(EventRow.entity_id == order.id).order_by(EventRow.id.desc())
    event = (await session.scalars(query.limit(1))).one()
    assert event.channels == [
        "orders",
        f"orders:{order.id}",
        f"users:{cleo.user_id}",
        f"users:{omar.user_id}",
    ]
    told = json.loads(event.payload)
    assert list(told) == ENVELOPE
    assert (told["type"], told["version"], told["changed"]) == ("order.commented", 2, {})
    assert told["actor"] == told["comment"]["author"] == {"id": str(omar.user_id), "name": "Omar"}
    assert f'"comment":{comment.encoded}' in event.payload
    assert told["comment"]["created_at"] == told["at"] == told["order"]["updated_at"]


async def test_a_comment_of_a_stranger_is_neither_kept_nor_told(session: AsyncSession) -> None:
    cleo, omar = [await add_person(session, Role.CUSTOMER) for _ in range(2)]
    order = await add_order(session, cleo)

    for order_id in (order.id, uuid4()):
        with pytest.raises(OrderNotFound):
            await orders_comments.add_comment(
                session, principal=omar, order_id=order_id, text="hello"
            )
        with pytest.raises(OrderNotFound):
            await orders_comments.list_comments(
                session, principal=omar, order_id=order_id, query=VersionsQuery()
            )
    assert await session.scalar(select(Comment.id)) is None


async def test_a_page_holds_the_comments_of_one_order_only(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order, another = [await add_order(session, cleo) for _ in range(2)]
    for text, order_id in (("a", order.id), ("b", another.id), ("c", order.id)):
        await orders_comments.add_comment(session, principal=cleo, order_id=order_id, text=text)

    page = await orders_comments.list_comments(
        session, principal=cleo, order_id=order.id, query=VersionsQuery(limit=2)
    )

    assert [comment.text for comment in page.items] == ["a", "c"]
    assert page.next_cursor is None


async def test_a_comment_from_a_machine_whose_clock_is_behind_comes_last_all_the_same(
    session: AsyncSession,
) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    order = await add_order(session, cleo)
    for text in ("a", "b", "c"):
        await orders_comments.add_comment(session, principal=cleo, order_id=order.id, text=text)
    behind = update(Comment).where(Comment.text == "c").values(id=UUID(int=0))
    await session.execute(behind)

    first = await orders_comments.list_comments(
        session, principal=cleo, order_id=order.id, query=VersionsQuery(limit=2)
    )
    rest = await orders_comments.list_comments(
        session,
        principal=cleo,
        order_id=order.id,
        query=VersionsQuery.model_validate({"cursor": first.next_cursor}),
    )

    assert first.next_cursor == "3"
    assert [comment.text for comment in (*first.items, *rest.items)] == ["a", "b", "c"]
