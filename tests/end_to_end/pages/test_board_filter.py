"""Search and filters on the board: what is loaded at once, the rest from the server."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser, Locator, Route, expect

from app.embedded import Services
from tests.end_to_end.browser import COMPOSING, DESKTOP, PHONE, Visit, visiting
from tests.end_to_end.orders import place_order
from tests.end_to_end.pages.boards import assert_clean, demo_server, demo_token
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.pages.room.held import Held
from tests.end_to_end.server import ServerProcess

pytestmark = [*PAGE, pytest.mark.detail]
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")

OLDEST = "1001"
NOTHING = "no such thing"
# What is said of the matches from now on, and when the address has changed.
FOLLOW = """
() => {
  window.said = [];
  const count = document.querySelector('[data-testid=match-count]');
  new MutationObserver(() => said.push(count.textContent)).observe(count, { childList: true });
  window.hasChanged = new Promise((go) =>
    addEventListener('hashchange', () => go(), { once: true }),
  );
}
"""


@shared
async def server(
    demo: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    async with demo_server(demo, tmp_path_factory.mktemp("filter")) as server:
        yield server


async def test_an_order_that_is_not_loaded_yet_is_asked_of_the_server(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url) as staff, without_more_pages(staff):
        await staff.sign_in("staff")
        await expect(card(staff, OLDEST)).to_have_count(0)
        await staff.by("search").fill(OLDEST)

        await expect(card(staff, OLDEST)).to_be_visible()
        await expect(staff.by("match-count")).to_have_text("1 order found")
        await expect(staff.by("extent")).to_have_text("1 of the newest 51 orders")
        assert_clean(staff)


async def test_a_found_order_is_as_live_as_all_others(
    server: ServerProcess, browser: Browser
) -> None:
    async with (
        visiting(browser, server.url) as staff,
        visiting(browser, server.url) as other,
        without_more_pages(other),
    ):
        await staff.sign_in("staff")
        await other.sign_in("admin")
        await other.by("search").fill("Queso")
        found = other.page.locator("[data-testid=column-placed] [data-testid=card]").last
        await other.by("match-count").get_by_text("found").wait_for()
        order = await found.get_attribute("data-order-id")

        mine = staff.page.locator(f"[data-order-id='{order}']")
        await staff.by("search").fill("Queso")
        await mine.get_by_test_id("action-accepted").click()
        await expect(
            other.page.locator(f"[data-testid=column-accepted] [data-order-id='{order}']")
        ).to_be_visible()
        assert_clean(staff, other)


async def test_the_keyboard_leads_to_the_search_and_back(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url) as staff:
        await staff.sign_in("staff")
        search, count = staff.by("search"), staff.by("match-count")
        await staff.page.keyboard.press("/")
        await expect(search).to_be_focused()
        await staff.page.keyboard.type(NOTHING)
        await expect(count).to_have_text("0 orders found")
        await staff.page.keyboard.press("Escape")
        await expect(search).to_have_value("")
        await expect(count).to_have_text("")
        await staff.page.keyboard.press("Escape")
        await expect(search).not_to_be_focused()
        assert_clean(staff)


@pytest.mark.parametrize("composing", COMPOSING, ids=str)
async def test_escape_of_an_input_method_does_not_clear_the_search(
    server: ServerProcess, browser: Browser, composing: dict[str, Any]
) -> None:
    async with visiting(browser, server.url) as staff:
        await staff.sign_in("staff")
        search = staff.by("search")
        await search.fill("Queso")
        await search.dispatch_event("keydown", {"key": "Escape", **composing})

        await expect(search).to_have_value("Queso")
        await expect(search).to_be_focused()


async def test_escape_where_a_card_asks_answers_it_and_leaves_the_filter(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url) as staff:
        await staff.sign_in("staff")
        await staff.by("search").fill("Queso")
        await staff.by("match-count").get_by_text("found").wait_for()
        cancel = staff.by("action-cancelled").first
        await cancel.focus()
        await staff.page.keyboard.press("Enter")
        await expect(staff.by("keep")).to_be_focused()
        await staff.page.keyboard.press("Escape")

        await expect(cancel).to_be_focused()
        await expect(staff.by("search")).to_have_value("Queso")
        assert_clean(staff)


async def test_where_nothing_matches_the_board_says_so_and_offers_a_way_out(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url) as staff:
        await staff.sign_in("staff")
        await staff.by("search").fill(NOTHING)
        await expect(staff.by("no-match")).to_contain_text(f"No order matches “{NOTHING}”")
        await staff.screenshot("filter-nothing")

        await staff.by("no-match-clear").click()
        await expect(staff.by("no-match")).to_be_hidden()
        await expect(staff.by("card").first).to_be_visible()
        await expect(staff.by("search")).to_be_focused()
        assert_clean(staff)


async def test_the_filter_is_in_the_address_and_outlives_a_reload(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    token = await demo_token(http, server, "cleo")
    for _ in range(2):
        await place_order(http, server.url, token, note="Through the address")
    async with visiting(browser, server.url) as staff:
        await staff.sign_in("staff")
        await staff.by("filter-status").select_option("placed")
        await staff.by("filter-owner").select_option(label="Cleo Customer")
        await staff.by("search").fill("address")
        await expect(staff.page).to_have_url(
            re.compile(r"/#q=address&status=placed&owner=[0-9a-f-]+$")
        )
        await expect(staff.by("match-count")).to_have_text("2 orders found")

        await staff.page.reload()
        await staff.is_live()
        await expect(staff.by("match-count")).to_have_text("2 orders found")
        await expect(staff.by("search")).to_have_value("address")
        await expect(staff.by("filter-owner").locator("option:checked")).to_have_text(
            "Cleo Customer"
        )
        await expect(staff.by("column-placed")).to_be_visible()
        await expect(staff.by("column-ready")).to_be_hidden()
        assert set(await staff.page.locator(".card-owner").all_inner_texts()) == {"Cleo Customer"}
        await staff.by("clear-filter").click()
        await expect(staff.page).to_have_url(f"{server.url}/")
        assert_clean(staff)


async def test_a_search_that_is_overtaken_is_ended_and_no_failure(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url) as staff, without_more_pages(staff):
        await staff.sign_in("staff")
        ended: list[str] = []
        staff.page.on("requestfailed", lambda request: ended.append(request.url))
        searches = await Held.of(staff.page, "/orders?q=10&*", "GET")
        await staff.by("search").fill("10")
        search = await searches.next()
        await staff.by("search").fill(OLDEST)

        await expect(staff.by("match-count")).to_have_text("1 order found")
        assert ended == [search.request.url]
        await search.abort()
        await expect(staff.by("toast")).to_have_count(0)
        assert_clean(staff)


async def test_an_order_that_is_opened_and_closed_is_no_other_filter(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url) as staff, without_more_pages(staff):
        await staff.page.clock.install()
        await staff.sign_in("staff")
        await staff.by("search").fill(OLDEST)
        await expect(staff.by("match-count")).to_have_text("1 order found")
        address = staff.page.url
        await staff.page.evaluate(FOLLOW)
        await card(staff, OLDEST).get_by_test_id("card-open").click()
        await expect(staff.by("order-dialog")).to_have_attribute("aria-busy", "false")
        await staff.page.keyboard.press("Escape")
        await staff.page.evaluate("window.hasChanged")
        await staff.page.clock.run_for(1_000)

        await expect(staff.page).to_have_url(address)
        assert await staff.page.evaluate("window.said") == []
        assert len([url for url in staff.urls if "/orders?q=" in url]) == 1
        assert_clean(staff)


async def test_no_address_holds_a_token(server: ServerProcess, browser: Browser) -> None:
    async with visiting(browser, server.url) as staff:
        await staff.sign_in("staff")
        await staff.by("search").fill(OLDEST)
        await expect(staff.by("match-count")).to_have_text("1 order found")
        session = await staff.page.evaluate("() => JSON.parse(localStorage['tandem.session'])")
        addresses = " ".join([*staff.urls, staff.page.url])

    assert "/ws" in addresses
    assert "/api/v1/orders" in addresses
    assert session["access"] not in addresses
    assert session["refresh"] not in addresses


async def test_an_order_that_matches_appears_and_another_does_not(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async with visiting(browser, server.url) as staff:
        await staff.sign_in("staff")
        await staff.by("search").fill("left of the door")
        await expect(staff.by("match-count")).to_have_text("0 orders found")
        token = await demo_token(http, server, "cleo")
        other = await place_order(http, server.url, token, note="right of the door")
        wanted = await place_order(http, server.url, token, note="Left of the door")

        await expect(card(staff, str(wanted["number"]))).to_be_visible()
        await expect(card(staff, str(other["number"]))).to_have_count(0)
        await expect(staff.by("match-count")).to_have_text("1 order found")
        assert_clean(staff)


async def test_a_customer_without_shared_orders_is_not_asked_whose_to_show(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url) as cleo:
        await cleo.sign_in("cleo")
        await expect(cleo.by("filter-owner")).to_be_hidden()
        await expect(cleo.by("filter-status")).to_be_visible()
        assert_clean(cleo)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, (1024, 768), DESKTOP], ids=["phone", "tablet", "desktop"])
async def test_the_filter_fits_the_screen(
    server: ServerProcess, browser: Browser, size: tuple[int, int], *, dark: bool
) -> None:
    name = f"{size[0]}-{'dark' if dark else 'light'}"
    async with visiting(browser, server.url, size=size, dark=dark) as staff:
        await staff.sign_in("staff")
        await staff.by("search").fill("queso")
        await staff.by("filter-status").select_option("placed")
        await staff.by("match-count").get_by_text("found").wait_for()
        await staff.screenshot(f"filter-{name}")

        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await staff.page.evaluate(overflow) <= 0
        assert_clean(staff)


@asynccontextmanager
async def without_more_pages(visit: Visit) -> AsyncIterator[None]:
    """The board gets its first page; requests for others are not answered meanwhile."""
    over = asyncio.Event()

    async def hold(route: Route) -> None:
        if "cursor=" in route.request.url:
            await over.wait()
        await route.continue_()

    await visit.page.route("**/api/v1/orders?*", hold)
    yield
    over.set()
    await visit.page.unroute_all(behavior="wait")


def card(visit: Visit, number: str) -> Locator:
    return visit.by("card").filter(has_text=f"#{number}")
