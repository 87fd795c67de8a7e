"""The client's connection notices a dead link whatever the clock has done meanwhile."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.end_to_end.browser import visiting
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.pages.shop import Shop

pytestmark = PAGE

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SILENCE_MS = 35_000
# A connection whose server answers the first command, and is never heard of again.
CONNECT = """
async () => {
  const { Connection } = await import('/static/realtime/connection.js');
  window.sockets = [];
  const openSocket = () => {
    const socket = { isClosed: false, close: () => (socket.isClosed = true) };
    socket.send = (text) => {
      const data = JSON.stringify({ id: JSON.parse(text).id, connect: { ping: 25, pong: true } });
      queueMicrotask(() => socket.onmessage({ data }));
    };
    queueMicrotask(() => socket.onopen());
    sockets.push(socket);
    return socket;
  };
  await new Promise((onUp) => {
    const [recovery, ignore] = [() => ({}), () => {}];
    const handlers = { recovery, onUp, onDown: ignore, onPush: ignore, onPhase: ignore };
    const options = { url: '/ws', getToken: async () => 'token', openSocket };
    new Connection(options, { ...handlers, onEnd: ignore }).connect();
  });
}
"""
IS_CLOSED = "() => sockets[0].isClosed"


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, shop: Shop) -> AsyncIterator[Page]:
    """With a connection that is up since noon."""
    async with visiting(browser, shop.url) as visit:
        await visit.page.clock.install(time=NOON)
        await visit.page.goto(f"{shop.url}/health")
        await visit.page.evaluate(CONNECT)
        yield visit.page


@pytest.mark.parametrize(
    ("target", "event"),
    [("document", "visibilitychange"), ("document", "resume"), ("window", "pageshow")],
)
async def test_who_looks_after_a_sleep_sees_no_connection_that_died_meanwhile(
    page: Page, target: str, event: str
) -> None:
    await page.clock.set_system_time(NOON + timedelta(hours=8))
    assert not await page.evaluate(IS_CLOSED)
    await page.evaluate(f"{target}.dispatchEvent(new Event('{event}'))")

    assert await page.evaluate(IS_CLOSED)


async def test_who_looks_at_a_connection_that_is_well_does_not_end_it(page: Page) -> None:
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    assert not await page.evaluate(IS_CLOSED)


async def test_a_clock_that_was_set_back_hides_no_dead_connection(page: Page) -> None:
    await page.clock.set_system_time(NOON - timedelta(hours=1))
    await page.clock.run_for(2 * SILENCE_MS + 1_000)

    assert await page.evaluate(IS_CLOSED)
