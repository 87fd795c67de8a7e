"""A browser and a REST client for all tests of a module."""

from collections.abc import AsyncIterator

import pytest_asyncio
from httpx import AsyncClient
from playwright.async_api import Browser

from tests.end_to_end.browser import chromium

shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


@shared
async def http() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(timeout=30) as client:
        yield client


@shared
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser
