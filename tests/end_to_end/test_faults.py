"""A service goes away under load: sockets stay, nothing is lost, repeated or out of order."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from httpx import AsyncClient, Response

from app.embedded import Services
from tests.application import PASSWORD
from tests.conftest import make_settings
from tests.end_to_end.conftest import create_people
from tests.end_to_end.evidence import assert_complete
from tests.end_to_end.figures import Figures
from tests.end_to_end.orders import (
    BODY,
    bearer,
    token_of,
    try_to_place,
    until_more,
    writing,
)
from tests.end_to_end.outages import MISHAPS, OUTAGES, Outage
from tests.end_to_end.server import ServerProcess, serving
from tests.end_to_end.subscriber import Subscriber, running
from tests.waiting import until

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]

AWAY_SECONDS = 4.0
SUBSCRIBERS = 8
WITH_POSTGRES_SECONDS = 2.0
"""How late an event may be while only Redis is away."""
BACK_SECONDS = 10.0
"""How soon after its return everything goes on, what had to wait for it as well."""
SILENT_SECONDS = 15.0
"""How long a request may take that waits for an answer of Postgres."""
ROUNDS = 5
POSTGRES = [name for name in OUTAGES if name.startswith("postgres")]
PROBLEM = "application/problem+json"


@dataclass
class Scene:
    """A server, one service of which can go away."""

    outage: Outage
    services: Services
    server: ServerProcess
    token: str
    http: AsyncClient


@pytest.fixture
async def scene(
    request: pytest.FixtureRequest,
    template: Services,
    database: str,
    tmp_path: Path,
    http: AsyncClient,
) -> AsyncIterator[Scene]:
    """Of the outage that the test is parametrized with."""
    async with (OUTAGES | MISHAPS)[request.param](tmp_path / "service") as outage:
        true = {"redis": template.redis_url, "postgres": database, outage.service: outage.true_url}
        given = true | {outage.service: outage.url}
        services = Services(true["postgres"], true["redis"])
        settings = make_settings(services.database_url, services, tmp_path / "server")
        people = await create_people(settings)
        async with serving(
            given["postgres"], given["redis"], settings.data_dir, workers=2
        ) as server:
            token = await token_of(http, server.url, people["staff"])
            yield Scene(outage, services, server, token, http)


@pytest.mark.parametrize("scene", [*OUTAGES, *MISHAPS], indirect=True)
async def test_nobody_is_cut_and_nothing_is_lost_or_repeated_through(
    scene: Scene, figures: Figures
) -> None:
    placed: list[str] = []
    async with subscribed(scene) as subscribers:
        async with writing(scene.http, scene.server.url, scene.token, placed):
            await until_more(placed, 20)
            begun = time.time()
            await scene.outage.begin()
            await asyncio.sleep(AWAY_SECONDS)  # how long it is away is the fault
            await scene.outage.end()
            ended = time.time()
            await place_at_last(scene)  # the writers may still wait for answers that never come
            await until(lambda: fresh(subscribers, ended))
            resumed = time.time() - ended
            await until_more(placed, 20)
        figures.update(
            away_s=ended - begun,
            resumed_s=resumed,
            worst_s=max(delay for one in subscribers for delay in one.delays),
            drops=sum(one.drops for one in subscribers),
            events=len(subscribers[0].received),
        )
        is_redis = scene.outage.service == "redis"
        late = WITH_POSTGRES_SECONDS if is_redis else ended - begun + BACK_SECONDS
        await assert_complete(subscribers, scene.services.database_url, within=late)

    assert figures["drops"] == 0
    assert resumed <= (WITH_POSTGRES_SECONDS if is_redis else BACK_SECONDS)


@asynccontextmanager
async def subscribed(scene: Scene) -> AsyncIterator[list[Subscriber]]:
    url = scene.server.socket_url
    subscribers = [Subscriber(url, scene.token, "orders") for _ in range(SUBSCRIBERS)]
    async with running(subscribers):
        yield subscribers


async def place_at_last(scene: Scene) -> None:
    order = None
    async with asyncio.timeout(BACK_SECONDS):
        while order is None:
            order = await try_to_place(scene.http, scene.server.url, scene.token)


def fresh(subscribers: list[Subscriber], since: float) -> bool:
    """Whether each got an event that was recorded after that moment."""
    return all(one.received and one.received[-1].at - one.delays[-1] > since for one in subscribers)


@pytest.mark.parametrize("scene", POSTGRES, indirect=True)
async def test_rest_answers_503_with_retry_after_while(scene: Scene, figures: Figures) -> None:
    for answer, _ in await ask(scene):
        answer.raise_for_status()
    await scene.outage.begin()
    asked = await ask(scene)
    asked += await ask(scene)
    await scene.outage.end()
    slowest = max(seconds for _, seconds in asked)
    figures.update(slowest_s=slowest)

    for answer, _ in asked:
        assert answer.status_code == 503, answer.text
        assert answer.headers["content-type"] == PROBLEM
        assert answer.json()["code"] == "service_unavailable"
        assert int(answer.headers["retry-after"]) > 0
    assert slowest <= SILENT_SECONDS


@pytest.mark.parametrize("scene", POSTGRES, indirect=True)
async def test_rest_is_itself_again_soon_after(scene: Scene, figures: Figures) -> None:
    await asyncio.gather(*(ask(scene) for _ in range(8)))  # more connections than one
    await scene.outage.begin()
    await asyncio.sleep(AWAY_SECONDS)  # how long it is away is the fault
    await scene.outage.end()
    begun = time.monotonic()
    rounds = [await ask(scene) for _ in range(ROUNDS)]
    slowest = max(seconds for _, seconds in rounds[-1])
    figures.update(
        refused=sum(answer.is_error for asked in rounds for answer, _ in asked),
        all_rounds_s=time.monotonic() - begun,
        slowest_of_the_last_s=slowest,
    )

    assert all(answer.is_success for answer, _ in rounds[-1])
    assert slowest <= WITH_POSTGRES_SECONDS


async def ask(scene: Scene) -> list[tuple[Response, float]]:
    """Of each kind of request one, at once; the answers, and how long each took in seconds."""
    api, headers = f"{scene.server.url}/api/v1", bearer(scene.token)
    form = {"username": "staff@tandem.example", "password": PASSWORD}
    asked = [
        scene.http.get(f"{api}/orders", headers=headers),
        scene.http.get(f"{api}/users/me", headers=headers),
        scene.http.post(f"{api}/orders", json=BODY, headers=headers),
        scene.http.post(f"{api}/auth/token", data=form),
    ]
    begun = time.monotonic()

    async def answer(question: Awaitable[Response]) -> tuple[Response, float]:
        return await question, time.monotonic() - begun

    return await asyncio.gather(*map(answer, asked))
