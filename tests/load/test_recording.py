"""What recording costs a write, and whether it was done."""

import asyncio
import os
from argparse import Namespace
from dataclasses import replace
from typing import Any

import pytest

from load.errors import Exit, LoadError
from load.http import Answer
from load.scenario import Bench
from load.scenarios.recording import Log, Writers, compare
from load.target import Account, Target
from load.usage import Usage
from load.writer import Writer
from tests.load.test_handshakes import bench

STAFF = Account("staff@tandem.example", "t", 900)


class Shop(Target):
    """Answers every order with `status`, and records each `nth`."""

    def __init__(self, status: int = 201, nth: int = 1) -> None:
        super().__init__("http://tandem.example")
        self.placed = 0
        self._status = status
        self._nth = nth

    async def head(self, staff: Account) -> int:
        assert staff is STAFF
        return 7 + self.placed // self._nth

    async def create(self, owner: Account, body: dict[str, Any]) -> Answer:
        assert owner is STAFF
        assert body["items"]
        await asyncio.sleep(0.001)
        self.placed += self._status == 201
        return Answer(self._status, {"etag": '"1"'}, b'{"id":"x"}')


async def writers(shop: Shop) -> Writers:
    writer = Writer(shop, owner=STAFF, staff=STAFF, moves=False)
    return Writers(writer, os.getpid(), await Log.of(shop, STAFF))


def short_bench() -> Bench:
    own = Namespace(rounds=2, writers=2)
    return replace(bench(), options=replace(bench().options, own=own, duration=0.3, drain=0.0))


async def compared(with_it: Shop, without: Shop) -> Bench:
    here = short_bench()
    await compare(here, await writers(with_it), await writers(without))
    return here


async def test_what_was_recorded_is_clean() -> None:
    recorded, plain = (await compared(Shop(), Shop())).outcome.results
    assert (recorded.scenario, recorded.lost) == ("recorded", 0)
    assert recorded.extra["share_of_unrecorded"] > 0
    assert plain.lost == 0


async def test_the_last_answers_count_with_the_time_that_they_took() -> None:
    class Slow(Shop):
        async def create(self, owner: Account, body: dict[str, Any]) -> Answer:
            await asyncio.sleep(0.2)
            return await super().create(owner, body)

    slow = await writers(Slow())
    await slow.write(1, 0.01, asyncio.Event())
    assert 0 < slow.rates[0] <= 1 / 0.2


async def test_what_was_accepted_and_not_recorded_is_lost() -> None:
    shop = Shop(nth=2)
    outcome = (await compared(shop, Shop())).outcome
    assert outcome.results[0].lost == shop.placed - shop.placed // 2 > 0
    assert outcome.exit_code == Exit.UNCLEAN


async def test_a_server_that_accepts_nothing_is_nothing_to_compare_with() -> None:
    with pytest.raises(LoadError, match=r"accepted nothing in a round: [\d,]+ HTTP 503"):
        await compared(Shop(), Shop(status=503))


class Departing(Shop):
    """Shows its log before the first write only."""

    async def head(self, staff: Account) -> int:
        if self.placed:
            raise LoadError.unreachable("the shop is gone")
        return await super().head(staff)


async def test_what_was_measured_is_told_also_where_losses_could_not_be_looked_for() -> None:
    here = short_bench()
    both = await writers(Departing()), await writers(Shop())
    with pytest.raises(LoadError, match="the shop is gone"):
        await compare(here, *both)
    assert [each.scenario for each in here.outcome.results] == ["recorded", "unrecorded"]
    assert "recorded: it is not known whether any event is lost" in here.outcome.notes


@pytest.mark.parametrize(
    ("busy", "told"),
    [
        (Usage(0.2, 0.5, load_cores=0.95), "recorded is client-bound"),
        (Usage(0.2, 0.5, machine_cores=0.95), "recorded: the machine was over 90 % busy"),
    ],
    ids=["load", "machine"],
)
async def test_a_round_in_which_the_load_or_the_machine_could_do_no_more_is_told(
    busy: Usage, told: str
) -> None:
    here, shop = bench(), await writers(Shop())
    shop.rates += [90.0, 110.0]
    shop.usages += [busy, Usage(0.1, 0.5, load_cores=busy.load_cores and 0.5)]
    shop.add("recorded", here)
    (row,) = here.outcome.results
    assert {**busy.load, "requests_per_s": 100.0}.items() <= row.extra.items()
    (note,) = here.outcome.notes
    assert note.startswith(told)
