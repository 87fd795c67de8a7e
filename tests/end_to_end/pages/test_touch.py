"""Fingers on the board: a tap does what it was aimed at, and nothing else."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from app.embedded import Services
from tests.end_to_end.browser import visiting
from tests.end_to_end.pages.boards import assert_clean, demo_server
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.server import ServerProcess

pytestmark = [*PAGE, pytest.mark.detail]
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")

TABLET = (1024, 768)
TWO_FRAMES = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"


@shared
async def server(
    demo: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    async with demo_server(demo, tmp_path_factory.mktemp("touch")) as server:
        yield server


async def test_a_tap_beside_an_opened_order_closes_it_and_meets_nothing_behind_it(
    server: ServerProcess, browser: Browser
) -> None:
    async with visiting(browser, server.url, size=TABLET, touch=True) as staff:
        methods: list[str] = []
        staff.page.on("request", lambda request: methods.append(request.method))
        await staff.sign_in("staff")
        behind = staff.by("column-placed").get_by_test_id("action-accepted").first
        button = await behind.bounding_box()
        await staff.by("column-accepted").get_by_test_id("card-open").first.tap()
        dialog = staff.by("order-dialog")
        await expect(dialog).to_have_attribute("aria-busy", "false")
        sheet = await dialog.bounding_box()
        assert button
        assert sheet
        x, y = button["x"] + 12, button["y"] + button["height"] / 2
        assert x < sheet["x"]

        await staff.page.touchscreen.tap(x, y)

        await expect(dialog).to_have_count(0)
        await staff.page.evaluate(TWO_FRAMES)
        assert "PATCH" not in methods
        await expect(dialog).to_have_count(0)
        assert_clean(staff)
