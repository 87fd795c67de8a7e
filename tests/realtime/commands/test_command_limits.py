"""Commands that find no answer in time: a temporary error, before SDKs give up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from app.core.config import Settings
from app.realtime.time_limit import TimeLimit
from app.realtime.wire.frames import Message
from tests.realtime.guarded import Desk, guarding
from tests.realtime.intakes import Desktop
from tests.realtime.recording import RecordingTransport
from tests.realtime.stage import Player
from tests.waiting import until

SECONDS = 2.0
PATIENCE = 15.0
ROOM = "rooms:a"


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    async with guarding(settings) as desk:
        yield desk


def hurry(desk: Desk) -> None:
    """From now on its commands have little time."""
    runtime = desk.runtime
    runtime.stations = replace(runtime.stations, time_limit=TimeLimit(SECONDS))


@pytest.fixture
async def player(desk: Desk) -> AsyncIterator[Player]:
    async with desk.connected(desk.somebody()) as player:
        yield player


async def told(player: Player, **command: Any) -> Any:
    """The error that a command is answered with."""
    async with asyncio.timeout(PATIENCE):
        return (await player.ask(**command))["error"]


@pytest.mark.parametrize(
    "command",
    [
        {"subscribe": {"channel": ROOM}},
        {"publish": {"channel": ROOM, "data": {}}},
        {"history": {"channel": ROOM, "limit": 1}},
        {"presence": {"channel": ROOM}},
    ],
    ids=lambda command: next(iter(command)),
)
async def test_a_right_that_nobody_can_tell_is_a_temporary_error(
    desk: Desk, player: Player, command: Any
) -> None:
    desk.rooms.may_answer.clear()
    hurry(desk)
    error = await told(player, **command)
    assert (error["code"], error["temporary"]) == (100, True)
    assert player.closed is None


class BriefTransport(RecordingTransport):
    """Takes one message a turn of the loop, as an ASGI server does."""

    def __init__(self) -> None:
        super().__init__()
        self.on_writable: Callable[[], None] = lambda: None

    def send(self, message: Message) -> None:
        super().send(message)
        self.writable = False
        asyncio.get_running_loop().call_soon(self._take)

    def _take(self) -> None:
        self.writable = True
        self.on_writable()


@pytest.fixture
async def brief(desk: Desk) -> AsyncIterator[Player]:
    transport = BriefTransport()
    with desk.runtime.connection(transport) as connection:
        transport.on_writable = connection.resume
        player = Player(desk.runtime, connection, transport)
        await player.ask(connect={"token": desk.token(desk.somebody())})
        yield player


async def test_the_commands_of_one_message_have_this_time_together(
    desk: Desk, player: Player
) -> None:
    await are_refused_together(desk, player)


async def test_they_have_it_together_where_each_answer_takes_a_turn(
    desk: Desk, brief: Player
) -> None:
    await are_refused_together(desk, brief)


async def are_refused_together(desk: Desk, player: Player) -> None:
    desk.rooms.may_answer.clear()
    hurry(desk)
    commands = [player.command(subscribe={"channel": f"rooms:{room}"}) for room in "abc"]
    commands.append(player.command(history={"channel": ROOM, "limit": 1}))
    await player.say("\n".join(document for _number, document in commands))
    assert desk.rooms.times_asked == 1  # which took all of the time
    for number, _document in commands:
        assert (await player.transport.reply(number))["error"]["code"] == 100
    assert player.closed is None


async def test_what_needs_no_answer_of_others_is_carried_out_after_that(
    desk: Desk, player: Player
) -> None:
    await player.subscribe("rooms:b")
    assert "rooms:b" in player.connection.subscriptions
    desk.rooms.may_answer.clear()
    hurry(desk)
    first, waiting = player.command(subscribe={"channel": ROOM})
    second, leaving = player.command(unsubscribe={"channel": "rooms:b"})
    await player.say(f"{waiting}\n{leaving}")
    assert (await player.transport.reply(first))["error"]["code"] == 100
    assert "unsubscribe" in await player.transport.reply(second)
    assert "rooms:b" not in player.connection.subscriptions


async def test_the_next_message_has_its_own_time(desk: Desk, player: Player) -> None:
    desk.rooms.may_answer.clear()
    hurry(desk)
    assert (await told(player, subscribe={"channel": ROOM}))["code"] == 100
    desk.rooms.may_answer.set()
    assert "epoch" in await player.subscribe(ROOM)


async def test_the_wait_for_the_client_does_not_count(desk: Desk) -> None:
    hurry(desk)
    one = Desktop(desk)
    one.start()
    await one.connect()
    one.socket.room = 1
    subscribes = [f'{{"id":{nth},"subscribe":{{"channel":"rooms:{nth}"}}}}' for nth in (7, 8)]
    one.intake.on_message("\n".join(subscribes))
    await until(lambda: not one.socket.writable)
    await endured(desk)
    one.socket.drain()
    await one.idle()
    assert "subscribe" in await one.socket.reply(7)
    assert "subscribe" in await one.socket.reply(8)
    await one.end()


async def endured(desk: Desk) -> None:
    """As much time has passed as a command has."""
    with pytest.raises(TimeoutError), desk.runtime.stations.time_limit.watch():
        await asyncio.Event().wait()


class Work:
    """What has so much time."""

    due = 0.0

    def expire(self) -> None:
        raise AssertionError("it ends before")


async def test_a_command_has_3_s_which_is_less_than_sdks_wait(settings: Settings) -> None:
    async with guarding(settings) as desk:
        limit, work, clock = desk.runtime.stations.time_limit, Work(), asyncio.get_running_loop()
        before = clock.time()
        limit.begin(work)
        after = clock.time()
        limit.end(work)
    assert before + 3 <= work.due <= after + 3
