"""Runtime: all stations of a worker together, and what it does while a service is away."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.auth.principals import Principals, Role
from app.core.config import Settings
from app.core.database import create_engine, create_sessions
from app.realtime.fanout.timing import Pings
from app.realtime.runtime import Runtime
from tests.realtime.guarded import Board, Rights, Somebody, guarding
from tests.realtime.intakes import Socket
from tests.realtime.log_writer import LogWriter
from tests.realtime.server_proxy import ServerProxy
from tests.realtime.stage import playing, staged
from tests.waiting import until


@asynccontextmanager
async def running(settings: Settings, rights: Rights | None = None) -> AsyncIterator[Runtime]:
    """A runtime that was started; it need not be ready."""
    engine = create_engine(settings)
    principals = Principals(rights or Rights())
    runtime = Runtime(settings, create_sessions(engine), principals, [Board()])
    await runtime.start()
    try:
        yield runtime
    finally:
        async with asyncio.timeout(5):
            await runtime.stop()
        await engine.dispose()


@pytest.fixture
def quick(settings: Settings) -> Settings:
    return settings.model_copy(update={"sweep_seconds": 0.05, "look_seconds": 0.05})


# ------------------------------------------------------------------- start, stop


async def test_it_is_ready_once_it_follows_the_control_channel(quick: Settings) -> None:
    async with running(quick) as runtime:
        assert await runtime.wait_ready(15)
        assert runtime.follower.epoch
        assert runtime.follower._logs["$control"].started


async def test_it_starts_while_postgres_is_away_and_is_ready_later(
    quick: Settings, log: LogWriter, database: str
) -> None:
    async with ServerProxy(database) as proxy:
        await proxy.go_away()
        async with running(quick.model_copy(update={"database_url": proxy.url})) as runtime:
            assert not await runtime.wait_ready(0.1)
            await proxy.come_back()
            assert await runtime.wait_ready(15)
            active = await runtime.follower.acquire("a")
            await log.record("a")
            await until(lambda: active.head == 1)


async def test_it_starts_while_redis_is_away(quick: Settings, log: LogWriter) -> None:
    away = quick.model_copy(update={"redis_url": "redis://127.0.0.1:1"})
    async with running(away) as runtime:
        assert await runtime.wait_ready(15)
        active = await runtime.follower.acquire("a")
        await log.record("a", count=3)
        await until(lambda: active.head == 3)
        assert not runtime.broker.up


async def test_stopping_leaves_no_task(quick: Settings, log: LogWriter) -> None:
    before = asyncio.all_tasks()
    async with running(quick) as runtime:
        assert await runtime.wait_ready(15)
        await log.record("a", count=3)
        await runtime.follower.acquire("a")
        runtime.follower.release("a")
        assert len(asyncio.all_tasks()) > len(before)
    assert asyncio.all_tasks() == before


async def test_stopping_before_it_was_ready_leaves_no_task(quick: Settings) -> None:
    before = asyncio.all_tasks()
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    async with running(quick.model_copy(update={"database_url": nowhere})) as runtime:
        assert not await runtime.wait_ready(0.05)
    assert asyncio.all_tasks() == before


async def test_it_stops_in_time_while_postgres_says_nothing(
    quick: Settings, log: LogWriter, database: str
) -> None:
    async with ServerProxy(database) as proxy:
        through = quick.model_copy(update={"database_url": proxy.url, "sweep_seconds": 60})
        async with running(through) as runtime:
            reached: list[str] = []

            async def reach(name: str) -> None:
                reached.append(name)

            runtime.relay._reach = reach
            assert await runtime.wait_ready(15)
            await log.record("a")
            runtime.relay.nudge()
            await until(lambda: "relay.unlocked" in reached)  # it has connected, and rests
            proxy.swallow()
            await log.record("a")
            runtime.relay.nudge()
            await until(lambda: reached[-1] == "relay.lock")  # it asks, and gets no answer


# --------------------------------------------------------------- services that fail


async def test_postgres_may_go_away_and_come_back_under_live_connections(
    quick: Settings, log: LogWriter, database: str
) -> None:
    async with ServerProxy(database) as proxy:
        settings = quick.model_copy(update={"database_url": proxy.url})
        async with guarding(settings) as desk:
            person = desk.somebody()
            async with desk.connected(person) as player:
                await player.subscribe("board")
                await proxy.go_away()
                await log.append("board", count=2)
                await proxy.come_back()
                await until(lambda: not player.closed and player_can_look(desk.runtime))
                await player.transport.offset("board", 2)
                assert player.offsets("board") == [1, 2]


def player_can_look(runtime: Runtime) -> bool:
    runtime.broker.on_up()  # as when the link comes back: look now
    return runtime.follower.postgres_up


async def test_what_a_relay_numbered_but_never_published_arrives_all_the_same(
    quick: Settings, log: LogWriter
) -> None:
    async with running(quick) as runtime:
        assert await runtime.wait_ready(15)
        active = await runtime.follower.acquire("a")
        await log.append("a", count=5)
        await until(lambda: active.head == 5)


async def test_two_workers_deliver_the_same_events_in_the_same_order(
    quick: Settings, log: LogWriter
) -> None:
    rights, person = Rights(), Somebody()
    rights.roles[person.id] = Role.STAFF
    async with guarding(quick) as desk, running(quick, rights) as other:
        assert await other.wait_ready(15)
        mine = desk.somebody()
        with playing(other) as there:
            token = desk.token(person)
            await there.ask(connect={"token": token})
            await there.subscribe("board")
            async with desk.connected(mine) as here:
                await here.subscribe("board")
                for _ in range(30):
                    await log.record("board", count=3)
                    other.relay.nudge()
                await here.transport.offset("board", 90)
                await there.transport.offset("board", 90)
                assert here.offsets("board") == there.offsets("board") == list(range(1, 91))
                payloads = [
                    [pub["data"] for pub in player.transport.publications("board")]
                    for player in (here, there)
                ]
                assert payloads[0] == payloads[1]


async def test_another_epoch_disconnects_and_the_next_connection_is_of_the_new_log(
    settings: Settings, log: LogWriter
) -> None:
    async with staged(settings, look_seconds=0.05) as stage:
        cleo = await stage.person("cleo")
        own = f"users:{cleo.id}"
        async with stage.connected(cleo) as player:
            before = stage.runtime.follower.epoch
            await log.renew_epoch()
            assert (await player.transport.until_closed())[0] == 3010
        wanted = {own: {"recover": True, "epoch": before, "offset": 0}}
        with stage.player() as player:
            result = (await player.connect(cleo, subs=wanted))["subs"][own]
            assert (result["recovered"], result["was_recovering"]) == (False, True)
            assert result["epoch"] == stage.runtime.follower.epoch != before
            await stage.place(cleo)
            await player.transport.document(lambda each: "order.created" in json.dumps(each))


# ------------------------------------------------------------------- taken over


async def test_a_client_that_was_taken_over_is_served_like_any_other(settings: Settings) -> None:
    async with guarding(settings) as desk:
        person, socket = desk.somebody(), Socket()
        desk.runtime.take_over(socket.take_over)
        owner = socket.owner
        owner.on_message(json.dumps({"id": 1, "connect": {"token": desk.token(person)}}))
        assert "connect" in await socket.reply(1)
        await desk.say(f"users:{person.id}")
        await socket.offset(f"users:{person.id}", 1)
        owner.on_lost()
        assert desk.runtime.manager.connections == set()


@pytest.mark.parametrize(
    ("pings", "told", "pinged"),
    [(Pings.DOCUMENTS, (25, True), True), (Pings.FRAMES, (0, False), False)],
)
async def test_a_pong_frame_is_an_answer_to_a_ping_frame_only(
    settings: Settings, pings: Pings, told: tuple[int, bool], *, pinged: bool
) -> None:
    async with guarding(settings) as desk:
        socket = Socket()
        desk.runtime.take_over(socket.take_over, pings=pings)
        token = desk.token(desk.somebody())
        socket.owner.on_message(json.dumps({"id": 1, "connect": {"token": token}}))
        connected = (await socket.reply(1))["connect"]
        assert (connected["ping"], connected["pong"]) == told
        (connection,) = desk.runtime.manager.connections
        connection.timing.pinged = True
        socket.owner.on_pong()
        assert connection.timing.pinged is pinged
        socket.owner.on_lost()


async def test_a_client_taken_over_during_a_drain_is_closed(settings: Settings) -> None:
    async with guarding(settings) as desk:
        await desk.runtime.drain()
        socket = Socket()
        desk.runtime.take_over(socket.take_over)
        assert socket.closed == (3001, "shutdown")
        socket.owner.on_lost()


async def test_stopping_ends_a_command_that_is_being_carried_out(settings: Settings) -> None:
    before = asyncio.all_tasks()
    async with guarding(settings) as desk:
        socket = Socket()
        desk.runtime.take_over(socket.take_over)
        desk.rooms.may_answer.clear()
        token = desk.token(desk.somebody())
        socket.owner.on_message(json.dumps({"id": 1, "connect": {"token": token}}))
        socket.owner.on_message(json.dumps({"id": 2, "subscribe": {"channel": "rooms:a"}}))
        await desk.rooms.asked.wait()
    assert asyncio.all_tasks() == before


# ------------------------------------------------------------------------- drain


async def test_a_drain_closes_all_connections_spread_over_its_time(settings: Settings) -> None:
    paced = settings.model_copy(update={"drain_seconds": 0.4})
    async with guarding(paced) as desk:
        person = desk.somebody()
        async with desk.connected(person) as one, desk.connected(person) as two:
            draining = asyncio.create_task(desk.runtime.drain())
            await until(lambda: one.closed is not None or two.closed is not None)
            assert None in (one.closed, two.closed)
            assert desk.runtime.draining
            for player in (one, two):
                await player.transport.until_closed()
                assert not draining.done()  # their close frames are on their way
                desk.runtime.close(player.connection)
            await draining
            assert (one.closed, two.closed) == (3001, 3001)


async def test_a_drain_of_nobody_takes_no_time(settings: Settings) -> None:
    paced = settings.model_copy(update={"drain_seconds": 60})
    async with guarding(paced) as desk, asyncio.timeout(1):
        await desk.runtime.drain()
