"""Intake: a client's messages, one after the other, and when it is not read."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from app.core.config import Settings
from app.realtime.commands.admission import ADMITTED
from app.realtime.commands.intake import MAX_WAITING
from app.realtime.wire.codec import JsonCodec
from app.realtime.wire.codes import CloseCode
from app.realtime.wire.requests import Call
from tests.realtime.flushes import turns
from tests.realtime.intakes import Desktop, taken_in
from tests.waiting import until


class Broken(JsonCodec):
    """Has a bug that a certain message brings to light."""

    def parse(self, message: str | bytes) -> Iterator[Call]:
        if message == "boom":
            raise RuntimeError("a bug")
        return super().parse(message)


@pytest.fixture
async def one(settings: Settings) -> AsyncIterator[Desktop]:
    """Somebody who has signed in."""
    async with taken_in(settings) as one:
        one.start()
        await one.connect()
        yield one


# -------------------------------------------------------------------------- order


async def test_messages_are_carried_out_one_after_the_other(one: Desktop) -> None:
    one.desk.rooms.may_answer.clear()
    numbers = [one.subscribe("a"), one.unsubscribe("b"), one.subscribe("c"), one.unsubscribe("a")]
    await one.desk.rooms.asked.wait()
    assert one.answered[1:] == []
    one.desk.rooms.may_answer.set()
    await one.idle()
    assert one.answered[1:] == numbers
    assert set(one.connection.subscriptions) >= {"rooms:c"}
    assert "rooms:a" not in one.connection.subscriptions


async def test_what_came_before_the_start_is_carried_out_first(settings: Settings) -> None:
    async with taken_in(settings) as one:
        token = one.desk.token(one.desk.somebody())
        numbers = [one.say(connect={"token": token}), one.subscribe("a")]
        await turns(3)
        assert one.answered == []
        one.start()
        numbers.append(one.unsubscribe("a"))
        await one.idle()
        assert one.answered == numbers


async def test_an_idle_client_has_no_task_and_no_queue(one: Desktop) -> None:
    assert one.tasks == set()
    assert one.intake._waiting is None
    one.unsubscribe("a")
    assert len(one.tasks) == 1
    await one.idle()
    assert one.intake._waiting is None


async def test_a_message_that_comes_at_the_very_end_of_another_is_carried_out(
    one: Desktop,
) -> None:
    for hops in range(6):
        number = one.unsubscribe("a")
        await turns(hops)
        later = one.unsubscribe("b")
        await one.idle()
        assert one.answered[-2:] == [number, later]


# ------------------------------------------------------------------- backpressure


async def test_no_more_is_read_while_many_messages_wait(one: Desktop) -> None:
    one.desk.rooms.may_answer.clear()
    first = one.subscribe("a")
    await one.desk.rooms.asked.wait()
    numbers = [first]
    while one.socket.reading:
        numbers.append(one.unsubscribe("b"))
    assert len(numbers) == 1 + MAX_WAITING
    one.desk.rooms.may_answer.set()
    await one.idle()
    assert one.socket.reading
    assert one.answered[1:] == numbers


async def test_while_a_client_does_not_read_it_is_not_read_either(one: Desktop) -> None:
    one.socket.block()
    assert not one.socket.reading
    one.socket.drain()
    assert one.socket.reading


async def test_while_a_client_does_not_read_nothing_of_what_it_said_is_carried_out(
    one: Desktop,
) -> None:
    one.socket.block()
    numbers = [one.subscribe("a"), one.unsubscribe("a")]
    await turns(5)
    assert (one.tasks, one.desk.rooms.asked.is_set()) == (set(), False)
    one.socket.drain()
    await one.idle()
    assert one.answered[1:] == numbers


async def test_the_rest_waits_when_an_answer_fills_the_socket(one: Desktop) -> None:
    one.socket.room = 2
    numbers = [one.unsubscribe("a") for _ in range(5)]
    await one.idle()
    assert one.answered[1:] == numbers[:2]
    assert not one.socket.reading
    one.socket.drain()
    await one.idle()
    assert one.answered[1:] == numbers
    assert one.socket.reading


async def stopped_short(one: Desktop, command: Callable[[int], Any]) -> list[int]:
    """Says many commands in one message, and takes the first answer only; their ids."""
    one.socket.room = 1
    numbers = list(range(100, 150))
    one.intake.on_message("\n".join(json.dumps({"id": n, **command(n)}) for n in numbers))
    await until(lambda: not one.socket.writable)
    for _ in numbers:  # in this time they could all have been carried out
        await one.desk.runtime.reader.extent("rooms:a")
    return numbers


def history(_number: int) -> Any:
    return {"history": {"channel": "rooms:a", "limit": 5}}


def subscribe(number: int) -> Any:
    return {"subscribe": {"channel": f"rooms:{number}"}}


async def test_the_rest_of_a_message_waits_while_its_answers_do(one: Desktop) -> None:
    numbers = await stopped_short(one, history)
    assert one.answered[1:] == numbers[:1]
    assert len(one.connection._outgoing) <= 1
    one.socket.drain()
    await one.idle()
    assert one.answered[1:] == numbers


async def test_answer_by_answer_is_taken_in_order(one: Desktop) -> None:
    numbers = await stopped_short(one, history)
    for taken in range(2, len(numbers) + 1):
        one.socket.drain(room=1)
        await until(lambda: len(one.answered) > taken)  # noqa: B023 - waited for right here
        assert one.answered[1:] == numbers[:taken]
        assert len(one.connection._outgoing) <= 1


async def test_who_does_not_read_keeps_no_place_from_others(one: Desktop) -> None:
    await stopped_short(one, subscribe)
    assert len(one.tasks) == 1
    assert one.desk.runtime.stations.admission._places._value == ADMITTED


async def test_a_close_ends_what_waits_for_the_client(one: Desktop) -> None:
    numbers = await stopped_short(one, history)
    one.connection.close(CloseCode.STALLED)
    async with asyncio.timeout(5):
        await one.idle()
    assert len(one.answered[1:]) <= 2
    assert one.answered[1:] == numbers[: len(one.answered) - 1]


async def test_the_loss_of_a_client_ends_what_waits_for_it(one: Desktop) -> None:
    numbers = await stopped_short(one, history)
    one.intake.on_lost()
    await one.idle()
    assert one.answered[1:] == numbers[:1]


async def test_a_client_that_reads_again_is_not_read_while_many_messages_wait(
    one: Desktop,
) -> None:
    one.desk.rooms.may_answer.clear()
    one.subscribe("a")
    await one.desk.rooms.asked.wait()
    for _ in range(MAX_WAITING):
        one.unsubscribe("b")
    one.socket.block()
    one.socket.drain()
    assert not one.socket.reading
    one.desk.rooms.may_answer.set()
    await one.idle()
    assert one.socket.reading


async def test_events_that_waited_are_written_once_the_client_reads_again(one: Desktop) -> None:
    one.subscribe("a")
    await one.idle()
    one.socket.block()
    for _ in range(3):
        await one.desk.say("rooms:a")
    await turns(3)
    assert one.socket.publications("rooms:a") == []
    one.socket.drain()
    assert [pub["offset"] for pub in await one.socket.offset("rooms:a", 3)] == [1, 2, 3]


async def test_before_the_start_a_socket_may_pause_and_go_on(settings: Settings) -> None:
    async with taken_in(settings) as one:
        one.socket.block()
        one.socket.drain()
        one.start()
        await one.connect()
        assert one.answered == [1]


# ----------------------------------------------------------------------- the ends


async def test_the_loss_of_a_client_is_told_once(one: Desktop) -> None:
    one.intake.on_lost()
    assert one.lost == [one.connection]


async def test_a_client_lost_while_a_command_runs_leaves_nothing_behind(one: Desktop) -> None:
    one.desk.rooms.may_answer.clear()
    one.subscribe("a")
    one.unsubscribe("b")
    await one.desk.rooms.asked.wait()
    (task,) = one.tasks
    one.intake.on_lost()
    one.desk.runtime.close(one.connection)
    await asyncio.wait({task})
    assert task.cancelled()
    assert one.lost == [one.connection]
    assert one.answered == [1]
    await until(lambda: one.desk.runtime.follower._users.get("rooms:a", 0) == 0)


async def test_a_bug_closes_the_connection_and_is_logged(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with taken_in(settings, Broken()) as one:
        one.start()
        await one.connect()
        with caplog.at_level(logging.ERROR):
            one.intake.on_message("boom")
            one.unsubscribe("a")
            assert await one.socket.until_closed() == (3004, "internal server error")
            await one.idle()
        assert one.answered == [1]
        assert [record.message for record in caplog.records] == ["connection failed"]


async def test_after_a_close_nothing_is_carried_out(one: Desktop) -> None:
    one.intake.on_message("nonsense")
    one.unsubscribe("a")
    assert (await one.socket.until_closed())[0] == 3501
    await one.idle()
    one.unsubscribe("a")
    await turns(3)
    assert one.answered == [1]
    assert one.tasks == set()


async def test_a_message_carries_several_commands(one: Desktop) -> None:
    documents = [{"id": n, "unsubscribe": {"channel": "rooms:a"}} for n in (7, 8, 9)]
    one.intake.on_message("\n".join(map(json.dumps, documents)))
    await one.idle()
    assert one.answered[1:] == [7, 8, 9]
