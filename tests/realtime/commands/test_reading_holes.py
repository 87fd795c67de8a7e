"""`history` of a log that lacks something: no page leaves anything out without a word."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from app.core.config import Settings
from app.realtime.log.reader import Extent, LogReader
from tests.realtime.guarded import Desk, guarding
from tests.realtime.log_writer import LogWriter
from tests.realtime.stage import Player

ROOM = "rooms:a"


class OvertakenReader(LogReader):
    """Between its answers, how far the log reaches and what it holds, some of it is cut out."""

    def __init__(self, database_url: str, log: LogWriter) -> None:
        super().__init__(database_url)
        self.cut: Sequence[int] = ()
        self._log = log

    async def extent(self, channel: str) -> tuple[str, Extent]:
        found = await super().extent(channel)
        await self._log.cut(channel, self.cut)
        return found


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    """There are 50 events in the room."""
    async with guarding(settings) as desk:
        await desk.log.append(ROOM, count=50)
        yield desk


@pytest.fixture
async def reader(desk: Desk) -> AsyncIterator[OvertakenReader]:
    reader = OvertakenReader(desk.settings.database_url, desk.log)
    await reader.open()
    desk.runtime.follower.reader = reader
    yield reader
    await reader.close()


@pytest.fixture
async def player(desk: Desk) -> AsyncIterator[Player]:
    async with desk.connected(desk.somebody()) as player:
        yield player


async def page(player: Player, **fields: Any) -> Any:
    """The offsets, or the error's code."""
    answer = await player.ask(history={"channel": ROOM, **fields})
    if "error" in answer:
        return answer["error"]["code"]
    return [pub["offset"] for pub in answer["history"]["publications"]]


async def test_what_was_pruned_while_a_page_was_read_cannot_be_gone_on_from(
    reader: OvertakenReader, player: Player
) -> None:
    reader.cut = range(1, 21)
    assert await page(player, limit=30, since={"offset": 0}) == 112


async def test_where_all_of_a_page_was_pruned_meanwhile_it_cannot_be_gone_on_from(
    reader: OvertakenReader, player: Player
) -> None:
    reader.cut = range(1, 21)
    assert await page(player, limit=5, since={"offset": 0}) == 112


async def test_what_begins_with_the_oldest_event_begins_with_what_is_left(
    reader: OvertakenReader, player: Player
) -> None:
    reader.cut = range(1, 21)
    assert await page(player, limit=30) == list(range(21, 31))


async def test_in_reverse_what_was_pruned_meanwhile_is_the_end(
    reader: OvertakenReader, player: Player
) -> None:
    reader.cut = range(1, 21)
    assert await page(player, limit=30, since={"offset": 41}, reverse=True) == [*range(40, 20, -1)]
    assert await page(player, limit=30, since={"offset": 21}, reverse=True) == []


async def test_a_page_ends_before_a_hole_and_the_next_says_so(desk: Desk, player: Player) -> None:
    await desk.log.cut(ROOM, [21, 22])
    assert await page(player, limit=-1, since={"offset": 10}) == list(range(11, 21))
    assert await page(player, limit=-1) == list(range(1, 21))
    assert await page(player, limit=-1, since={"offset": 20}) == 112
    assert await page(player, limit=-1, since={"offset": 22}) == list(range(23, 51))


async def test_in_reverse_too(desk: Desk, player: Player) -> None:
    await desk.log.cut(ROOM, [21, 22])
    assert await page(player, limit=-1, reverse=True) == list(range(50, 22, -1))
    assert await page(player, limit=-1, since={"offset": 23}, reverse=True) == 112
    assert await page(player, limit=-1, since={"offset": 21}, reverse=True) == [*range(20, 0, -1)]
