"""REST: the list of orders: its pages, its filters, and the position that covers it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from app.realtime.log.epoch import read_position
from tests.application import Person
from tests.orders.shop import ORDERS, Json, Shop, a_line

pytestmark = pytest.mark.asyncio(loop_scope="module")


MANY = 20


def ids(page: Json) -> list[str]:
    return [order["id"] for order in page["items"]]


async def place(shop: Shop, owner: Person, count: int) -> list[str]:
    """Ids of so many new orders, the newest first."""
    return [(await shop.place(owner))["id"] for _ in range(count)][::-1]


async def all_pages(
    shop: Shop, person: Person, between: Callable[[], Awaitable[Any]] | None = None, **query: Any
) -> list[list[str]]:
    """The ids of every page; `between` happens after each."""
    page = await shop.page(person, **query)
    pages = [ids(page)]
    while page["next_cursor"] is not None:
        assert len(pages) < MANY, "the list does not end"
        if between is not None:
            await between()
        page = await shop.page(person, **query, cursor=page["next_cursor"])
        pages.append(ids(page))
    return pages


# ----------------------------------------------------------------------- pages


async def test_a_list_is_answered_in_exactly_the_shape_of_the_contract(shop: Shop) -> None:
    cleo = await shop.customer()
    placed = await shop.place(cleo)
    await shop.until_relayed()

    page = await shop.page(cleo)

    assert list(page) == ["items", "next_cursor", "position"]
    assert page["items"] == [placed]
    assert page["next_cursor"] is None
    assert page["position"] == {
        "channel": f"users:{cleo.id}",
        "epoch": shop.application.runtime.follower.epoch,
        "offset": 2,  # the account's own event, and the order's
    }


async def test_a_list_without_orders_has_a_position_all_the_same(shop: Shop) -> None:
    cleo = await shop.customer()
    await shop.until_relayed()
    page = await shop.page(cleo)

    assert (page["items"], page["next_cursor"]) == ([], None)
    assert page["position"]["channel"] == f"users:{cleo.id}"
    assert page["position"]["offset"] == 1  # the account's own event


async def test_the_newest_orders_come_first(shop: Shop) -> None:
    cleo = await shop.customer()
    newest_first = await place(shop, cleo, 4)

    assert ids(await shop.page(cleo)) == newest_first


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7, 200])
async def test_pages_of_any_size_hold_every_order_once(shop: Shop, limit: int) -> None:
    cleo = await shop.customer()
    newest_first = await place(shop, cleo, 6)

    pages = await all_pages(shop, cleo, limit=limit)

    assert [order for page in pages for order in page] == newest_first
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert len(pages) == -(-6 // limit)


async def test_a_page_has_fifty_orders_unless_it_is_said(shop: Shop) -> None:
    cleo = await shop.customer()
    newest_first = await place(shop, cleo, 51)

    assert [len(page) for page in await all_pages(shop, cleo)] == [50, 1]
    assert ids(await shop.page(cleo, limit=200)) == newest_first


async def test_orders_that_are_added_meanwhile_move_no_page(shop: Shop) -> None:
    cleo = await shop.customer()
    newest_first = await place(shop, cleo, 5)

    pages = await all_pages(shop, cleo, lambda: shop.place(cleo), limit=2)

    assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:]]


async def test_orders_that_are_deleted_meanwhile_move_no_page(shop: Shop) -> None:
    cleo = await shop.customer()
    newest_first = await place(shop, cleo, 5)
    first = await shop.page(cleo, limit=2)
    for order_id in (newest_first[1], newest_first[2]):  # the cursor's own one, and the next
        await shop.delete(cleo, order_id)

    second = await shop.page(cleo, limit=2, cursor=first["next_cursor"])

    assert ids(second) == newest_first[3:]


async def test_an_order_that_changes_meanwhile_keeps_its_place(shop: Shop) -> None:
    cleo = await shop.customer()
    newest_first = await place(shop, cleo, 3)
    first = await shop.page(cleo, limit=2)
    await shop.patch(cleo, newest_first[2], {"note": "new"})

    second = await shop.page(cleo, limit=2, cursor=first["next_cursor"])

    assert ids(second) == newest_first[2:]
    assert second["items"][0]["note"] == "new"


# ---------------------------------------------------------------- who sees what


async def test_customers_list_what_they_own_and_what_is_shared_with_them(shop: Shop) -> None:
    cleo, omar = await shop.customer(), await shop.customer()
    [hers, shared] = await place(shop, cleo, 2)
    [his] = await place(shop, omar, 1)
    await shop.share(shared, omar)

    assert set(ids(await shop.page(omar))) == {his, shared}
    assert set(ids(await shop.page(cleo))) == {hers, shared}


async def test_a_shared_order_is_listed_once(shop: Shop) -> None:
    cleo, omar, nora = [await shop.customer() for _ in range(3)]
    [order_id] = await place(shop, cleo, 1)
    for person in (omar, nora):
        await shop.share(order_id, person)

    assert [ids(await shop.page(person)) for person in (cleo, omar, nora)] == [[order_id]] * 3


async def test_staff_list_everybodys_orders(shop: Shop) -> None:
    cleo, omar, sten = await shop.customer(), await shop.customer(), await shop.staff()
    placed = [*(await place(shop, cleo, 1)), *(await place(shop, omar, 1))]

    assert set(ids(await shop.page(sten, limit=2))) == set(placed)


@pytest.mark.parametrize("role", ["staff", "admin"])
async def test_the_position_of_staff_is_that_of_all_orders(shop: Shop, role: str) -> None:
    person = await (shop.staff() if role == "staff" else shop.admin())

    assert (await shop.page(person, limit=1))["position"]["channel"] == "orders"


# --------------------------------------------------------------------- filters


async def test_a_list_can_be_of_one_status(shop: Shop, cleo: Person) -> None:
    [kept, cancelled] = await place(shop, cleo, 2)
    await shop.patch(cleo, cancelled, {"status": "cancelled"})

    assert ids(await shop.page(cleo, status="placed")) == [kept]
    assert ids(await shop.page(cleo, status="cancelled")) == [cancelled]
    assert ids(await shop.page(cleo, status="ready")) == []


async def test_a_list_can_be_of_one_owner(shop: Shop, cleo: Person) -> None:
    omar, sten = await shop.customer(), await shop.staff()
    [hers], [his] = await place(shop, cleo, 1), await place(shop, omar, 1)

    assert ids(await shop.page(sten, owner_id=str(cleo.id))) == [hers]
    assert ids(await shop.page(sten, owner_id=str(omar.id))) == [his]
    assert ids(await shop.page(cleo, owner_id=str(omar.id))) == []


async def test_a_list_can_be_searched(shop: Shop, cleo: Person) -> None:
    line = a_line(sku="QX-7", name="Gudbrandsdalsost")
    order = await shop.place(cleo, note="Leave at the Side Door", items=[line])
    await shop.place(cleo, items=[a_line()])

    for q in ("side door", "QX-7", "x-7", "BRANDS", str(order["number"])):
        assert ids(await shop.page(cleo, q=q)) == [order["id"]], q
    assert ids(await shop.page(cleo, q="side  door")) == []


async def test_a_list_can_be_searched_by_owners_name(shop: Shop, cleo: Person) -> None:
    sten = await shop.staff()
    [order_id] = await place(shop, cleo, 1)

    assert ids(await shop.page(sten, q=cleo.name.upper())) == [order_id]


@pytest.mark.parametrize("q", ["%", "_", "\\", "100%", "a_b"])
async def test_what_is_searched_for_is_no_pattern(shop: Shop, cleo: Person, q: str) -> None:
    await shop.place(cleo, note="plain, 1000 axb")
    meant = await shop.place(cleo, note=f"with {q} in it")

    assert ids(await shop.page(cleo, q=q)) == [meant["id"]]


@pytest.mark.parametrize("q", ["", "  "])
async def test_a_blank_search_finds_all(shop: Shop, cleo: Person, q: str) -> None:
    placed = await place(shop, cleo, 2)

    assert ids(await shop.page(cleo, q=q)) == placed


async def test_filters_and_pages_combine(shop: Shop, cleo: Person) -> None:
    omar, sten = await shop.customer(), await shop.staff()
    wanted: list[str] = []
    for nth in range(4):
        order = await shop.place(cleo, note=f"urgent {nth}")
        wanted.insert(0, order["id"])
        await shop.patch(sten, order["id"], {"status": "accepted"})
        for owner, note in ((cleo, "urgent"), (cleo, "calm"), (omar, "urgent")):
            other = await shop.place(owner, note=note)
            if owner is omar or note == "calm":
                await shop.patch(sten, other["id"], {"status": "accepted"})

    pages = await all_pages(
        shop, sten, status="accepted", owner_id=str(cleo.id), q="urgent", limit=2
    )

    assert pages == [wanted[:2], wanted[2:]]


# -------------------------------------------------------------------- position


async def test_the_position_is_read_before_the_orders(shop: Shop, cleo: Person) -> None:
    """While the orders are locked their list waits; what the log gets then lies after it."""
    await shop.until_relayed()
    before = (await shop.page(cleo))["position"]["offset"]
    async with shop.application.sessions() as session, session.begin():
        await session.execute(text("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE"))
        listing = asyncio.create_task(shop.page(cleo))
        await shop.until_waiting()
        await session.execute(
            text("UPDATE channels SET head = head + 7 WHERE name = :name"),
            {"name": f"users:{cleo.id}"},
        )
    page = await listing

    assert page["position"]["offset"] == before
    async with shop.application.sessions() as session:
        assert (await read_position(session, f"users:{cleo.id}")).offset == before + 7


async def test_every_page_has_a_position(shop: Shop, cleo: Person) -> None:
    await place(shop, cleo, 3)
    first = await shop.page(cleo, limit=2)
    second = await shop.page(cleo, limit=2, cursor=first["next_cursor"])

    assert second["position"].keys() == {"channel", "epoch", "offset"}
    assert second["position"]["offset"] >= first["position"]["offset"]


async def test_the_list_has_no_etag_of_its_own(shop: Shop, cleo: Person) -> None:
    answer = await shop.client.get(ORDERS, headers=cleo.headers)

    assert "ETag" not in answer.headers
