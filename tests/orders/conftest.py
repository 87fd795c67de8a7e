"""One running application for a module's tests; each takes people of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient

from app.embedded import Services
from tests.application import LINGER_SECONDS, Person, run_application
from tests.conftest import make_settings
from tests.databases import fresh_database
from tests.orders.shop import Shop


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(template: Services, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """For modules with `pytestmark = pytest.mark.asyncio(loop_scope="module")`."""
    async with fresh_database(template) as url:
        settings = make_settings(url, template, tmp_path_factory.mktemp("shop"))
        async with run_application(settings) as application:
            application.runtime.follower.linger_seconds = LINGER_SECONDS
            transport = ASGITransport(app=application.asgi, raise_app_exceptions=False)
            async with AsyncClient(transport=transport, base_url="http://test") as client:
                yield Shop(application, client)


@pytest_asyncio.fixture(loop_scope="module")
async def cleo(shop: Shop) -> Person:
    """A customer whom no other test knows."""
    return await shop.customer()
