"""A client that was away goes on where it left: on a subscribed and on a server-side channel."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from httpx import AsyncClient

from app.core.config import Settings
from app.embedded import Services
from tests.conftest import make_settings
from tests.databases import fresh_database
from tests.end_to_end.conftest import create_people
from tests.end_to_end.evidence import final_head
from tests.end_to_end.orders import place_order, token_of
from tests.end_to_end.server import ServerProcess, serving
from tests.end_to_end.subscriber import WAIT_SECONDS, Socket, open_socket
from tests.waiting import until

AWAY_SECONDS = 5.0
MISSED = 20


pytestmark = pytest.mark.asyncio(loop_scope="module")
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


@shared
async def settings(
    template: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    """One log for all of these: each test takes its position anew."""
    async with fresh_database(template) as url:
        yield make_settings(url, template, tmp_path_factory.mktemp("resume"))


@shared
async def people(settings: Settings) -> dict[str, str]:
    return await create_people(settings)


@shared
async def server(settings: Settings) -> AsyncIterator[ServerProcess]:
    async with serving(
        settings.database_url, settings.redis_url, settings.data_dir, workers=2
    ) as server:
        yield server


@shared
async def http() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(timeout=30) as client:
        yield client


async def test_after_five_seconds_a_subscription_gets_exactly_what_it_missed(
    server: ServerProcess, http: AsyncClient, people: dict[str, str]
) -> None:
    token = await token_of(http, server.url, people["staff"])
    async with open_socket(server.socket_url, token) as socket:
        here = (await socket.ask(subscribe={"channel": "orders"}))["subscribe"]
    missed = await place_while_away(http, server.url, token)

    async with open_socket(server.socket_url, token) as socket:
        position = {"recover": True, "epoch": here["epoch"], "offset": here["offset"]}
        reply = await socket.ask(subscribe={"channel": "orders", **position})
        resumed = reply["subscribe"]

        assert resumed["was_recovering"]
        assert resumed["recovered"]
        assert resumed["offset"] == here["offset"]
        assert await publications(socket, MISSED) == list(enumerate(missed, here["offset"] + 1))


async def test_after_five_seconds_the_own_channel_gets_exactly_what_it_missed(
    server: ServerProcess, http: AsyncClient, people: dict[str, str]
) -> None:
    token = await token_of(http, server.url, people["cleo"])
    async with open_socket(server.socket_url) as socket:
        subs = (await socket.ask(connect={"token": token}))["connect"]["subs"]
    ((channel, here),) = subs.items()
    missed = await place_while_away(http, server.url, token)

    async with open_socket(server.socket_url) as socket:
        position = {"recover": True, "epoch": here["epoch"], "offset": here["offset"]}
        reply = await socket.ask(connect={"token": token, "subs": {channel: position}})
        resumed = reply["connect"]["subs"][channel]

        assert resumed["recovered"]
        assert resumed["offset"] == here["offset"]
        assert await publications(socket, MISSED) == list(enumerate(missed, here["offset"] + 1))


@pytest.mark.parametrize("reason", ["above the head", "of another epoch", "too old"])
async def test_a_position_that_does_not_count_is_not_recovered(
    reason: str,
    server: ServerProcess,
    http: AsyncClient,
    people: dict[str, str],
    settings: Settings,
) -> None:
    token = await token_of(http, server.url, people["staff"])
    async with open_socket(server.socket_url, token) as socket:
        here = (await socket.ask(subscribe={"channel": "orders"}))["subscribe"]
    for _ in range(5):
        await place_order(http, server.url, token)
    head = await final_head(settings.database_url)
    position = {"epoch": here["epoch"], "offset": here["offset"]}
    if reason == "too old":
        await forget_log(settings.database_url, below=head)
        before = server.ready_workers
        for worker in server.workers:
            worker.kill()
        await until(lambda: len(server.ready_workers - before) == 2)
    elif reason == "above the head":
        position["offset"] = head + 1
    else:
        position["epoch"] = "another"

    async with open_socket(server.socket_url, token) as socket:
        reply = await socket.ask(subscribe={"channel": "orders", "recover": True, **position})

    assert reply["subscribe"]["was_recovering"]
    assert not reply["subscribe"]["recovered"]
    assert reply["subscribe"]["offset"] == head


async def place_while_away(http: AsyncClient, url: str, token: str) -> list[str]:
    """Orders placed over the time that the client is away; their ids."""
    placed = []
    for _ in range(MISSED):
        placed.append((await place_order(http, url, token))["id"])
        await asyncio.sleep(AWAY_SECONDS / MISSED)  # how long it is away is the point
    return placed


async def publications(socket: Socket, count: int) -> list[tuple[int, str]]:
    """Offset and order id of the next publications."""
    found: list[tuple[int, str]] = []
    async with asyncio.timeout(WAIT_SECONDS):
        while len(found) < count:
            pub = (await socket.document())["push"]["pub"]
            found.append((pub["offset"], pub["data"]["order"]["id"]))
    return found


async def forget_log(database_url: str, *, below: int) -> None:
    """As pruning does: remove the front of the log."""
    connection = await asyncpg.connect(database_url)
    await connection.execute('DELETE FROM channel_log WHERE "offset" < $1', below)
    await connection.close()
