"""What a page of a list costs: it depends on the page, not on how many orders there are."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal, Role
from app.core.paging import Page
from app.embedded import Services
from app.orders import service as orders_service
from app.orders.models import Order
from app.orders.pages import PAGE_LINES, select_page
from app.orders.schemas import MAX_ITEMS, OrderQuery
from tests.databases import own_database
from tests.orders.rows import add_order, add_person, share
from tests.orders.shop import a_line

MANY = 20_000
LIMIT = 50

FILL = text("""
    INSERT INTO orders (id, version, status, currency, owner_id)
    SELECT gen_random_uuid(), 1, (ARRAY['placed', 'ready'])[1 + n % 2], 'EUR', :owner_id
    FROM generate_series(1, :count) AS n
""")
ROWS_READ = text("""
    SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'orders'
""")
SHARE = text("""
    WITH people AS (
        INSERT INTO users (id, version, email, name, password_hash, role, is_active)
        SELECT gen_random_uuid(), 1, n || '@many.example', 'Many', 'none', 'customer', true
        FROM generate_series(1, 100) AS n RETURNING id),
    person AS (SELECT id, row_number() OVER () AS n FROM people),
    placed AS (SELECT id, row_number() OVER () AS n FROM orders)
    INSERT INTO order_collaborators (order_id, user_id)
    SELECT placed.id, person.id FROM placed JOIN person ON person.n = 1 + placed.n % 100
""")


@pytest.fixture
async def database(template: Services) -> AsyncIterator[str]:
    """One in which nobody's rows have died: the planner reckons with the room that they take."""
    async with own_database(template) as url:
        yield url


async def add_many(session: AsyncSession, owner: Principal) -> None:
    await session.execute(FILL, {"owner_id": owner.user_id, "count": MANY})
    await session.execute(text("ANALYZE users, orders, order_collaborators"))


async def listed(
    session: AsyncSession, person: Principal, **query: object
) -> tuple[Page[Order, UUID], int]:
    """The page, as a new session finds it, and how many rows of `orders` were read for it."""
    session.expunge_all()
    before = (await session.execute(ROWS_READ)).scalar_one()
    page = await orders_service.list_orders(
        session, principal=person, query=OrderQuery.model_validate({"limit": LIMIT, **query})
    )
    return page, (await session.execute(ROWS_READ)).scalar_one() - before


@pytest.mark.parametrize("query", [{}, {"status": "placed"}, {"q": "Cabrales"}], ids=str)
async def test_a_customers_list_reads_no_orders_that_they_may_not_see(
    session: AsyncSession, query: dict[str, str]
) -> None:
    cleo, omar = [await add_person(session, Role.CUSTOMER) for _ in range(2)]
    visible = [await add_order(session, owner) for owner in (cleo, cleo, omar)]
    await share(session, visible[-1].id, cleo)
    await add_many(session, omar)

    page, read = await listed(session, cleo, **query)

    assert {order.id for order in page.items} == {order.id for order in visible}
    assert read < 10 * len(visible)  # found, then read: how often each is the planner's choice


async def test_what_is_shared_is_found_by_whom_it_is_shared_with(session: AsyncSession) -> None:
    cleo, omar = [await add_person(session, Role.CUSTOMER) for _ in range(2)]
    await add_many(session, omar)
    await session.execute(SHARE)
    await session.execute(text("ANALYZE order_collaborators"))

    plan = await generic_plan(session, cleo)

    assert "ix_order_collaborators_user_id" in plan
    assert "pk_order_collaborators" not in plan


async def generic_plan(session: AsyncSession, person: Principal) -> str:
    """The plan that a worker's connection keeps, after it has asked a few times."""
    page = select_page(person, OrderQuery()).select().compile(dialect=session.get_bind().dialect)
    connection = await (await session.connection()).get_raw_connection()
    asks = connection.driver_connection
    assert asks is not None
    nulls = ", ".join(["NULL"] * len(page.positiontup or ()))
    await asks.execute(f"SET LOCAL plan_cache_mode = force_generic_plan; PREPARE page AS {page}")
    plan = await asks.fetch(f"EXPLAIN EXECUTE page({nulls})")
    return "\n".join(line for (line,) in plan)


@pytest.mark.parametrize("query", [{}, {"status": "placed"}], ids=str)
async def test_a_list_reads_little_more_than_its_page_of_many_own_orders(
    session: AsyncSession, query: dict[str, str]
) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    await add_many(session, cleo)

    page, read = await listed(session, cleo, **query)

    assert len(page.items) == LIMIT
    assert read < 10 * LIMIT


async def test_an_order_that_is_both_owned_and_shared_is_listed_once(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    orders = [await add_order(session, cleo) for _ in range(3)]
    await share(session, orders[1].id, cleo)

    page, _ = await listed(session, cleo, limit=3)

    assert [order.id for order in page.items] == [order.id for order in reversed(orders)]
    assert page.next_cursor is None


async def test_own_and_shared_orders_stand_in_one_order_on_every_page(
    session: AsyncSession,
) -> None:
    cleo, omar = [await add_person(session, Role.CUSTOMER) for _ in range(2)]
    orders = [await add_order(session, owner) for owner in (cleo, omar, omar, cleo, omar)]
    for order in orders:
        if order.owner_id == omar.user_id:
            await share(session, order.id, cleo)

    first, _ = await listed(session, cleo, limit=3)
    second, _ = await listed(session, cleo, limit=3, cursor=first.next_cursor)

    assert [order.id for order in (*first.items, *second.items)] == [
        order.id for order in reversed(orders)
    ]
    assert second.next_cursor is None


async def test_a_page_ends_where_it_has_enough_lines_and_leads_on(session: AsyncSession) -> None:
    cleo = await add_person(session, Role.CUSTOMER)
    lines = [a_line(sku=f"NW-{nth}") for nth in range(MAX_ITEMS)]
    fitting = PAGE_LINES // MAX_ITEMS
    orders = [await add_order(session, cleo, items=lines) for _ in range(fitting + 1)]
    oldest, *newer = [order.id for order in orders]

    first, _ = await listed(session, cleo, limit=200)
    second, _ = await listed(session, cleo, limit=200, cursor=first.next_cursor)

    assert [order.id for order in first.items] == newer[::-1]
    assert ([order.id for order in second.items], second.next_cursor) == ([oldest], None)


async def test_an_order_that_is_unshared_before_its_collaborators_are_read_is_left_out(
    session: AsyncSession,
) -> None:
    cleo, omar = [await add_person(session, Role.CUSTOMER) for _ in range(2)]
    own, shared = await add_order(session, cleo), await add_order(session, omar)
    await share(session, shared.id, cleo)

    def unshare(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT order_collaborators"):
            connection.exec_driver_sql("DELETE FROM order_collaborators")

    event.listen((await session.connection()).sync_connection, "before_cursor_execute", unshare)
    page, _ = await listed(session, cleo)

    assert [order.id for order in page.items] == [own.id]
    assert await session.scalar(text("SELECT count(*) FROM order_collaborators")) == 0
