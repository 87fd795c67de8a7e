"""The client module's collections in a real browser: loaded once, and true from then on."""

import pytest
from playwright.async_api import Browser, Error

from tests.databases import OTHER_EPOCH
from tests.end_to_end.browser import visiting
from tests.end_to_end.orders import bearer, place_orders
from tests.end_to_end.pages.live_list import LiveList, becomes
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.pages.shop import FIRST_PAGE, Shop, live_list

pytestmark = PAGE

TOKEN_SECONDS = 2
REFRESHES = 1


async def test_pages_come_on_demand_and_what_is_new_by_itself(browser: Browser, shop: Shop) -> None:
    token = await shop.token("cleo")
    placed = await place_orders(shop.http, shop.url, token, count=FIRST_PAGE + 5, callers=4)
    async with live_list(browser, shop, "staff") as live:
        assert len(await live.ids()) == FIRST_PAGE
        assert not await live.is_complete()
        await live.more()
        assert await live.is_complete()

        await live.shows(*(order["id"] for order in placed), await shop.place("omar"))


async def test_a_killed_worker_costs_neither_an_event_nor_another_reading(
    browser: Browser, shop: Shop
) -> None:
    before = await shop.place("cleo")
    async with shop.serving() as home, visiting(browser, home.url) as visit:
        live = LiveList(visit.page, home.url)
        await live.open(shop.people["cleo"])
        await live.shows(before)
        home.kill_worker()
        missed = await shop.place("cleo")

        await live.shows(before, missed)
        assert (await live.record())["connected"] > 1
        assert await live.resets() == 0


@pytest.mark.detail
async def test_it_outlives_its_tokens_over_rest_and_on_the_socket(
    browser: Browser, shop: Shop
) -> None:
    async with shop.serving(TANDEM_ACCESS_TOKEN_SECONDS=str(TOKEN_SECONDS)) as server:
        shop.url = server.url
        before, stale = await shop.place("cleo"), await shop.token("cleo")
        await becomes(lambda: status_with(shop, stale), 401)
        async with live_list(browser, shop, "cleo", stale=stale) as live:
            await live.shows(before)
            tokens = (await live.record())["tokens"]
            await becomes(lambda: asked_for(live, tokens + REFRESHES), wanted=True)

            await live.shows(before, await shop.place("cleo"))
            assert (await live.record())["connected"] == 1
            assert await live.resets() == 0


@pytest.mark.detail
async def test_a_gap_that_the_log_cannot_fill_is_closed_in_one_step(
    browser: Browser, shop: Shop
) -> None:
    kept, lost = await shop.place("cleo"), await shop.place("cleo")
    async with live_list(browser, shop, "staff") as live:
        await live.shows(kept, lost)
        # As after a restore from a backup: no event tells of it.
        await shop.execute("DELETE FROM orders WHERE id = $1", lost)
        await shop.execute("UPDATE orders SET note = 'restored' WHERE id = $1", kept)
        await shop.execute(OTHER_EPOCH)

        await live.shows(kept)
        order = await live.order(kept)
        record = await live.record()
        assert order is not None
        assert order["note"] == "restored"
        assert record["removed"] == [lost]
        assert record["sources"].count("reset") >= 1
        await live.shows(kept, await shop.place("omar"))


@pytest.mark.detail
async def test_other_rights_bring_another_list_and_its_channel(
    browser: Browser, shop: Shop
) -> None:
    mine, theirs = await shop.place("cleo"), await shop.place("omar")
    async with live_list(browser, shop, "cleo") as live:
        await live.shows(mine)
        await shop.become("cleo", "staff")
        await live.shows(mine, theirs)
        more = await shop.place("omar")
        await live.shows(mine, theirs, more)

        await shop.become("cleo", "customer")
        await live.shows(mine)
        await shop.place("omar")
        await live.shows(mine, await shop.place("cleo"))
        assert mine not in (await live.record())["removed"]


@pytest.mark.detail
async def test_a_server_that_was_away_is_followed_again_where_it_was_left(
    browser: Browser, shop: Shop
) -> None:
    async with shop.serving() as server:
        shop.url = server.url
        before = await shop.place("cleo")
        async with visiting(browser, shop.url) as visit:
            live = LiveList(visit.page, shop.url)
            await live.open(shop.people["cleo"])
            await live.shows(before)
            await server.stop()
            await becomes(live.is_live, wanted=False)

            async with shop.serving(port=shop.url.rpartition(":")[2]):
                await live.shows(before, await shop.place("cleo"))
                assert await live.resets() == 0


@pytest.mark.detail
async def test_what_no_longer_matches_a_filtered_list_leaves_it(
    browser: Browser, shop: Shop
) -> None:
    leaving, staying = await shop.place("cleo"), await shop.place("cleo")
    path = "/api/v1/orders?status=placed"
    async with live_list(browser, shop, "staff", path=path, only="placed") as live:
        await live.shows(leaving, staying)
        await shop.move(leaving, "accepted")
        await live.shows(staying)
        await live.shows(staying, await shop.place("omar"))


@pytest.mark.detail
async def test_a_filtered_list_has_to_be_told_what_matches(browser: Browser, shop: Shop) -> None:
    with pytest.raises(Error, match="matches"):
        async with live_list(browser, shop, "staff", path="/api/v1/orders?status=placed"):
            pass


async def test_a_deleted_order_leaves_and_does_not_come_back(browser: Browser, shop: Shop) -> None:
    deleted, kept = await shop.place("cleo"), await shop.place("cleo")
    async with live_list(browser, shop, "cleo") as live:
        await live.shows(deleted, kept)
        known = await live.order(deleted)
        assert known is not None
        await shop.call("cleo", "DELETE", f"/orders/{deleted}")
        await live.shows(kept)

        await live.take({**known, "version": known["version"] + 10})
        assert await live.ids() == {kept}


async def status_with(shop: Shop, token: str) -> int:
    answer = await shop.http.get(f"{shop.url}/api/v1/users/me", headers=bearer(token))
    return answer.status_code


async def asked_for(live: LiveList, tokens: int) -> bool:
    return bool((await live.record())["tokens"] >= tokens)
