"""Where events come from: how many, how fast, and in which form."""

import asyncio
import json
import time
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from app.realtime.log.message import Message
from load.errors import LoadError
from load.http import Answer
from load.pipe import RedisPipe
from load.source import MOST_AT_ONCE, Made, Paced
from load.sources.outbox import Outbox
from load.sources.redis import Published
from load.sources.rest import Rest
from load.sources.wire import Wire, Wires
from load.target import Account, Target

STAFF = Account("staff@tandem.example", "t", 900)
SECONDS = 10
STALL_SECONDS = 0.2
WAITING = """
    SELECT channels[1], payload, created_at FROM events JOIN pending ON event = id ORDER BY id
"""


class Kept(Paced):
    """Publishes into a list."""

    def __init__(self, head: int = 0) -> None:
        super().__init__(head)
        self.made: list[list[Made]] = []

    async def publish(self, events: list[Made]) -> None:
        self.made.append(events)

    @property
    def offsets(self) -> list[int]:
        return [event.offset for events in self.made for event in events]


class KeptPipe(RedisPipe):
    """Keeps what would be published."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[tuple[bytes, bytes]] = []

    def publish(self, topic: bytes, message: bytes) -> None:
        self.published.append((topic, message))


def made(*offsets: int) -> list[Made]:
    return [Made(offset, 1_800_000_000.5, b'{"at":"x"}') for offset in offsets]


async def test_all_that_is_due_is_made_and_numbered_without_a_hole() -> None:
    source = Kept(head=7)
    await source.run(1_000, 0.2, asyncio.Event())
    assert source.offsets == list(range(8, 208))
    assert await source.settle(0) == await source.head() == 207


async def test_a_source_goes_on_with_its_numbers() -> None:
    source = Kept()
    for _ in range(2):
        await source.run(1_000, 0.01, asyncio.Event())
    assert source.offsets == list(range(1, 21))


async def test_a_stop_ends_it_at_once() -> None:
    source, stop = Kept(), asyncio.Event()
    running = asyncio.create_task(source.run(0.001, 3_600, stop))
    stop.set()
    async with asyncio.timeout(SECONDS):
        await running
    assert source.offsets == []


class Stalled(Kept):
    """Takes its time for what is published first."""

    async def publish(self, events: list[Made]) -> None:
        first = not self.made
        await super().publish(events)
        if first:
            await asyncio.sleep(STALL_SECONDS)


@pytest.mark.parametrize("rate", [200, 10_000])
async def test_an_event_is_as_old_as_it_is_overdue(rate: int) -> None:
    source = Stalled()
    await source.run(rate, 0.5, asyncio.Event())
    made = [event for events in source.made for event in events]
    assert len(source.made[1]) >= min(MOST_AT_ONCE, rate * STALL_SECONDS - 1)
    for event in made:
        due = made[0].at + (event.offset - 1) / rate
        assert due - 0.002 < event.at < due + 0.002
        assert datetime.fromtimestamp(event.at, UTC).strftime("%S.%fZ") in event.payload.decode()


@pytest.mark.timed
async def test_a_run_ends_in_time_and_its_last_event_is_one_pace_before() -> None:
    source, begin = Kept(), time.perf_counter()
    for _ in range(2):
        await source.run(10, 0.3, asyncio.Event())
    assert 0.6 <= time.perf_counter() - begin < 0.69
    ats = [event.at for events in source.made for event in events]
    assert [later - at for at, later in pairwise(ats)] == pytest.approx([0.1] * 5, abs=0.03)


async def test_a_source_that_fell_behind_catches_up_in_pieces_until_the_end() -> None:
    source = Kept()
    await source.run(1_000_000, 0.01, asyncio.Event())
    assert max(map(len, source.made)) == MOST_AT_ONCE
    assert len(source.offsets) < 10_000


def test_for_peers_an_event_carries_its_offset_last() -> None:
    assert made(12)[0].numbered == b'{"at":"x","offset":12}'


async def test_a_publication_on_the_wire_is_what_the_relay_sends() -> None:
    pipe = KeptPipe()
    await Wire(pipe, epoch="e", channel="orders", head=4).publish(made(5, 6))
    ((topic, sent),) = pipe.published
    assert topic == b"tandem:e:orders"
    message = Message.decode("orders", sent)
    assert (message.offset, message.payloads) == (5, [b'{"at":"x"}'] * 2)
    assert message.ats == [1_800_000_000.5] * 2


async def test_many_channels_take_turns_each_with_offsets_from_1_on() -> None:
    pipe = KeptPipe()
    await Wires(pipe, epoch="e", channels=["a", "b"]).publish(made(1, 2, 3))
    found = [(topic, Message.decode("", sent).offset) for topic, sent in pipe.published]
    assert found == [(b"tandem:e:a", 1), (b"tandem:e:b", 1), (b"tandem:e:a", 2)]


async def test_peers_are_sent_one_event_a_message() -> None:
    pipe = KeptPipe()
    await Published(pipe).publish(made(1, 2))
    assert [json.loads(sent)["offset"] for _, sent in pipe.published] == [1, 2]


async def test_events_in_bulk_wait_in_the_outbox(database: str) -> None:
    connection = await asyncpg.connect(database)
    await Outbox(connection, ["a", "b"], 0).publish(made(1, 2, 3))
    found = await connection.fetch(WAITING)
    await connection.close()
    at = datetime(2027, 1, 15, 8, 0, 0, 500_000, UTC)
    assert [tuple(row) for row in found] == [(name, '{"at":"x"}', at) for name in "bab"]


class Closed(Target):
    """A shop that takes no orders."""

    async def head(self, staff: Account) -> int:
        assert staff is STAFF
        return 0

    async def create(self, owner: Account, body: dict[str, Any]) -> Answer:
        assert owner is STAFF
        assert body["items"]
        return Answer(503, {}, b"")


async def test_writes_of_which_none_is_accepted_are_no_measurement() -> None:
    async with Closed("http://tandem.example") as target:
        rest = Rest(target, owner=STAFF, staff=STAFF)
        await rest.run(100, 0.05, asyncio.Event())
        with pytest.raises(LoadError, match=r"not one write was accepted: \d+ HTTP 503"):
            await rest.settle(1)
