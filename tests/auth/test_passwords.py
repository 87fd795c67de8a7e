import asyncio
import threading

import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr

from app.auth import passwords
from app.auth.passwords import (
    HASHES_AT_ONCE,
    HASHES_WAITING,
    Lane,
    check_password,
    hash_first_password,
    hash_password,
)
from app.core.config import Settings
from app.core.errors import ServiceUnavailable

SETTINGS = Settings(environment="test", secret_key=SecretStr("k" * 32))


async def test_password_matches_its_hash_only() -> None:
    hashed = await hash_password(SETTINGS, "correct horse")
    assert (await check_password(SETTINGS, "correct horse", hashed)).matches
    assert not (await check_password(SETTINGS, "wrong horse", hashed)).matches


async def test_hash_is_argon2id_and_salted() -> None:
    first, second = [await hash_password(SETTINGS, "correct horse") for _ in range(2)]
    assert first.startswith("$argon2id$")
    assert first != second


async def test_no_account_matches_nothing() -> None:
    check = await check_password(SETTINGS, "correct horse", None)
    assert (check.matches, check.rehash) == (False, False)


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$broken"])
async def test_what_is_no_hash_matches_nothing(stored: str) -> None:
    assert not (await check_password(SETTINGS, "plain", stored)).matches


async def test_hash_of_other_parameters_matches_and_asks_to_be_renewed() -> None:
    dearer = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash("correct horse")
    check = await check_password(SETTINGS, "correct horse", dearer)
    assert (check.matches, check.rehash) == (True, True)
    fresh = await hash_password(SETTINGS, "correct horse")
    assert not (await check_password(SETTINGS, "correct horse", fresh)).rehash


async def test_outside_of_tests_hashing_is_expensive() -> None:
    settings = SETTINGS.model_copy(update={"environment": "production"})
    assert "$m=19456,t=2,p=1$" in await hash_password(settings, "correct horse")


@pytest.mark.parametrize("password", ["", "\x00", "\ud800", "é" * 128, "x" * 100_000])
async def test_any_string_is_hashed_and_compared(password: str) -> None:
    hashed = await hash_password(SETTINGS, password)
    assert (await check_password(SETTINGS, password, hashed)).matches
    assert not (await check_password(SETTINGS, password + "x", hashed)).matches


async def test_burst_is_hashed_by_a_few_threads_while_the_loop_goes_on() -> None:
    settings = SETTINGS.model_copy(update={"environment": "production"})
    burst = [asyncio.create_task(hash_password(settings, "correct horse")) for _ in range(12)]
    steps = 0
    while not all(task.done() for task in burst):
        await asyncio.sleep(0.001)
        steps += 1
    names = [thread.name for thread in threading.enumerate()]
    assert len([name for name in names if name.startswith("password")]) <= HASHES_AT_ONCE
    assert steps > 10


async def test_more_than_may_wait_are_refused_at_once() -> None:
    go_on, lane = threading.Event(), Lane("test", at_once=1, waiting=2)

    def wait() -> bool:
        return go_on.wait(5)

    admitted = [asyncio.create_task(lane.run(wait)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(ServiceUnavailable):
        await lane.run(wait)

    go_on.set()
    assert await asyncio.gather(*admitted) == [True, True, True]
    assert await lane.run(wait)


async def test_who_is_cancelled_while_they_wait_is_not_worked_for() -> None:
    go_on, lane, done = threading.Event(), Lane("test", at_once=1, waiting=1), list[str]()
    first = asyncio.create_task(lane.run(lambda: go_on.wait(5)))
    waiter = asyncio.create_task(lane.run(lambda: done.append("waiter")))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    last = asyncio.create_task(lane.run(lambda: done.append("last")))
    await asyncio.sleep(0)

    go_on.set()
    await asyncio.gather(first, last)
    assert done == ["last"]


async def test_more_sign_ins_than_may_wait_are_refused_at_once() -> None:
    go_on, hashed = threading.Event(), await hash_password(SETTINGS, "correct horse")
    full = [
        asyncio.create_task(passwords._known.run(lambda: go_on.wait(10)))
        for _ in range(HASHES_AT_ONCE + HASHES_WAITING)
    ]
    await asyncio.sleep(0)
    for known in (hashed, None):
        with pytest.raises(ServiceUnavailable):
            await check_password(SETTINGS, "correct horse", known)
    first = await hash_first_password(SETTINGS, "correct horse")

    go_on.set()
    assert all(await asyncio.gather(*full))
    for known in (hashed, first):
        assert (await check_password(SETTINGS, "correct horse", known)).matches


async def test_who_signs_in_does_not_wait_for_those_who_sign_up() -> None:
    settings = SETTINGS.model_copy(update={"environment": "production"})
    hashed = await hash_password(settings, "correct horse")
    signing_up = [asyncio.create_task(hash_first_password(settings, "horse")) for _ in range(20)]
    assert (await check_password(settings, "correct horse", hashed)).matches
    assert sum(not one.done() for one in signing_up) > 10

    for first in await asyncio.gather(*signing_up):
        assert (await check_password(settings, "horse", first)).matches
