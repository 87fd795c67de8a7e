"""What the page says can be read, and heard, by everybody."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, WebSocketRoute, expect

from app.embedded import Services
from tests.end_to_end.browser import visiting
from tests.end_to_end.pages.boards import assert_clean, demo_server
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.server import ServerProcess

pytestmark = [*PAGE, pytest.mark.detail]
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")

CROWDED = 3504
LONG_NAME = "N" * 100
LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3, for text of this size."""
# WCAG 2.2: the contrast ratio of a text to its ground, from 1 to 21.
CONTRAST = """
(node) => {
  const options = { willReadFrequently: true };
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', options);
  const luminance = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const parts = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const [red, green, blue] = parts.map(linear);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const { color, backgroundColor } = getComputedStyle(node);
  const [bright, dark] = [color, backgroundColor].map(luminance).sort((a, b) => b - a);
  return (bright + 0.05) / (dark + 0.05);
}
"""
IS_RENDERED = "(node) => node.checkVisibility()"


@shared
async def server(
    demo: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    async with demo_server(demo, tmp_path_factory.mktemp("readable")) as server:
        yield server


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_an_error_stands_out_from_its_ground(
    server: ServerProcess, browser: Browser, *, dark: bool
) -> None:
    async with visiting(browser, server.url, dark=dark) as staff:
        await staff.sign_in("staff")
        await staff.page.goto(f"{server.url}/#order=none")
        toast = staff.page.locator(".toast[data-kind=error]")

        assert await toast.evaluate(CONTRAST) >= LEAST_CONTRAST
        assert_clean(staff)


async def test_who_was_sent_away_hears_why_and_what_can_be_done(
    server: ServerProcess, browser: Browser
) -> None:
    sockets: list[WebSocketRoute] = []

    async def keep(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    async with visiting(browser, server.url) as staff:
        await staff.page.route_web_socket("**/ws", keep)
        await staff.sign_in("staff")
        region = staff.page.get_by_role("status").filter(has=staff.by("connection-banner"))
        before = staff.page.locator("[role=status]", has=staff.by("connection-banner"))
        # A region that comes with its text is not read aloud by all.
        assert await before.evaluate(IS_RENDERED)
        await expect(staff.by("connection-banner")).to_be_hidden()
        await sockets[0].close(code=CROWDED, reason="connection limit")

        await expect(region).to_contain_text("Too many windows")
        await expect(region.get_by_role("button", name="Connect")).to_be_visible()
        assert_clean(staff)


@pytest.mark.parametrize("path", ["/", "/ops"])
@pytest.mark.parametrize("width", [800, 1280])
async def test_a_long_name_pushes_nothing_out_of_the_window(
    server: ServerProcess, browser: Browser, path: str, width: int
) -> None:
    async with visiting(browser, server.url, size=(width, 700)) as admin:
        await admin.page.route("**/users/me", with_long_name)
        await admin.page.goto(f"{server.url}{path}")
        await admin.by("demo-admin").click()
        await admin.is_live()
        await expect(admin.page.locator(".who-name")).to_have_text(LONG_NAME)
        button = await admin.by("sign-out").bounding_box()

        assert button
        assert button["x"] + button["width"] <= width
        assert_clean(admin)
        await admin.page.unroute_all(behavior="wait")  # the page may ask for the name once more


async def with_long_name(route: Route) -> None:
    answer = await route.fetch()
    await route.fulfill(response=answer, json={**await answer.json(), "name": LONG_NAME})
