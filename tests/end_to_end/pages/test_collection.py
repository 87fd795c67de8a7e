"""The client module's collections in a real browser: loaded once, and true from then on."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser, Error

from app.core.config import Settings
from app.embedded import Services
from tests.conftest import make_settings
from tests.databases import OTHER_EPOCH, fresh_database
from tests.end_to_end.browser import CHROMIUM, visiting
from tests.end_to_end.conftest import create_people
from tests.end_to_end.orders import bearer, place_order, place_orders, token_of
from tests.end_to_end.pages.live_list import LiveList, becomes
from tests.end_to_end.server import ServerProcess, serving

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium: browser tests left out"),
]
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")

FIRST_PAGE = 50
TOKEN_SECONDS = 2
REFRESHES = 1


class Shop:
    """A server, and what people do there over REST; people are known by name."""

    def __init__(self, settings: Settings, people: dict[str, str], http: AsyncClient) -> None:
        self.settings = settings
        self.people = people
        self.http = http
        self.url = ""

    def serving(self, **settings: Any) -> AbstractAsyncContextManager[ServerProcess]:
        mine = self.settings
        return serving(mine.database_url, mine.redis_url, mine.data_dir, **settings)

    async def place(self, name: str) -> str:
        order = await place_order(self.http, self.url, await self.token(name))
        return str(order["id"])

    async def token(self, name: str) -> str:
        return await token_of(self.http, self.url, self.people[name])

    async def id(self, name: str) -> str:
        return str((await self.call(name, "GET", "/users/me")).json()["id"])

    async def call(self, name: str, method: str, path: str, **options: Any) -> Any:
        headers = {**bearer(await self.token(name)), **options.pop("headers", {})}
        url = f"{self.url}/api/v1{path}"
        answer = await self.http.request(method, url, headers=headers, **options)
        return answer.raise_for_status()

    async def move(self, order: str, status: str) -> None:
        headers = {"If-Match": "*"}
        await self.call(
            "staff", "PATCH", f"/orders/{order}", json={"status": status}, headers=headers
        )

    async def become(self, name: str, role: str) -> None:
        await self.call("admin", "PATCH", f"/users/{await self.id(name)}", json={"role": role})

    async def execute(self, statement: str, *arguments: Any) -> None:
        connection = await asyncpg.connect(self.settings.database_url)
        await connection.execute(statement, *arguments)
        await connection.close()


@shared
async def house(
    template: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    """One server for all; some tests start another."""
    async with fresh_database(template) as url, AsyncClient(timeout=30) as http:
        settings = make_settings(url, template, tmp_path_factory.mktemp("collection"))
        shop = Shop(settings, await create_people(settings), http)
        async with shop.serving() as server:
            shop.url = server.url
            yield shop


@pytest_asyncio.fixture(loop_scope="module")
async def shop(house: Shop) -> AsyncIterator[Shop]:
    """Without orders."""
    url = house.url
    yield house
    house.url = url
    await house.execute("DELETE FROM orders")


@asynccontextmanager
async def live_list(
    browser: Browser, shop: Shop, name: str, **options: str
) -> AsyncIterator[LiveList]:
    async with visiting(browser, shop.url) as visit:
        live = LiveList(visit.page, shop.url)
        await live.open(shop.people[name], **options)
        yield live


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


async def test_it_outlives_its_tokens_over_rest_and_on_the_socket(
    browser: Browser, shop: Shop
) -> None:
    short = {"TANDEM_ACCESS_TOKEN_SECONDS": str(TOKEN_SECONDS), "TANDEM_EXPIRED_CLOSE_SECONDS": "1"}
    async with shop.serving(**short) as server:
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


async def last_event(live: LiveList) -> str:
    events = (await live.record())["events"]
    return str(events[-1]) if events else ""
