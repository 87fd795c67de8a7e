"""Flush: what everybody is given after news, and in how many writes."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from app.core import metrics
from app.realtime.log.channel_log import ChannelLog
from app.realtime.wire.batches import BATCH_BYTES
from app.realtime.wire.codec import JsonCodec
from app.realtime.wire.codes import CloseCode
from app.realtime.wire.protocol import EmptyResult, Reply
from tests.realtime.flushes import Theatre, turn, turns
from tests.realtime.logs import entries

ANSWER = Reply(id=1, unsubscribe=EmptyResult())


@pytest.fixture
async def theatre() -> AsyncIterator[Theatre]:
    theatre = Theatre()
    yield theatre
    theatre.flush.cancel()


# ------------------------------------------------------------------- everybody


async def test_news_reach_everybody_in_the_next_turn_of_the_loop(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(20)]
    theatre.say()
    assert all(not listener.transport.messages for listener in listeners)
    await turn()
    assert all(listener.offsets == [1] for listener in listeners)


async def test_equal_cursors_share_one_message_and_its_frame(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(20)]
    theatre.say(count=3)
    await turn()
    messages = [listener.transport.messages[0] for listener in listeners]
    assert len(set(map(id, messages))) == 1
    assert len({id(message.frame) for message in messages}) == 1


async def test_news_of_one_turn_go_out_in_one_message(theatre: Theatre) -> None:
    listener = theatre.listen()
    for _ in range(5):
        theatre.say(count=2)
    await turn()
    assert len(listener.transport.messages) == 1
    assert listener.offsets == list(range(1, 11))


async def test_everybody_is_given_what_lies_after_their_own_cursor(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(6)]
    theatre.say(count=4)
    for nth, listener in enumerate(listeners):
        listener.subscription.cursor = nth % 3
    await turn()
    for nth, listener in enumerate(listeners):
        assert listener.offsets == list(range(nth % 3 + 1, 5))
    assert len({id(listener.transport.messages[0]) for listener in listeners}) == 3


async def test_who_has_everything_is_told_nothing(theatre: Theatre) -> None:
    listener = theatre.listen()
    theatre.say()
    listener.subscription.cursor = 1
    await turn()
    assert listener.transport.messages == []


async def test_each_flavour_gets_its_own_message(theatre: Theatre) -> None:
    other = JsonCodec()
    listeners = [theatre.listen(codec=codec) for codec in (other, JsonCodec(), other)]
    theatre.say()
    await turn()
    first, second, third = (listener.transport.messages for listener in listeners)
    assert first[0] is third[0]
    assert first[0] is not second[0]


async def test_only_the_channels_own_audience_is_told(theatre: Theatre) -> None:
    here, there = theatre.listen("a"), theatre.listen("b")
    theatre.say("a")
    await turn()
    assert here.offsets == [1]
    assert there.transport.messages == []


async def test_one_flush_serves_all_channels_that_have_news(theatre: Theatre) -> None:
    listeners = [theatre.listen(name) for name in "abc"]
    for name in "cab":
        theatre.say(name)
    await turn()
    assert all(listener.offsets == [1] for listener in listeners)


async def test_a_backlog_of_more_than_a_message_goes_out_in_rounds_of_two_each(
    theatre: Theatre,
) -> None:
    listener, other = theatre.listen(), theatre.listen()
    theatre.say(count=200, size=1_000)
    await turn()
    assert len(listener.transport.messages) == len(other.transport.messages) == 2
    await turns(3)
    assert listener.offsets == list(range(1, 201))
    assert len(listener.transport.messages) > 3
    assert max(map(len, listener.transport.sent)) <= BATCH_BYTES


async def test_a_subscription_to_the_log_before_a_renewal_gets_nothing_of_this_one(
    theatre: Theatre,
) -> None:
    old = ChannelLog("a", 1_000, 1_000)
    old.start(5)
    listener = theatre.listen("a", log=old)
    theatre.say("a", count=9)
    await turn()
    assert listener.transport.messages == []
    assert listener.subscription.cursor == 5


# --------------------------------------------------------------- who cannot take it


async def test_a_paused_connection_is_skipped_and_delays_nobody(theatre: Theatre) -> None:
    slow, quick = theatre.listen(), theatre.listen()
    slow.transport.writable = False
    for _ in range(3):
        theatre.say()
        await turn()
    assert (slow.transport.messages, quick.offsets) == ([], [1, 2, 3])
    slow.transport.writable = True
    slow.connection.pump()
    assert slow.offsets == [1, 2, 3]
    assert len(slow.transport.messages) == 1


async def test_the_keeper_of_a_paused_connection_learns_that_it_is_blocked(
    theatre: Theatre,
) -> None:
    slow, _quick = theatre.listen(), theatre.listen()
    slow.transport.writable = False
    theatre.say()
    await turn()
    assert theatre.keeper.blocks == [slow.connection]


@pytest.mark.parametrize("taken", [1, 2])
async def test_the_keeper_learns_at_once_who_takes_only_the_first_of_the_news(
    theatre: Theatre, taken: int
) -> None:
    slow = theatre.listen_narrowly(taken)
    theatre.say(count=200, size=1_000)
    await turns(5)
    assert len(slow.transport.messages) == taken
    assert theatre.keeper.blocks == [slow.connection]
    assert theatre.walks == 1


async def test_who_takes_no_more_after_all_the_news_is_not_blocked(theatre: Theatre) -> None:
    listener = theatre.listen_narrowly(1)
    theatre.say()
    await turns(5)
    assert listener.offsets == [1]
    assert theatre.keeper.blocks == []


async def test_answers_that_wait_come_before_the_news(theatre: Theatre) -> None:
    listener = theatre.listen()
    listener.transport.writable = False
    listener.connection.tell(ANSWER)
    theatre.say()
    listener.transport.writable = True
    await turn()
    assert [document.get("id") for document in listener.transport.documents] == [1, None]


async def test_a_suspended_subscription_is_given_nothing(theatre: Theatre) -> None:
    listener = theatre.listen()
    listener.subscription.suspended = True
    theatre.say()
    await turn()
    assert listener.transport.messages == []
    assert listener.subscription.cursor == 0


async def test_a_closed_connection_is_given_nothing(theatre: Theatre) -> None:
    listener = theatre.listen()
    listener.connection.close(CloseCode.SHUTDOWN)
    theatre.say()
    await turn()
    assert listener.transport.messages == []


async def test_who_fell_off_the_ring_is_refilled_and_the_others_are_served(
    theatre: Theatre,
) -> None:
    log = ChannelLog("a", 1_000_000, 3)
    log.start(0)
    before, after = theatre.listen(log=log), theatre.listen(log=log)
    log.append(entries(1, 10))
    after.subscription.cursor = 8
    theatre.flush.mark(log)
    await turn()
    theatre.flush.mark(log)
    await turn()
    assert theatre.keeper.refills == [before.subscription]
    assert (before.offsets, after.offsets) == ([], [9, 10])


async def test_while_somebody_waits_for_a_refill_nobody_is_walked_through_again(
    theatre: Theatre,
) -> None:
    log = ChannelLog("a", 1_000_000, 3)
    log.start(0)
    before, _after = theatre.listen(log=log), theatre.listen(log=log)
    log.append(entries(1, 10))
    theatre.flush.mark(log)
    await turns(20)
    assert before.offsets == []
    assert theatre.walks == 1


# ------------------------------------------------------------------------ waiting


async def test_who_has_something_to_write_is_pumped_once(theatre: Theatre) -> None:
    listener = theatre.listen()
    theatre.log("a").append(entries(1, 3))
    theatre.flush.pump_later(listener.connection)
    theatre.flush.pump_later(listener.connection)
    assert listener.transport.messages == []
    await turn()
    assert listener.offsets == [1, 2, 3]


async def test_after_a_cancel_nothing_is_written(theatre: Theatre) -> None:
    listener = theatre.listen()
    theatre.say()
    theatre.flush.cancel()
    await turns(3)
    assert listener.transport.messages == []


# ------------------------------------------------------------------------ figures


async def test_deliveries_are_counted_by_event_and_client(theatre: Theatre) -> None:
    listeners = [theatre.listen() for _ in range(7)]
    listeners[3].subscription.suspended = True
    before = delivered()
    theatre.say(count=5)
    await turn()
    size = len(listeners[0].transport.sent[0])
    assert delivered() == (before[0] + 6 * 5, before[1] + 6 * size)


async def test_the_delay_of_each_event_is_measured_once(theatre: Theatre) -> None:
    theatre.listen()
    before = observed()
    theatre.say(count=5)
    await turn()
    theatre.say(count=2)
    await turn()
    assert observed() - before == 7


def delivered() -> tuple[float, float]:
    """Publications and bytes so far."""
    metrics.settle()
    events = REGISTRY.get_sample_value("tandem_deliveries_total") or 0
    return events, REGISTRY.get_sample_value("tandem_delivered_bytes_total") or 0


def observed() -> float:
    """How many delays were measured so far."""
    metrics.settle()
    (metric,) = metrics.COMMIT_TO_SOCKET.collect()
    return next(sample.value for sample in metric.samples if sample.name.endswith("_count"))
