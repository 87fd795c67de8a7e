"""The board in a real browser: what one does, the other sees."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser, expect

from app.embedded import Services
from tests.end_to_end.browser import DESKTOP, PHONE, Visit, visiting
from tests.end_to_end.orders import bearer, place_order
from tests.end_to_end.pages.boards import assert_clean, become, demo_server, demo_token
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.server import ServerProcess

pytestmark = PAGE

# What reaches into the padding of an order's card.
BURSTING = """
(id) => {
  const card = document.querySelector(`[data-order-id='${id}']`);
  const { left, right } = card.getBoundingClientRect();
  const texts = [...card.children].filter((part) => part.checkVisibility());
  const parts = texts.flatMap((part) => [part, ...part.querySelectorAll('button, strong, span')]);
  const boxes = parts.map((part) => [part.className, part.getBoundingClientRect()]);
  return boxes.filter(([, box]) => box.left < left + 8 || box.right > right - 8);
}
"""


shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


@shared
async def server(
    demo: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    """One seeded server for all of these: each test looks at orders of its own."""
    async with demo_server(demo, tmp_path_factory.mktemp("board")) as server:
        yield server


async def test_an_order_placed_by_rest_appears_and_its_moves_show_on_both_boards(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async with visiting(browser, server.url) as staff, visiting(browser, server.url) as cleo:
        await staff.sign_in("staff")
        await cleo.sign_in("cleo")
        order = await place(http, server)

        card = f"[data-testid=card][data-order-id='{order}']"
        for visit in (staff, cleo):
            await visit.page.locator(card).wait_for()
        await (
            staff.page.locator(f"{card}:not([data-shifting])")
            .get_by_test_id("action-accepted")
            .click()
        )

        moved = "[data-testid=column-accepted] " + card
        for visit in (staff, cleo):
            await visit.page.locator(moved).wait_for()
            await expect(visit.by("event-delay")).to_have_attribute("data-ms", re.compile(r"\d+"))
        assert_clean(staff, cleo)


async def test_an_order_is_placed_with_the_form(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    before = await count_placed(http, server)
    async with visiting(browser, server.url) as cleo:
        await cleo.sign_in("cleo")
        await expect(cleo.by("count-placed")).to_have_text(str(before))
        await cleo.by("new-order").click()
        await cleo.page.locator("[data-testid^=product-]").first.click()
        await cleo.by("submit-order").click()

        await expect(cleo.by("count-placed")).to_have_text(str(before + 1))
        assert_clean(cleo)


async def test_the_board_recovers_from_a_killed_worker_and_shows_what_it_missed(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async with visiting(browser, server.url) as staff:
        await staff.sign_in("staff")
        light = staff.by("connection-light")
        server.kill_worker()
        await expect(light).to_have_attribute("data-state", "reconnecting")
        await staff.is_live()
        order = await place(http, server)

        card = staff.page.locator(f"[data-testid=card][data-order-id='{order}']")
        await card.wait_for()
        assert await card.count() == 1
        assert staff.foreign == []


async def test_somebody_who_becomes_staff_sees_all_orders_and_what_to_do_with_them(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    order = await place(http, server)
    async with visiting(browser, server.url) as omar:
        await omar.sign_in("omar")
        theirs = omar.page.locator(f"[data-order-id='{order}']")
        await expect(theirs).to_have_count(0)
        await become(http, server, "omar", "staff")
        await expect(theirs.get_by_test_id("action-accepted")).to_be_visible()

        await become(http, server, "omar", "customer")
        await expect(theirs).to_have_count(0)
        await expect(omar.by("action-accepted")).to_have_count(0)
        assert_clean(omar)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_the_board_fits_the_screen(
    server: ServerProcess, browser: Browser, size: tuple[int, int], *, dark: bool
) -> None:
    name = f"{size[0]}-{'dark' if dark else 'light'}"
    async with visiting(browser, server.url, size=size, dark=dark) as visit:
        await visit.page.goto(server.url)
        await visit.by("demo-staff").wait_for()
        await visit.screenshot(f"sign-in-{name}")
        await visit.sign_in("staff")
        await visit.by("card").first.wait_for()
        await visit.screenshot(f"board-{name}")

        assert await overflow_of(visit) <= 0
        assert_clean(visit)


@pytest.mark.detail
@pytest.mark.parametrize("size", [(320, 568), (390, 844), (1280, 800)], ids=str)
async def test_nothing_bursts_a_card_and_the_header_is_one_line(
    server: ServerProcess, browser: Browser, http: AsyncClient, size: tuple[int, int]
) -> None:
    token = await demo_token(http, server, "cleo")
    line = {"sku": "W-1", "name": "W" * 90, "quantity": 9_999, "unit_price": "9999999.00"}
    order = await place_order(http, server.url, token, items=[line], note="N" * 200)
    async with visiting(browser, server.url, size=size) as admin:
        await admin.sign_in("admin")
        await admin.page.locator(f"[data-order-id='{order['id']}']").wait_for()

        assert await admin.page.evaluate(BURSTING, order["id"]) == []
        button = await admin.by("new-order").bounding_box()
        sign_out = await admin.by("sign-out").bounding_box()
        assert button
        assert sign_out
        assert abs(button["y"] - sign_out["y"]) <= 4
        assert sign_out["x"] + sign_out["width"] <= size[0]
        assert_clean(admin)


@pytest.mark.detail
async def test_all_columns_are_seen_on_a_small_laptop(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url, size=(1280, 800)) as staff:
        await staff.sign_in("staff")
        last = await staff.by("column-cancelled").bounding_box()

    assert last
    assert last["x"] + last["width"] <= 1280


@pytest.mark.detail
async def test_admins_alone_are_shown_the_way_to_the_operations(
    server: ServerProcess, browser: Browser
) -> None:
    async with (
        visiting(browser, server.url, size=PHONE) as admin,
        visiting(browser, server.url) as staff,
    ):
        await admin.sign_in("admin")
        await admin.screenshot("board-admin-390-light")
        assert await overflow_of(admin) <= 0
        await admin.by("to-ops").click()
        await admin.page.wait_for_url("**/ops")
        await staff.sign_in("staff")
        await expect(staff.by("to-ops")).to_be_hidden()
        assert_clean(admin, staff)


async def test_docs_ask_no_other_host(server: ServerProcess, browser: Browser) -> None:
    async with visiting(browser, server.url) as visit:
        await visit.page.goto(f"{server.url}/docs")
        await visit.page.locator("#operations-orders-create_order_api_v1_orders_post").wait_for()

        assert_clean(visit)


async def test_the_description_of_the_socket_can_be_read(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url) as visit:
        await visit.page.goto(f"{server.url}/asyncapi")
        channel = visit.by("channel-orders_one")
        await expect(channel).to_contain_text("whoever may see the order", ignore_case=True)
        await channel.get_by_test_id("message-order.updated").click()
        await expect(channel.locator("table.fields").first).to_contain_text("collaborators")
        await visit.screenshot("asyncapi")

        assert_clean(visit)


@pytest.mark.detail
async def test_the_description_of_the_socket_fits_a_phone_and_the_dark(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url, size=PHONE, dark=True) as visit:
        await visit.page.goto(f"{server.url}/asyncapi")
        await visit.by("channel-orders").wait_for()
        width = await visit.page.evaluate("document.documentElement.scrollWidth")
        await visit.screenshot("asyncapi-phone")

        assert width <= PHONE[0]
        assert_clean(visit)


async def place(http: AsyncClient, server: ServerProcess) -> str:
    """An order of Cleo's; its id."""
    order = await place_order(http, server.url, await demo_token(http, server, "cleo"))
    return str(order["id"])


async def count_placed(http: AsyncClient, server: ServerProcess) -> int:
    """How many of Cleo's orders are placed."""
    headers = bearer(await demo_token(http, server, "cleo"))
    page = await http.get(f"{server.url}/api/v1/orders?status=placed&limit=200", headers=headers)
    return len(page.json()["items"])


async def overflow_of(visit: Visit) -> int:
    """By how many pixels the page is wider than the screen."""
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(await visit.page.evaluate(overflow))
