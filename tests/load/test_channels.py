"""What is waited for on many channels, and what is lost of it."""

import asyncio
from collections import Counter
from typing import cast

from load.fleet import Fleet
from load.messages import Tally
from load.scenarios.channels import add_what_did_not_come, arrive

SECONDS = 10
EVENTS = 8


class Dripping:
    """A Fleet that hears of one more at each look, of EVENTS in all."""

    def __init__(self) -> None:
        self._heard = 0

    @property
    def deliveries(self) -> int:
        self._heard = min(self._heard + 1, EVENTS)
        return self._heard


async def test_what_still_comes_is_waited_for_however_long_it_takes() -> None:
    fleet = Dripping()
    async with asyncio.timeout(SECONDS):
        await arrive(cast("Fleet", fleet), EVENTS, seconds=0.25)
    assert fleet._heard == EVENTS


async def test_waiting_ends_when_nothing_more_comes() -> None:
    async with asyncio.timeout(SECONDS):
        await arrive(cast("Fleet", Dripping()), EVENTS + 1, seconds=0.25)


def test_what_did_not_come_is_lost_and_holes_are_not_counted_twice() -> None:
    tally = Tally(lost=1, received=6)
    add_what_did_not_come(tally, 10)
    assert (tally.lost, tally.missed) == (4, 0)


def test_where_connections_ended_what_came_after_is_missed() -> None:
    tally = Tally(lost=1, received=6, ended=Counter({"close 1001": 1}))
    add_what_did_not_come(tally, 10)
    assert (tally.lost, tally.missed) == (1, 3)
