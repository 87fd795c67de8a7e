"""What the pieces of the real-time side are tested with: the log, and a hand that writes it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.core.config import Settings
from app.embedded import Services
from app.realtime.log.reader import LogReader
from tests.application import LINGER_SECONDS
from tests.conftest import make_settings
from tests.databases import fresh_database
from tests.realtime.log_writer import LogWriter, writing
from tests.realtime.stage import Stage, staged


@pytest.fixture
async def log(database: str) -> AsyncIterator[LogWriter]:
    """Writes to the log of the test's database."""
    async with writing(database) as writer:
        yield writer


@pytest.fixture
async def reader(database: str) -> AsyncIterator[LogReader]:
    reader = LogReader(database)
    await reader.open()
    yield reader
    await reader.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_stage(
    template: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """One application for a module's tests; each takes people of its own.

    For modules with `pytestmark = pytest.mark.asyncio(loop_scope="module")`.
    """
    async with fresh_database(template) as url:
        settings = make_settings(url, template, tmp_path_factory.mktemp("stage"))
        async with staged(settings, look_seconds=0.1) as stage:
            stage.runtime.follower.linger_seconds = LINGER_SECONDS
            yield stage


@pytest.fixture
async def stage(settings: Settings) -> AsyncIterator[Stage]:
    """A running application."""
    async with staged(settings) as stage:
        yield stage
