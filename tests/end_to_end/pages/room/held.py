"""What a page sends, held on its way until a test says what becomes of it."""

import asyncio
from typing import Any, Self

from playwright.async_api import Page, Route

AGE = """() => {
    const earlier = (name, value) => (name === 'at' ? value - 24 * 60 * 60 * 1000 : value);
    for (const [name, kept] of Object.entries(sessionStorage)) {
        sessionStorage.setItem(name, JSON.stringify(JSON.parse(kept, earlier)));
    }
}"""
"""What the page keeps of what it has sent was sent a day earlier."""


class Held:
    """The requests of a page with one method to a path, in order; a key sent again is one wish."""

    def __init__(self, method: str) -> None:
        self.keys: list[str | None] = []
        self._method = method
        self._routes: asyncio.Queue[Route] = asyncio.Queue()

    @classmethod
    async def of(cls, page: Page, path: str, method: str = "POST") -> Self:
        held = cls(method)
        await page.route(f"**/api/v1{path}", held._hold)
        return held

    async def next(self) -> Route:
        async with asyncio.timeout(30):
            return await self._routes.get()

    async def _hold(self, route: Route) -> None:
        if route.request.method != self._method:
            await route.continue_()
            return
        self.keys.append(route.request.headers.get("idempotency-key"))
        self._routes.put_nowait(route)


async def lose_answer(route: Route) -> Any:
    """It is done, which the page never learns; what was answered."""
    answer = await route.fetch()
    await route.abort()
    return await answer.json()


async def cut_answer(route: Route) -> Any:
    """The page hears that it is done, and half of the rest; what was answered."""
    answer = await route.fetch()
    body = await answer.text()
    await route.fulfill(response=answer, body=body[: len(body) // 2])
    return await answer.json()


async def reload_before_the_answer(route: Route) -> None:
    """It is done, which the page forgot to wait for."""
    await route.fetch()
    page = route.request.frame.page
    await page.reload()
    await route.abort()
