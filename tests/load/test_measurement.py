"""Where a measured stretch ends."""

import asyncio
from itertools import chain, repeat

import httpx

from load.measurement import drain
from load.sources.rest import last_offset
from load.target import Account, Target

STAFF = Account("staff@tandem.example", "t", 900)
SECONDS = 10


def target(*heads: int) -> Target:
    """Answers with one head after the other, and then always with the last."""
    answers = chain(heads, repeat(heads[-1]))

    def answer(_: httpx.Request) -> httpx.Response:
        position = {"channel": "orders", "epoch": "e", "offset": next(answers)}
        return httpx.Response(200, json={"items": [], "position": position})

    return Target("http://tandem.example", httpx.MockTransport(answer))


async def test_the_end_waits_until_every_accepted_write_has_its_number() -> None:
    assert await last_offset(target(18, 19, 20), STAFF, accepted=20, seconds=SECONDS) == 20


async def test_events_of_others_belong_to_it() -> None:
    assert await last_offset(target(25), STAFF, accepted=20, seconds=SECONDS) == 25


async def test_an_accepted_write_that_gets_no_number_is_expected_all_the_same() -> None:
    assert await last_offset(target(18), STAFF, accepted=20, seconds=0) == 20


async def test_a_target_that_fails_at_the_end_still_owes_what_it_accepted() -> None:
    failing = Target("http://tandem.example", httpx.MockTransport(lambda _: httpx.Response(503)))
    assert await last_offset(failing, STAFF, accepted=20, seconds=SECONDS) == 20


async def test_waiting_ends_when_nothing_more_comes() -> None:
    async with asyncio.timeout(SECONDS):
        await drain(lambda until: [until, 7], 10, seconds=0)
