"""One connection, many channels, an account each."""

import json

import pytest

from load.crowd import Crowd
from load.errors import LoadError
from load.frames import Opcode
from load.ledger import Ledger
from load.many import ManyLedger, ManySubscriber
from load.messages import Job
from load.receipts import Receipts
from load.websocket import WebSocket
from tests.load.standin import publication, standin

CHANNELS = ("orders:a", "orders:b", "orders:c")


class Line(WebSocket):
    """A socket that leads nowhere: what would be sent is kept."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, message: bytes, opcode: Opcode = Opcode.TEXT) -> None:
        assert opcode is Opcode.TEXT
        self.sent += message.decode().split("\n")


@pytest.fixture
async def follower() -> ManySubscriber:
    """Subscribed to all channels, of which the second begins at offset 7."""
    found = ManySubscriber("t", CHANNELS, Receipts())
    found.opened(Line())
    for nth, offset in enumerate((0, 7, 0), start=2):
        found.text(json.dumps({"id": nth, "subscribe": {"offset": offset}}).encode(), 1)
    return found


def say(follower: ManySubscriber, channel: str, *offsets: int) -> None:
    lines = [publication(offset, channel=channel) for offset in offsets]
    follower.text("\n".join(lines).encode(), 1)


def faults(ledger: ManyLedger) -> tuple[int, int, int]:
    return ledger.lost(0), ledger.duplicated, ledger.out_of_order


async def test_it_connects_and_subscribes_to_all_in_one_go() -> None:
    line = Line()
    ManySubscriber("t", CHANNELS, Receipts()).opened(line)
    connect, *subscribes = map(json.loads, line.sent)
    assert connect["connect"]["token"] == "t"
    assert [each["subscribe"]["channel"] for each in subscribes] == list(CHANNELS)


async def test_it_is_ready_with_the_last_subscription(follower: ManySubscriber) -> None:
    assert follower.ready.done()


async def test_each_channel_is_counted_from_where_it_began(follower: ManySubscriber) -> None:
    say(follower, "orders:a", 1, 2)
    say(follower, "orders:b", 8)
    assert faults(follower.ledger) == (0, 0, 0)
    assert follower.ledger.received == 3


async def test_faults_of_all_channels_add_up(follower: ManySubscriber) -> None:
    say(follower, "orders:a", 1, 3)
    say(follower, "orders:b", 8, 8)
    say(follower, "orders:c", 2, 1)
    assert faults(follower.ledger) == (1, 1, 1)


async def test_what_came_twice_was_received_once(follower: ManySubscriber) -> None:
    say(follower, "orders:a", 1, 1, 3)
    assert follower.ledger.received == 2


async def test_the_next_account_begins_where_the_last_ended(follower: ManySubscriber) -> None:
    say(follower, "orders:a", 1, 2)
    follower.ledger.settle(0)
    assert follower.ledger.received == 0
    say(follower, "orders:a", 3)
    assert (follower.ledger.received, faults(follower.ledger)) == (1, (0, 0, 0))


async def test_a_refusal_of_one_channel_is_told(follower: ManySubscriber) -> None:
    del follower
    found = ManySubscriber("t", CHANNELS, Receipts())
    found.opened(Line())
    found.text(b'{"id":2,"error":{"code":103,"message":"permission denied"}}', 1)
    with pytest.raises(LoadError, match="103"):
        await found.ready


async def test_what_is_refused_for_the_moment_is_asked_for_again_a_few_times() -> None:
    line = Line()
    found = ManySubscriber("t", CHANNELS, Receipts())
    found.opened(line)
    busy = '{"id":3,"error":{"code":100,"message":"internal server error","temporary":true}}'
    for _ in range(3):
        found.text(b'{"id":2,"subscribe":{}}\n{"id":4,"subscribe":{}}', 1)
        found.text(busy.encode(), 1)
    assert [json.loads(each)["id"] for each in line.sent[4:]] == [3, 3, 3]
    assert not found.ready.done()
    for _ in range(2):
        found.text(busy.encode(), 1)
    with pytest.raises(LoadError, match="100"):
        await found.ready


async def test_the_next_channels_are_asked_for_once_those_before_are_answered() -> None:
    line = Line()
    found = ManySubscriber("t", [f"orders:{nth}" for nth in range(50)], Receipts())
    found.opened(line)
    assert len(line.sent) == 1 + 32
    for nth in range(2, 52):
        found.text(f'{{"id":{nth},"subscribe":{{}}}}'.encode(), 1)
        assert len(line.sent) == 1 + (32 if nth < 33 else 50)
    await found.ready


async def test_connections_share_the_channels_by_turns() -> None:
    script = ['{"id":1,"connect":{}}', *(f'{{"id":{nth},"subscribe":{{}}}}' for nth in (2, 3))]
    async with standin(*script) as served:
        crowd = Crowd(Job(served.url, "t", "", 2, channels=[*CHANNELS, "orders:d"]))
        await crowd.open()
        asked = [
            json.loads(line) for _ in range(2) for line in (await served.heard.get()).split("\n")
        ]
        crowd.leave()
    assert {each["subscribe"]["channel"] for each in asked} == {*CHANNELS, "orders:d"}


def test_offsets_received_are_those_above_the_start_without_the_holes() -> None:
    ledger = Ledger(7)
    for offset in (8, 10, 11, 11):
        ledger.take(offset)
    assert ledger.received == 3
