"""A server for lists of orders, and what people do there over REST."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
from httpx import AsyncClient
from playwright.async_api import Browser

from app.core.config import Settings
from tests.end_to_end.browser import visiting
from tests.end_to_end.orders import bearer, place_order, token_of
from tests.end_to_end.pages.live_list import LiveList
from tests.end_to_end.server import ServerProcess, serving

FIRST_PAGE = 50


class Shop:
    """People are known by name."""

    def __init__(self, settings: Settings, people: dict[str, str], http: AsyncClient) -> None:
        self.settings = settings
        self.people = people
        self.http = http
        self.url = ""

    def serving(self, **settings: Any) -> AbstractAsyncContextManager[ServerProcess]:
        mine = self.settings
        return serving(mine.database_url, mine.redis_url, mine.data_dir, **settings)

    async def place(self, name: str) -> str:
        order = await place_order(self.http, self.url, await self.token(name))
        return str(order["id"])

    async def token(self, name: str) -> str:
        return await token_of(self.http, self.url, self.people[name])

    async def id(self, name: str) -> str:
        return str((await self.call(name, "GET", "/users/me")).json()["id"])

    async def call(self, name: str, method: str, path: str, **options: Any) -> Any:
        headers = {**bearer(await self.token(name)), **options.pop("headers", {})}
        url = f"{self.url}/api/v1{path}"
        answer = await self.http.request(method, url, headers=headers, **options)
        return answer.raise_for_status()

    async def move(self, order: str, status: str) -> None:
        headers = {"If-Match": "*"}
        await self.call(
            "staff", "PATCH", f"/orders/{order}", json={"status": status}, headers=headers
        )

    async def become(self, name: str, role: str) -> None:
        await self.call("admin", "PATCH", f"/users/{await self.id(name)}", json={"role": role})

    async def execute(self, statement: str, *arguments: Any) -> None:
        connection = await asyncpg.connect(self.settings.database_url)
        await connection.execute(statement, *arguments)
        await connection.close()


@asynccontextmanager
async def live_list(
    browser: Browser, shop: Shop, name: str, **options: str
) -> AsyncIterator[LiveList]:
    async with visiting(browser, shop.url) as visit:
        live = LiveList(visit.page, shop.url)
        await live.open(shop.people[name], **options)
        yield live
