"""REQUESTS_PER_SECOND, on the whole application.

A share comes back while a test runs, so what is counted is how many pass until one is refused.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from httpx import AsyncClient, Response
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from app.auth.admission import BURST_SECONDS
from app.auth.principals import Role
from app.auth.tokens import issue_access_token
from app.core.config import Settings
from app.core.ids import new_id
from app.users.models import UserSession
from tests.application import Application, join, run_application
from tests.limited import API, addresses, client_of, is_refused, run_worker
from tests.realtime.brokers import frozen, own_valkey

ME = f"{API}/users/me"
TRIES = 60


@pytest.fixture
def address() -> str:
    return next(addresses())


@pytest.fixture
async def worker(settings: Settings) -> AsyncIterator[Application]:
    async with run_worker(settings, requests_per_second=1) as worker:
        yield worker


@pytest.fixture
async def caller(worker: Application, address: str) -> AsyncIterator[AsyncClient]:
    async with client_of(worker, address) as client:
        yield client


def bearer(
    settings: Settings, *, user_id: UUID | None = None, session_id: UUID | None = None
) -> dict[str, str]:
    """Genuine; somebody else's each time, of a session that has ended, if nothing else is said."""
    issued = issue_access_token(
        settings, user_id=user_id or new_id(), session_id=session_id or new_id()
    )
    return {"Authorization": f"Bearer {issued.token}"}


async def signed_in(worker: Application) -> UserSession:
    """Of somebody new, who has not asked for anything yet."""
    user_id = await worker.create_user(f"{new_id().hex}@tandem.example", Role.CUSTOMER)
    async with worker.sessions() as session, session.begin():
        later = datetime.now(UTC) + timedelta(days=1)
        opened = UserSession(user_id=user_id, expires_at=later)
        session.add(opened)
    return opened


async def a_person(worker: Application) -> dict[str, str]:
    opened = await signed_in(worker)
    return bearer(worker.settings, user_id=opened.user_id, session_id=opened.id)


async def use_up(ask: Callable[[], Awaitable[Response]]) -> tuple[int, Response]:
    """How many passed, and the first refusal; more cannot pass than a share holds."""
    begun = time.monotonic()
    for count in range(TRIES):
        answer = await ask()
        if is_refused(answer):
            assert BURST_SECONDS <= count <= BURST_SECONDS + time.monotonic() - begun + 1
            return count, answer
    raise AssertionError("nothing was refused")


async def test_an_address_gets_its_burst_and_then_a_refusal(caller: AsyncClient) -> None:
    _, refusal = await use_up(lambda: caller.get(ME))

    assert refusal.headers["Retry-After"] == "1"
    assert refusal.headers["X-Request-ID"]
    assert refusal.headers["X-Content-Type-Options"] == "nosniff"


async def test_what_does_not_exist_counts_too(caller: AsyncClient) -> None:
    await use_up(lambda: caller.get(f"{API}/nowhere"))


async def test_addresses_have_shares_of_their_own(worker: Application, caller: AsyncClient) -> None:
    await use_up(lambda: caller.get(ME))

    async with client_of(worker, next(addresses())) as other:
        assert (await other.get(ME)).status_code == 401


async def test_people_at_one_address_have_shares_of_their_own(
    worker: Application, caller: AsyncClient
) -> None:
    cleo, omar = await a_person(worker), await a_person(worker)
    await use_up(lambda: caller.get(ME))
    await use_up(lambda: caller.get(ME, headers=cleo))

    assert (await caller.get(ME, headers=omar)).status_code == 200


async def test_a_person_has_one_share_wherever_they_are(worker: Application) -> None:
    cleo = await a_person(worker)

    async def ask() -> Response:
        async with client_of(worker, next(addresses())) as client:
            return await client.get(ME, headers=cleo)

    await use_up(ask)


async def test_a_token_whose_session_has_ended_uses_up_the_share_of_its_address(
    worker: Application, caller: AsyncClient
) -> None:
    """All but the first time: that shows that it has."""
    cleo = await signed_in(worker)
    ended = bearer(worker.settings, user_id=cleo.user_id)
    async with client_of(worker, next(addresses())) as thief:
        await use_up(lambda: thief.get(ME, headers=ended))

    mine = bearer(worker.settings, user_id=cleo.user_id, session_id=cleo.id)
    assert (await caller.get(ME, headers=mine)).status_code == 200


@pytest.mark.parametrize(
    "update",
    [
        {"secret_key": SecretStr("somebody else's key, of at least 32 bytes")},
        {"access_token_seconds": -60},
    ],
    ids=["forged", "expired"],
)
async def test_a_token_that_is_not_valid_chooses_no_share(
    settings: Settings, caller: AsyncClient, update: dict[str, object]
) -> None:
    issuer = settings.model_copy(update=update)

    await use_up(lambda: caller.get(ME, headers=bearer(issuer)))


async def test_another_scheme_chooses_no_share(caller: AsyncClient) -> None:
    await use_up(lambda: caller.get(ME, headers={"Authorization": f"Basic {new_id().hex}"}))


async def test_two_workers_keep_one_limit(settings: Settings, address: str) -> None:
    async with (
        run_worker(settings, requests_per_second=1) as one,
        run_worker(settings, requests_per_second=1) as other,
        client_of(one, address) as here,
        client_of(other, address) as there,
    ):
        clients = [here, there]

        async def ask() -> Response:
            clients.reverse()
            return await clients[0].get(ME)

        await use_up(ask)


async def test_a_person_is_served_while_others_are_refused(
    worker: Application, caller: AsyncClient
) -> None:
    async with client_of(worker, next(addresses())) as elsewhere:
        cleo = await join(worker, elsewhere, "cleo", Role.CUSTOMER)
    await use_up(lambda: caller.get(ME))

    answer = await caller.get(ME, headers=cleo.headers)

    assert (answer.status_code, answer.json()["email"]) == (200, cleo.email)


async def test_a_genuine_token_whose_session_ended_is_still_refused_by_the_call(
    settings: Settings, caller: AsyncClient
) -> None:
    answer = await caller.get(ME, headers=bearer(settings))

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    "path", ["/health", "/ready", "/metrics", "/", "/openapi.json", "/static/main.js"]
)
async def test_what_is_not_the_api_is_not_limited(caller: AsyncClient, path: str) -> None:
    await use_up(lambda: caller.get(ME))

    assert {(await caller.get(path)).status_code for _ in range(5)} == {200}


async def test_a_page_of_another_origin_may_read_the_refusal(
    settings: Settings, address: str
) -> None:
    origin = {"Origin": "https://board.example"}
    allowed = settings.model_copy(update={"cors_origins": ("https://board.example",)})
    async with (
        run_worker(allowed, requests_per_second=1) as worker,
        client_of(worker, address) as caller,
    ):
        _, refusal = await use_up(lambda: caller.get(ME, headers=origin))

    assert refusal.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    assert "Retry-After" in refusal.headers["Access-Control-Expose-Headers"]


async def test_a_limit_of_zero_is_off(application: Application, address: str) -> None:
    async with client_of(application, address) as caller:
        answers = [await caller.get(ME) for _ in range(TRIES)]

    assert not any(map(is_refused, answers))


async def test_while_redis_hangs_a_worker_keeps_the_limit_by_itself(
    settings: Settings, address: str, tmp_path: Path
) -> None:
    with own_valkey(tmp_path / "valkey") as valkey:
        update = {"redis_url": valkey.url, "requests_per_second": 1}
        async with (
            run_application(settings.model_copy(update=update)) as worker,
            client_of(worker, address) as caller,
        ):
            with frozen(valkey):
                await use_up(lambda: caller.get(ME))


async def test_a_path_below_a_root_is_limited_too(settings: Settings, address: str) -> None:
    async with run_worker(settings, requests_per_second=1) as worker:
        inner = worker.asgi

        async def below(scope: Scope, receive: Receive, send: Send) -> None:
            path = f"/shop{scope['path']}"
            await inner({**scope, "root_path": "/shop", "path": path}, receive, send)

        worker.asgi = below
        async with client_of(worker, address) as caller:
            _, refusal = await use_up(lambda: caller.get(ME))

    assert refusal.json()["instance"] == f"/shop{ME}"


async def test_every_call_says_that_it_can_be_refused(client: AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    answers = [
        operation["responses"]
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if path.startswith(API)
    ]

    assert answers
    assert all("application/problem+json" in each["429"]["content"] for each in answers)
