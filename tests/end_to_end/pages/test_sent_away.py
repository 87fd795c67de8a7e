"""A page that the server has sent away comes back by itself where that may help."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser, WebSocketRoute, expect

from app.embedded import Services
from tests.end_to_end.browser import Visit, visiting
from tests.end_to_end.following import following
from tests.end_to_end.pages.boards import assert_clean, demo_server, demo_token
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.scrape import connections
from tests.end_to_end.server import ServerProcess

pytestmark = [*PAGE, pytest.mark.detail]
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")
both_pages = pytest.mark.parametrize("path", ["/", "/ops"])

LONGEST_PAUSE_MS = 60_000
STALE = 3502


@shared
async def house(
    demo: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    """One window for each person."""
    directory = tmp_path_factory.mktemp("sent-away")
    async with demo_server(demo, directory, TANDEM_CONNECTIONS_PER_USER="1") as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def server(house: ServerProcess, http: AsyncClient) -> ServerProcess:
    """Without a window: the one of the test before may still be on its way out."""
    await connections(http, house.url, 0)
    return house


@both_pages
async def test_a_window_too_many_comes_back_when_another_is_gone(
    server: ServerProcess, browser: Browser, http: AsyncClient, path: str
) -> None:
    token = await demo_token(http, server, "admin")
    async with visiting(browser, server.url) as admin:
        await admin.page.clock.install()
        async with following(server.socket_url, token, "orders"):
            await sign_in(admin, path)
            await expect(admin.by("connection-banner")).to_contain_text("Too many windows")
            await expect(admin.page.get_by_role("button", name="Connect")).to_be_visible()
        await connections(http, server.url, 0)
        await admin.page.clock.fast_forward(LONGEST_PAUSE_MS)

        await admin.is_live()
        await expect(admin.by("connection-banner")).to_be_hidden()
        assert_clean(admin)


@both_pages
async def test_a_window_whose_handshake_came_too_late_tries_another(
    server: ServerProcess, browser: Browser, path: str
) -> None:
    opened: list[WebSocketRoute] = []

    async def end_the_first(socket: WebSocketRoute) -> None:
        opened.append(socket)
        if len(opened) == 1:
            await socket.close(code=STALE, reason="stale")
        else:
            socket.connect_to_server()

    async with visiting(browser, server.url) as admin:
        await admin.page.route_web_socket("**/ws", end_the_first)
        await sign_in(admin, path)

        await admin.is_live()
        assert len(opened) == 2
        assert_clean(admin)


async def sign_in(admin: Visit, path: str) -> None:
    await admin.page.goto(admin.url + path)
    await admin.by("demo-admin").click()
