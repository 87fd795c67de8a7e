"""A list of orders that the client module keeps, in a page of its own; what it says of itself."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from playwright.async_api import Page

from tests.application import PASSWORD
from tests.waiting import POLL_SECONDS

WAIT_SECONDS = 40.0

# What the page keeps: the client, the list, and a record of what happened. `fetch` can be told to
# hold the answers to requests until `release`.
OPEN = """
async ({ email, password, path, only, stale }) => {
  const { RealtimeClient } = await import('/static/realtime.js');
  const { accessToken, signIn } = await import('/static/session.js');
  await signIn(email, password);
  const record = { sources: [], events: [], removed: [], connected: 0, tokens: 0, states: [] };
  const gate = { held: [], isShut: false };
  const getToken = (spent) => {
    record.tokens += 1;
    return stale && spent === null ? Promise.resolve(stale) : accessToken(spent);
  };
  const gated = async (url, init) => {
    const response = await fetch(url, init);
    if (gate.isShut) await new Promise((resolve) => gate.held.push(resolve));
    return response;
  };
  const client = new RealtimeClient({ url: '/ws', getToken, fetch: gated });
  client.addEventListener('connected', () => (record.connected += 1));
  client.addEventListener('state', ({ detail }) => record.states.push(detail));
  client.connect();
  const onChange = ({ source, event, removed }) => {
    record.sources.push(source);
    if (event) record.events.push(event.type);
    record.removed.push(...removed.map(({ id }) => id));
  };
  const matches = only ? (order) => order.status === only : undefined;
  const live = await client.collection(path, { onChange, matches });
  window.tandem = { client, live, record, gate };
}
"""
Result = TypeVar("Result")


class LiveList:
    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._url = url

    async def open(
        self, email: str, *, path: str = "/api/v1/orders", only: str = "", stale: str = ""
    ) -> None:
        """Sign in and load the list. `stale` is the token that is tried first."""
        await self.page.goto(f"{self._url}/health")
        words = {"email": email, "password": PASSWORD, "path": path, "only": only, "stale": stale}
        await self.page.evaluate(OPEN, words)

    async def ids(self) -> set[str]:
        found = await self._ask("() => [...tandem.live.values()].map(({ id }) => id)")
        return set(found)

    async def order(self, order_id: str) -> dict[str, Any] | None:
        order: dict[str, Any] | None = await self._ask("(id) => tandem.live.get(id)", order_id)
        return order

    async def is_complete(self) -> bool:
        return bool(await self._ask("() => tandem.live.isComplete"))

    async def is_live(self) -> bool:
        return bool(await self._ask("() => tandem.client.state === 'live'"))

    async def more(self) -> None:
        await self._ask("() => tandem.live.more()")

    async def ask_for_more(self) -> None:
        """Without waiting for the answer, which is held until `release`."""
        await self.hold()
        await self._ask("() => { tandem.asked = tandem.live.more(); }")
        await becomes(self.held, 1)

    async def hold(self) -> None:
        """The answers to requests from now on, until `release`."""
        await self._ask("() => { tandem.gate.isShut = true; }")

    async def held(self) -> int:
        """How many answers are held."""
        return int(await self._ask("() => tandem.gate.held.length"))

    async def release(self) -> None:
        await self._ask(
            "() => { tandem.gate.isShut = false; tandem.gate.held.forEach((go) => go());"
            " return tandem.asked; }"
        )

    async def take(self, order: dict[str, Any]) -> None:
        await self._ask("(order) => tandem.live.take(order)", order)

    async def hide(self, order_id: str, version: int) -> None:
        await self._ask("([id, version]) => tandem.live.hide(id, version)", [order_id, version])

    async def record(self) -> dict[str, Any]:
        record: dict[str, Any] = await self._ask("() => tandem.record")
        return record

    async def resets(self) -> int:
        return int((await self.record())["sources"].count("reset"))

    async def shows(self, *orders: str) -> None:
        """Wait until exactly these are there, and nothing is on its way any more."""
        await becomes(self.ids, set(orders))
        await becomes(self.is_live, wanted=True)

    async def has(self, order_id: str) -> bool:
        return await self.order(order_id) is not None

    async def _ask(self, expression: str, argument: Any = None) -> Any:
        return await self.page.evaluate(expression, argument)


async def becomes(ask: Callable[[], Awaitable[Result]], wanted: Result) -> None:
    """Ask until the answer is the one that is wanted."""
    answer: Result | None = None
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while (answer := await ask()) != wanted:  # noqa: ASYNC110 - another process's
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        assert answer == wanted
        raise
