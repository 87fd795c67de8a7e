"""SIGN_IN_PER_MINUTE. One comes back every half minute, so none does while a test runs."""

import itertools
from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient, Response

from app.auth.principals import Role
from app.core.addresses import address_of, site_of
from app.core.config import Settings
from app.core.errors import TooManyRequests
from app.core.ids import new_id
from app.core.rates import Rates
from app.users.attempts import MINUTE, SITE_ADDRESSES, Attempts
from tests.application import PASSWORD, Application, join
from tests.core.rating import NOWHERE, Clock, counting
from tests.limited import API, addresses, client_of, is_refused, run_worker

LIMIT = 2
TOKEN, OWN_PASSWORD = f"{API}/auth/token", f"{API}/users/me/password"
WRONG = "a wrong password"


@pytest.fixture
async def worker(settings: Settings) -> AsyncIterator[Application]:
    async with run_worker(settings, sign_in_per_minute=LIMIT) as worker:
        yield worker


@pytest.fixture
async def caller(worker: Application) -> AsyncIterator[AsyncClient]:
    async with client_of(worker, next(addresses())) as client:
        yield client


async def attempt(client: AsyncClient, email: str, password: str = WRONG) -> Response:
    return await client.post(TOKEN, data={"username": email, "password": password})


async def attempt_from_elsewhere(worker: Application, email: str, password: str) -> Response:
    """Each time from another address."""
    async with client_of(worker, next(addresses())) as client:
        return await attempt(client, email, password)


def an_email() -> str:
    return f"{new_id().hex}@tandem.example"


async def test_an_address_may_try_so_often_whatever_it_tries(caller: AsyncClient) -> None:
    answers = [await attempt(caller, email) for email in (an_email(), "no address", an_email())]

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert is_refused(answers[-1])
    assert 25 <= int(answers[-1].headers["Retry-After"]) <= 30


async def test_one_that_succeeds_counts_too(worker: Application, caller: AsyncClient) -> None:
    email = an_email()
    await worker.create_user(email, Role.CUSTOMER)

    answers = [await attempt(caller, email, PASSWORD) for _ in range(LIMIT + 1)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]


async def test_another_address_may_still_sign_in(worker: Application, caller: AsyncClient) -> None:
    email = an_email()
    await worker.create_user(email, Role.CUSTOMER)
    for _ in range(LIMIT + 1):
        await attempt(caller, an_email())

    assert (await attempt_from_elsewhere(worker, email, PASSWORD)).status_code == 200


@pytest.mark.parametrize("known", [True, False])
async def test_an_account_may_be_tried_so_often_from_anywhere_in_any_spelling(
    worker: Application, *, known: bool
) -> None:
    email = an_email()
    if known:
        await worker.create_user(email, Role.CUSTOMER)
    spellings = [email, email.upper(), f" {email.title()} "]

    answers = [await attempt_from_elsewhere(worker, each, WRONG) for each in spellings]

    assert [answer.status_code for answer in answers] == [401, 401, 429]


async def test_the_right_password_does_not_help_an_account_that_was_tried_too_often(
    worker: Application,
) -> None:
    email = an_email()
    await worker.create_user(email, Role.CUSTOMER)
    for _ in range(LIMIT):
        await attempt_from_elsewhere(worker, email, WRONG)

    assert is_refused(await attempt_from_elsewhere(worker, email, PASSWORD))


async def test_two_workers_keep_one_limit(settings: Settings) -> None:
    address, email = next(addresses()), an_email()
    async with (
        run_worker(settings, sign_in_per_minute=LIMIT) as one,
        run_worker(settings, sign_in_per_minute=LIMIT) as other,
        client_of(one, address) as here,
        client_of(other, address) as there,
    ):
        answers = [await attempt(client, email) for client in (here, there, here, there)]

    assert [answer.status_code for answer in answers] == [401, 401, 429, 429]


async def test_a_form_that_is_not_complete_does_not_count(caller: AsyncClient) -> None:
    for _ in range(LIMIT + 1):
        await caller.post(TOKEN, data={"username": an_email()})

    assert (await attempt(caller, an_email())).status_code == 401


async def test_ones_own_password_may_be_tried_so_often(
    worker: Application, caller: AsyncClient
) -> None:
    cleo = await join(worker, caller, new_id().hex, Role.CUSTOMER)
    bodies = [{"current": each, "new": "a-new-password"} for each in (WRONG, WRONG, PASSWORD)]

    answers = [await caller.post(OWN_PASSWORD, json=body, headers=cleo.headers) for body in bodies]

    assert [answer.status_code for answer in answers] == [403, 403, 429]
    assert is_refused(answers[-1])


async def test_who_tries_at_an_account_does_not_keep_its_owner_from_another_password(
    worker: Application, caller: AsyncClient
) -> None:
    cleo = await join(worker, caller, new_id().hex, Role.CUSTOMER)
    for _ in range(LIMIT):
        await attempt_from_elsewhere(worker, cleo.email, WRONG)
    body = {"current": PASSWORD, "new": "a-new-password"}

    answer = await caller.post(OWN_PASSWORD, json=body, headers=cleo.headers)

    assert answer.status_code == 204


async def test_a_limit_of_zero_is_off(application: Application) -> None:
    async with client_of(application, next(addresses())) as caller:
        email = an_email()
        answers = [await attempt(caller, email) for _ in range(20)]

    assert {answer.status_code for answer in answers} == {401}


async def test_one_may_try_again_after_the_wait_that_was_told() -> None:
    clock = Clock()
    async with counting(NOWHERE, clock) as rates:
        attempts = Attempts(rates, 10, "192.0.2.7", "192.0.2.7")
        for _ in range(10):
            await attempts.from_address()
        clock.advance(await wait_of(attempts))
        await attempts.from_address()


@pytest.mark.parametrize("hosts", [["192.0.2.7"], [f"2001:db8:1:{n:x}::7" for n in range(256)]])
async def test_one_line_does_not_keep_an_owner_out_however_long_it_tries(hosts: list[str]) -> None:
    """Whichever of its addresses it takes: a /56 of IPv6 has 256."""
    clock, entered = Clock(), 0
    async with counting(NOWHERE, clock) as rates:
        strangers = itertools.cycle([of_host(rates, host) for host in hosts])
        owner = of_host(rates, "192.0.2.8")
        for _ in range(10 * MINUTE):
            await tries(next(strangers))
            clock.advance(0.5)
            await tries(next(strangers))
            clock.advance(0.5)
            entered += await tries(owner)

    assert entered >= 10 * 10 // 2 - 10


async def test_a_line_with_many_addresses_tries_as_often_as_a_few() -> None:
    lines = [[f"2001:db8:{line}:{n:x}::7" for n in range(256)] for line in (1, 2)]
    async with counting(NOWHERE, Clock()) as rates:
        entered = [
            [await enters(of_host(rates, host)) for host in line for _ in range(2)]
            for line in lines
        ]

    assert [sum(line) for line in entered] == [10 * SITE_ADDRESSES] * 2


def of_host(rates: Rates, host: str) -> Attempts:
    scope = {"type": "http", "client": (host, 50_000)}
    return Attempts(rates, 10, address_of(scope), site_of(scope))


async def enters(attempts: Attempts) -> bool:
    try:
        await attempts.from_address()
    except TooManyRequests:
        return False
    return True


async def wait_of(attempts: Attempts) -> float:
    """Whole seconds, as the caller is told them."""
    with pytest.raises(TooManyRequests) as refused:
        await attempts.from_address()
    return float(refused.value.headers["Retry-After"])


async def tries(attempts: Attempts) -> bool:
    """Whether a password would have been verified."""
    try:
        await attempts.from_address()
        await attempts.at_account("cleo")
    except TooManyRequests:
        return False
    return True
