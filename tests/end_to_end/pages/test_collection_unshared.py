"""What may not be seen any more leaves a collection, until it is shared again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser

from tests.databases import OTHER_EPOCH
from tests.end_to_end.orders import place_orders
from tests.end_to_end.pages.live_list import LiveList, becomes
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.pages.shop import FIRST_PAGE, Shop, live_list

pytestmark = [*PAGE, pytest.mark.detail]


async def test_what_was_unshared_stays_away_until_it_is_shared_again(
    browser: Browser, shop: Shop
) -> None:
    order = await shop.place("cleo")
    collaborator = f"/orders/{order}/collaborators/{await shop.id('omar')}"
    async with live_list(browser, shop, "omar") as live:
        await live.shows()
        await shop.call("cleo", "PUT", collaborator)
        await live.shows(order)
        known = await live.order(order)
        assert known is not None

        await shop.call("cleo", "DELETE", collaborator)
        await live.shows()
        await live.take(known)
        await live.take({**known, "version": known["version"] + 10})
        assert await live.ids() == set()

        await shop.call("cleo", "PUT", collaborator)
        await live.shows(order)


async def test_a_page_that_was_read_before_an_order_was_unshared_does_not_bring_it_back(
    browser: Browser, shop: Shop
) -> None:
    order = await shop.place("cleo")
    collaborator = f"/orders/{order}/collaborators/{await shop.id('omar')}"
    await shop.call("cleo", "PUT", collaborator)
    await place_orders(shop.http, shop.url, await shop.token("omar"), count=FIRST_PAGE, callers=4)
    async with live_list(browser, shop, "omar") as live:
        assert not await live.has(order)
        await becomes(live.is_live, wanted=True)
        await live.ask_for_more()
        await shop.call("cleo", "DELETE", collaborator)
        await becomes(lambda: last_event(live), "order.unshared")
        await live.release()

        assert await live.is_complete()
        assert not await live.has(order)
        assert len(await live.ids()) == FIRST_PAGE


async def test_a_404_that_comes_after_an_order_was_shared_again_does_not_hide_it(
    browser: Browser, shop: Shop
) -> None:
    async with shared_again(browser, shop) as (live, order, before):
        await live.hide(order, before)
        assert await live.has(order)

        now = await live.order(order)
        assert now is not None
        await live.hide(order, now["version"])
        assert not await live.has(order)


async def test_a_404_that_comes_late_does_not_hide_an_order_from_the_next_reading_either(
    browser: Browser, shop: Shop
) -> None:
    async with shared_again(browser, shop) as (live, order, before):
        await live.hold()
        await shop.execute(OTHER_EPOCH)
        await becomes(live.held, 1)
        await live.hide(order, before)
        await live.release()

        await becomes(lambda: was_read_again(live), wanted=True)
        await live.shows(order)


@asynccontextmanager
async def shared_again(browser: Browser, shop: Shop) -> AsyncIterator[tuple[LiveList, str, int]]:
    """Omar's list, an order in it that he did not see for a while, and its version before that."""
    order = await shop.place("cleo")
    collaborator = f"/orders/{order}/collaborators/{await shop.id('omar')}"
    await shop.call("cleo", "PUT", collaborator)
    async with live_list(browser, shop, "omar") as live:
        await live.shows(order)
        known = await live.order(order)
        assert known is not None
        await shop.call("cleo", "DELETE", collaborator)
        await live.shows()
        await shop.call("cleo", "PUT", collaborator)
        await live.shows(order)
        yield live, order, known["version"]


async def was_read_again(live: LiveList) -> bool:
    return await live.resets() > 0


async def last_event(live: LiveList) -> str:
    events = (await live.record())["events"]
    return str(events[-1]) if events else ""
