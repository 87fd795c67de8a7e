"""Handshakes take turns, and only so many wait."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from app.realtime.commands.turns import Turns, turns_of
from app.realtime.websocket.handshakes import Arrival
from app.realtime.wire.frames import Opcode
from tests.realtime.owners import echo
from tests.realtime.raw_socket import connected, frame, opened, upgrade
from tests.realtime.served import serving
from tests.realtime.turning import spin

TURN = 0.003


class Crowd:
    """Handshakes that take a while, and how many ran within each turn of the event loop."""

    def __init__(self, seconds: float, seconds_in_task: float = 0.0) -> None:
        self.seconds = seconds
        self.seconds_in_task = seconds_in_task
        self.turns: list[int] = [0]
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> bool:
        spin(self.seconds)
        self.turns[-1] += 1
        if self.seconds_in_task:
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return True

    async def _work(self) -> None:
        spin(self.seconds_in_task)

    async def watch(self, number: int) -> None:
        """Until so many have begun."""
        while sum(self.turns) < number:
            self.turns.append(0)
            await asyncio.sleep(0)


async def test_a_turn_begins_no_more_than_fit_into_its_time() -> None:
    crowd = Crowd(TURN / 3)
    turns = Turns(TURN)
    for _ in range(30):
        assert turns.add(crowd.begin)
    await crowd.watch(30)
    assert max(crowd.turns) <= 3


async def test_the_time_of_the_applications_tasks_counts() -> None:
    crowd = Crowd(TURN / 1000, seconds_in_task=TURN / 2)
    turns = Turns(TURN)
    for _ in range(40):
        assert turns.add(crowd.begin)
    await crowd.watch(40)
    begun = [turn for turn in crowd.turns if turn]
    assert max(begun[1:]) <= 2  # what they cost was learnt from the first turn


async def test_handshakes_that_take_longer_than_a_turn_go_on_one_by_one() -> None:
    crowd = Crowd(2 * TURN)
    turns = Turns(TURN)
    for _ in range(5):
        assert turns.add(crowd.begin)
    await crowd.watch(5)
    assert max(crowd.turns) == 1


async def test_who_has_left_takes_no_share() -> None:
    crowd = Crowd(0.0)
    turns = Turns(1.0)
    for _ in range(1000):
        assert turns.add(lambda: False)
    assert turns.add(crowd.begin)
    await asyncio.sleep(0)
    assert crowd.turns == [1]


async def test_only_so_many_wait() -> None:
    turns = Turns(TURN, waiting_limit=2)
    crowd = Crowd(0.0)
    assert [turns.add(crowd.begin) for _ in range(3)] == [True, True, False]
    await crowd.watch(2)
    assert turns.add(crowd.begin)
    await crowd.watch(3)


async def test_a_handshake_that_fails_does_not_stop_the_others() -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, what: told.append(what))
    turns = Turns(TURN)
    crowd = Crowd(0.0)

    def fail() -> bool:
        raise LookupError("a mistake")

    assert turns.add(fail)
    assert turns.add(crowd.begin)
    await crowd.watch(1)
    assert [type(what["exception"]) for what in told] == [LookupError]


async def test_a_command_does_not_wait_for_all_handshakes() -> None:
    crowd = Crowd(2 * TURN)
    turns = Turns(TURN)
    for _ in range(20):
        assert turns.add(crowd.begin)
    await turns.come()
    begun = sum(crowd.turns)
    await crowd.watch(20)
    assert begun <= 2


async def test_commands_without_end_leave_handshakes_their_turns() -> None:
    crowd = Crowd(TURN / 10)
    turns = Turns(TURN)

    async def ask() -> None:
        while sum(crowd.turns) < 20:
            await turns.come()
            spin(TURN)

    for _ in range(20):
        assert turns.add(crowd.begin)
    async with asyncio.timeout(10):
        await asyncio.gather(*(ask() for _ in range(8)))


async def test_whoever_gives_up_waiting_takes_nobodys_turn() -> None:
    turns = Turns(TURN)
    leaving, staying = (asyncio.create_task(turns.come()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    async with asyncio.timeout(10):
        await staying
    assert leaving.cancelled()


# ------------------------------------------------------------------------ arrivals


class RecordedTransport(asyncio.Transport):
    """What an arrival needs of a transport."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False
        self.reading = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading = False


def arrived() -> tuple[Arrival, RecordedTransport, ServerState]:
    config = uvicorn.Config(echo, log_config=None)
    state, transport = ServerState(), RecordedTransport()
    arrival = Arrival(config, state, {})
    arrival.connection_made(transport)
    arrival.data_received(upgrade())
    return arrival, transport, state


async def test_an_arrival_that_leaves_before_its_turn_is_forgotten() -> None:
    arrival, transport, state = arrived()
    connections: set[Any] = state.connections
    assert connections == {arrival}
    arrival.connection_lost(None)
    await some_turns()
    assert not state.connections
    assert not state.tasks
    assert not transport.written


async def test_an_arrival_is_told_that_the_server_stops() -> None:
    arrival, transport, state = arrived()
    arrival.shutdown()
    await some_turns()
    assert transport.written.startswith(b"HTTP/1.1 503 ")
    assert transport.closed
    connections: set[Any] = state.connections
    assert connections == {arrival}


async def test_an_arrival_is_not_read_while_it_waits() -> None:
    arrival, transport, _state = arrived()
    assert transport.reading
    arrival.data_received(frame(Opcode.TEXT, b"early"))
    assert not transport.reading
    arrival.connection_lost(None)
    await some_turns()


async def some_turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_hundred_clients_at_once_are_all_accepted() -> None:
    with serving(echo) as served:

        async def come() -> None:
            async with opened(served.port):
                return

        await asyncio.gather(*(come() for _ in range(100)))


async def test_past_the_limit_a_client_is_told_to_come_back() -> None:
    with serving(echo) as served:
        await served.do(limit_to_none)
        async with connected(served.port) as raw:
            raw.write(upgrade())
            await raw.read_head()
            assert (await raw.problem())["code"] == "service_unavailable"
    assert b"\r\nRetry-After: 1\r\n" in raw.head


def limit_to_none() -> None:
    turns_of(asyncio.get_running_loop())._waiting_limit = 0
