"""A real Postgres and a real Valkey for every run; an empty database for every test."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from app import migrations
from app.core.config import Settings
from app.embedded import Services, Valkey, private_services
from tests.application import Application, run_application
from tests.databases import TEMPLATE, administer, database_url, fresh_database
from tests.realtime.brokers import own_valkey

# The same examples each time, and as much time for them as a busy machine takes.
hypothesis_settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("steady")

LEFT_SECONDS = 5.0
"""For tasks that are about to end."""

SECRET = SecretStr("a-secret-key-for-tests-of-32-bytes-at-least")


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Private servers, thrown away afterwards: nothing is synced to disk."""
    with private_services(tmp_path_factory.mktemp("services"), durable=False) as private:
        yield private


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """One to be rough with: nobody but a module's tests uses it."""
    with own_valkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey


@pytest.fixture(scope="session")
def template(services: Services) -> Services:
    """A migrated, empty database that others are copied from."""
    asyncio.run(administer(services, f"CREATE DATABASE {TEMPLATE}"))
    asyncio.run(migrations.migrate(database_url(services, TEMPLATE)))
    return services


@pytest.fixture
async def database(template: Services) -> AsyncIterator[str]:
    """The address of an empty database: real commits, and a log of its own."""
    async with fresh_database(template) as url:
        yield url


@pytest.fixture
def settings(database: str, services: Services, tmp_path: Path) -> Settings:
    return make_settings(database, services, tmp_path)


def make_settings(database: str, services: Services, data_dir: Path) -> Settings:
    """What tests run with: no limits on requests, no drain to wait for."""
    return Settings(
        environment="test",
        database_url=database,
        redis_url=services.redis_url,
        secret_key=SECRET,
        data_dir=data_dir,
        requests_per_second=0,
        sign_in_per_minute=0,
        drain_seconds=0,
    )


@pytest.fixture
async def session(database: str) -> AsyncIterator[AsyncSession]:
    """A session whose commits are savepoints: all of it is rolled back."""
    url = database.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection, connection.begin() as transaction:
        async with AsyncSession(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        ) as session:
            yield session
        await transaction.rollback()
    await engine.dispose()


@pytest.fixture
async def application(settings: Settings) -> AsyncIterator[Application]:
    """The whole application in this process, its lifespan running."""
    async with run_application(settings) as running:
        yield running


@pytest.fixture
async def client(application: Application) -> AsyncIterator[AsyncClient]:
    """An HTTP client of the application; nobody is signed in."""
    transport = ASGITransport(app=application.asgi, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def watch_of(loop_scope: Literal["function", "module", "package"]) -> Any:
    """A fixture that fails where a test leaves a task in the loop of this scope."""

    @pytest_asyncio.fixture(loop_scope=loop_scope)
    async def watch() -> AsyncIterator[None]:
        before = asyncio.all_tasks()
        yield
        left = [one for one in asyncio.all_tasks() - before if one is not asyncio.current_task()]
        if left:
            await asyncio.wait(left, timeout=LEFT_SECONDS)
        running = [task for task in left if not task.done()]
        assert not running, f"left running: {running}"

    return watch


watch_function = watch_of("function")
watch_module = watch_of("module")
watch_package = watch_of("package")


@pytest.fixture(autouse=True)
def no_task_is_left(request: pytest.FixtureRequest) -> None:
    """A test that leaves a task running fails, in whichever loop it runs."""
    marker = request.node.get_closest_marker("asyncio")
    scope = marker.kwargs.get("loop_scope", "function") if marker else "function"
    request.getfixturevalue(f"watch_{scope}")


def pytest_report_header() -> str:
    return f"cores: {os.cpu_count()}"


@pytest.fixture
def surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What workers inherit, as `serve` leaves it to them."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("TANDEM_ENVIRONMENT", "test")
    monkeypatch.setenv("TANDEM_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("TANDEM_SECRET_KEY", settings.secret_key.get_secret_value())
    monkeypatch.setenv("TANDEM_DRAIN_SECONDS", "0")
    return settings


@pytest.fixture
async def one_thread() -> None:
    """As when a machine has few cores and many workers."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
