"""The board loads one page after the other, when there is time for it, and keeps what is seen."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser, Route, expect

from app.embedded import Services
from tests.end_to_end.browser import Visit, visiting
from tests.end_to_end.orders import place_orders
from tests.end_to_end.pages.boards import assert_clean, become, demo_server, demo_token
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.pages.room.held import Held
from tests.end_to_end.server import ServerProcess

pytestmark = [*PAGE, pytest.mark.detail]
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")

ORDERS = 400
FIRST = 24
"""So many cards a column shows at first."""
NODES_OF_A_CARD = 18
NO_NEWS_MS = 3_000
"""From then on no card is drawn attention to."""
NEXT_PAGE = re.compile(r"/api/v1/orders\?.*cursor=")
COUNT_IDLE = """
const idle = window.requestIdleCallback.bind(window);
window.asked = 0;
window.requestIdleCallback = (...given) => { window.asked += 1; return idle(...given); };
window.idle = () => new Promise((resolve) => idle(resolve));
"""
# How often the page asks for an idle moment of its own, while so many pass.
ASKED = """
async (moments) => {
  const before = window.asked;
  for (let passed = 0; passed < moments; passed += 1) await window.idle();
  return window.asked - before;
}
"""


@shared
async def server(
    demo: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    async with demo_server(demo, tmp_path_factory.mktemp("loading"), copies=1) as server:
        yield server


async def test_a_board_that_is_being_read_again_is_at_rest_until_it_is_read_and_loads_on_then(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    async with visiting(browser, server.url) as staff:
        await staff.page.add_init_script(COUNT_IDLE)
        await staff.page.route(NEXT_PAGE, refuse)
        await staff.sign_in("staff")
        more = staff.by("load-more")
        await expect(more).to_have_text("Load older")
        await expect(more).to_be_enabled()
        await expect(staff.by("toast")).to_have_count(1)
        readings = await Held.of(staff.page, "/orders?limit=200", "GET")
        await become(http, server, "staff", "admin")
        reading = await readings.next()

        await more.click()
        assert await staff.page.evaluate(ASKED, 10) == 0
        await expect(more).to_be_enabled()

        await staff.page.unroute(NEXT_PAGE, refuse)
        await reading.continue_()
        await staff.page.unroute_all(behavior="wait")
        await expect(staff.by("extent")).to_have_text(f"{ORDERS} orders")
        assert staff.foreign == []


async def test_an_order_that_has_sunk_out_of_sight_leaves_no_card_behind(
    server: ServerProcess, browser: Browser, http: AsyncClient
) -> None:
    token = await demo_token(http, server, "cleo")
    async with visiting(browser, server.url) as staff:
        await staff.page.clock.install()
        await staff.sign_in("staff")
        await expect(staff.by("extent")).to_have_text(re.compile(r"^[45]\d\d orders$"))
        placed = int(await staff.by("count-placed").inner_text())
        nodes = []
        for many in (1, 2, 3, 4):
            await place_orders(http, server.url, token, count=FIRST, callers=4)
            await expect(staff.by("count-placed")).to_have_text(str(placed + many * FIRST))
            await staff.page.clock.run_for(NO_NEWS_MS)
            nodes.append(await nodes_of(staff))

        assert nodes[-1] - nodes[0] < FIRST * NODES_OF_A_CARD
        assert_clean(staff)


async def nodes_of(visit: Visit) -> int:
    """How many the page keeps, in the document or not."""
    session = await visit.page.context.new_cdp_session(visit.page)
    await session.send("HeapProfiler.collectGarbage")
    counters = await session.send("Memory.getDOMCounters")
    await session.detach()
    return int(counters["nodes"])


async def refuse(route: Route) -> None:
    await route.abort()
