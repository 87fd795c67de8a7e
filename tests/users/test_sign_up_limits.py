"""SIGN_IN_PER_MINUTE at POST /users. One comes back every half minute: none while a test runs."""

from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient, Response

from app.core.config import Settings
from app.core.errors import TooManyRequests
from app.core.ids import new_id
from app.users.attempts import Attempts
from tests.application import PASSWORD, Application, sign_in
from tests.core.rating import NOWHERE, Clock, counting
from tests.limited import API, addresses, client_of, is_refused, run_worker

LIMIT = 2


@pytest.fixture
async def worker(settings: Settings) -> AsyncIterator[Application]:
    async with run_worker(settings, sign_in_per_minute=LIMIT) as worker:
        yield worker


@pytest.fixture
async def caller(worker: Application) -> AsyncIterator[AsyncClient]:
    async with client_of(worker, next(addresses())) as client:
        yield client


def an_email() -> str:
    return f"{new_id().hex}@tandem.example"


async def sign_up(client: AsyncClient, email: str, password: str = PASSWORD) -> Response:
    body = {"email": email, "name": "Cleo", "password": password}
    return await client.post(f"{API}/users", json=body)


async def test_an_address_may_sign_up_so_often_and_another_still_may(
    worker: Application, caller: AsyncClient
) -> None:
    answers = [await sign_up(caller, an_email()) for _ in range(LIMIT + 1)]
    async with client_of(worker, next(addresses())) as other:
        elsewhere = await sign_up(other, an_email())

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert is_refused(answers[-1])
    assert 25 <= int(answers[-1].headers["Retry-After"]) <= 30
    assert elsewhere.status_code == 201


async def test_one_that_is_refused_makes_no_account(
    worker: Application, caller: AsyncClient
) -> None:
    for _ in range(LIMIT):
        await sign_up(caller, an_email())
    email = an_email()
    assert is_refused(await sign_up(caller, email))

    async with client_of(worker, next(addresses())) as other:
        assert (await sign_up(other, email)).status_code == 201


async def test_a_sign_up_that_is_not_valid_does_not_count(caller: AsyncClient) -> None:
    wrong = [await sign_up(caller, an_email(), password="short") for _ in range(LIMIT + 1)]

    assert {answer.status_code for answer in wrong} == {422}
    assert (await sign_up(caller, an_email())).status_code == 201


async def test_everybody_who_may_sign_up_may_sign_in_as_well(caller: AsyncClient) -> None:
    """The first minutes of so many at one address."""
    for _ in range(LIMIT):
        email = an_email()
        (await sign_up(caller, email)).raise_for_status()

        assert (await sign_in(caller, email)).email == email


async def test_the_eleventh_within_a_minute_is_the_first_that_has_to_wait() -> None:
    limit = Settings.model_fields["sign_in_per_minute"].default
    async with counting(NOWHERE, Clock()) as rates:
        attempts = Attempts(rates, limit, "192.0.2.7", "192.0.2.7")
        for _ in range(10):
            await attempts.to_sign_up()
        with pytest.raises(TooManyRequests):
            await attempts.to_sign_up()


async def test_a_limit_of_zero_is_off(application: Application) -> None:
    async with client_of(application, next(addresses())) as caller:
        answers = [await sign_up(caller, an_email()) for _ in range(20)]

    assert {answer.status_code for answer in answers} == {201}
