"""The client module and the server agree on what is subscribed, whatever crosses on the way."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.application import PASSWORD
from tests.end_to_end.browser import visiting
from tests.end_to_end.pages.live_list import becomes
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.pages.shop import Shop

pytestmark = PAGE

# A client that is up, the socket that it has, and what is heard of the channel of orders.
CONNECT = """
async ({ email, password }) => {
  const { RealtimeClient } = await import('/static/realtime.js');
  const { accessToken, signIn } = await import('/static/session.js');
  await signIn(email, password);
  const openSocket = (url) => (tandem.socket = new WebSocket(url));
  const heard = [];
  const follow = () => {
    const channel = tandem.client.subscribe('orders');
    for (const type of ['subscribed', 'unsubscribed', 'publication']) {
      channel.addEventListener(type, () => heard.push(type));
    }
  };
  window.tandem = { heard, follow };
  tandem.client = new RealtimeClient({ url: '/ws', getToken: accessToken, openSocket });
  tandem.client.connect();
  await tandem.client.connected();
}
"""
# The server ends the subscription before it hears that it was given up and is wanted again.
CROSS = """
() => {
  tandem.client.unsubscribe('orders');
  tandem.follow();
  const push = { channel: 'orders', unsubscribe: { code: 2500, reason: 'insufficient state' } };
  tandem.socket.onmessage({ data: JSON.stringify({ push }) });
}
"""
# One of which the client knows nothing.
SUBSCRIBE_UNHEARD = """
() => tandem.socket.send(JSON.stringify({ id: 1_000_000, subscribe: { channel: 'orders' } }))
"""


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, shop: Shop) -> AsyncIterator[Page]:
    """Of somebody who may follow all orders."""
    async with visiting(browser, shop.url) as visit:
        await visit.page.goto(f"{shop.url}/health")
        words = {"email": shop.people["staff"], "password": PASSWORD}
        await visit.page.evaluate(CONNECT, words)
        yield visit.page


async def heard(page: Page) -> list[str]:
    words: list[str] = await page.evaluate("() => tandem.heard")
    return words


async def test_an_end_of_the_subscription_before_does_not_touch_the_next(
    page: Page, shop: Shop
) -> None:
    await page.evaluate("() => tandem.follow()")
    await becomes(lambda: heard(page), ["subscribed"])
    await page.evaluate(CROSS)
    await becomes(lambda: heard(page), ["subscribed"] * 2)
    await shop.place("cleo")
    await becomes(lambda: heard(page), ["subscribed", "subscribed", "publication"])


async def test_what_the_server_has_subscribed_unheard_is_subscribed_anew(
    page: Page, shop: Shop
) -> None:
    await page.evaluate(SUBSCRIBE_UNHEARD)
    await page.evaluate("() => tandem.follow()")
    await becomes(lambda: heard(page), ["subscribed"])
    await shop.place("cleo")
    await becomes(lambda: heard(page), ["subscribed", "publication"])
