"""Broker on a real Valkey: one that works, one that cuts the link, one that comes later."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from app.core.stints import STINT_SECONDS
from app.embedded import Services
from app.realtime.log.message import Message
from tests.realtime.brokers import (
    TOPIC,
    Listener,
    cut_links,
    listening,
    message,
    own_valkey,
    running,
    talking,
)
from tests.realtime.turning import Turning, counted, spin
from tests.waiting import until


@pytest.fixture
def redis_url(services: Services) -> str:
    return services.redis_url


# -------------------------------------------------------------------- messages


def test_a_message_comes_back_as_it_was() -> None:
    sent = message("orders", 7, b'{"a":1}', b'{"b":"\xc3\x86"}')
    got = Message.decode("orders", sent.encode())
    assert (got.channel, got.offset, got.ats, got.payloads) == (
        "orders",
        7,
        sent.ats,
        sent.payloads,
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"{}", b"7", b"x 1\n{}", b"7 1,2\n{}", b"7 1\n{}\n{}", b"7 \n{}", b"\xff"],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several reasons, one type
        Message.decode("orders", data)


# ------------------------------------------------------------ publish, subscribe


async def test_what_one_worker_publishes_another_hears(redis_url: str) -> None:
    async with listening(redis_url, "a") as one, listening(redis_url) as other:
        await other.say(message("a", 1, b"{}", b"[]"), message("b", 1, b"{}"))
        await other.say(message("a", 3, b"{}"))
        await until(lambda: len(one.heard) == 2)
    assert [(each.offset, each.payloads) for each in one.heard] == [
        (1, [b"{}", b"[]"]),
        (3, [b"{}"]),
    ]


async def test_a_channel_that_is_not_wanted_any_more_is_not_heard(redis_url: str) -> None:
    async with listening(redis_url, "a", "b") as broker:
        broker.unsubscribe("a")
        await broker.publish([message("a", 1, b"{}"), message("b", 1, b"{}")])
        await until(lambda: bool(broker.heard))
    assert [each.channel for each in broker.heard] == ["b"]


async def test_several_channels_are_given_up_at_once_and_without_any_none_is(
    redis_url: str,
) -> None:
    async with listening(redis_url, "a", "b", "c") as broker:
        broker.unsubscribe("a", "b")
        broker.unsubscribe()
        await broker.publish([message(name, 1, b"{}") for name in "abc"])
        await until(lambda: bool(broker.heard))
    assert [each.channel for each in broker.heard] == ["c"]


async def test_two_logs_on_one_redis_do_not_hear_each_other(redis_url: str) -> None:
    async with listening(redis_url, "a") as one, listening(redis_url, "a", epoch="other") as other:
        await other.publish([message("a", 1, b'"theirs"')])
        await until(lambda: bool(other.heard))
        await one.publish([message("a", 1, b'"ours"')])
        await until(lambda: bool(one.heard))
    assert [each.payloads for each in one.heard] == [[b'"ours"']]


async def test_a_foreign_message_is_passed_over(redis_url: str) -> None:
    async with listening(redis_url, "a") as broker, talking(redis_url) as stranger:
        await stranger.publish(f"{TOPIC}a", b"hello")
        await broker.publish([message("a", 1, b"{}")])
        await until(lambda: bool(broker.heard))
        assert broker.ups == 1


async def test_a_channel_wanted_while_the_link_comes_up_is_heard(redis_url: str) -> None:
    broker = Listener(redis_url)
    async with running(broker):
        for name in "abcdefgh":  # at every moment of the handshake
            await asyncio.sleep(0)
            await broker.subscribe(name)
        await until(lambda: broker.up)
        await broker.publish([message(name, 1, b"{}") for name in "abcdefgh"])
        await until(lambda: len(broker.heard) == 8)


# ------------------------------------------------------------------------ signals


async def test_a_signal_is_heard_beside_the_events(redis_url: str) -> None:
    async with listening(redis_url, "a") as one, listening(redis_url) as other:
        other.signal("a", b'{"pub":{"data":1}}')
        await other.publish([message("a", 1, b"{}")])
        await until(lambda: bool(one.heard and one.signals))
    assert one.signals == [("a", b'{"pub":{"data":1}}')]
    assert [each.offset for each in one.heard] == [1]


async def test_a_change_of_presence_is_heard_beside_the_signals(redis_url: str) -> None:
    async with listening(redis_url, "a") as one, talking(redis_url) as redis:
        await redis.publish(f"{TOPIC}a", b"~1 2\n-x")
        one.signal("a", b"{}")
        await until(lambda: bool(one.signals))
    assert one.changes == [("a", b"1 2\n-x")]
    assert one.heard == []


async def test_signals_of_one_moment_all_arrive_in_order(redis_url: str) -> None:
    async with listening(redis_url, "a") as broker:
        for number in range(500):
            broker.signal("a", str(number).encode())
        await until(lambda: len(broker.signals) == 500)
    assert [int(data) for _channel, data in broker.signals] == list(range(500))


async def test_an_event_does_not_wait_for_a_signal(redis_url: str) -> None:
    async with listening(redis_url, "a") as broker:
        for offset in range(1, 21):
            broker.signal("a", b"{}")
            assert broker._signals.busy
            await broker.publish([message("a", offset, b"{}")])
            await until(lambda: len(broker.heard) == offset)  # noqa: B023 - right here
            await until(lambda: not broker._events.busy)
        await until(lambda: len(broker.signals) == 20)


async def test_a_signal_that_is_none_of_ours_leaves_the_link_alone(redis_url: str) -> None:
    def refuse(_channel: str, data: bytes) -> None:
        raise ValueError(data)

    async with listening(redis_url, "a") as broker:
        broker.on_signal = refuse
        broker.signal("a", b"hello")
        await broker.publish([message("a", 1, b"{}")])
        await until(lambda: bool(broker.heard))
        assert broker.ups == 1


async def test_who_hears_much_at_once_leaves_turns_to_others(redis_url: str) -> None:
    turning = Turning()
    heard: list[int] = []

    def hear(_channel: str, _data: bytes) -> None:
        spin(2 * STINT_SECONDS)
        heard.append(turning.turn)

    async with listening(redis_url, "a") as broker, counted(turning):
        broker.on_signal = hear
        for _ in range(50):
            broker.signal("a", b"{}")
        await until(lambda: len(heard) == 50)
    assert max(Counter(heard).values()) <= 2


@pytest.mark.timed
async def test_publishing_is_found_to_work_again_however_busy_the_link_is(redis_url: str) -> None:
    async with listening(redis_url, "a") as broker, talking(redis_url) as redis:
        broker._set_publishing(works=False)
        async with asyncio.timeout(1.5):
            while not broker.up:
                await redis.publish(f"{TOPIC}a", b"!{}")
                await asyncio.sleep(0.01)


# ------------------------------------------------------------------- a cut link


async def test_a_link_that_was_cut_comes_back_with_every_channel(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.realtime.log.broker.SUBSCRIBED_AT_ONCE", 2)
    async with listening(redis_url, *"abcde") as broker:
        await cut_links(redis_url)
        await until(lambda: broker.ups == 2 and broker.up)
        await broker.publish([message(name, 1, b"{}") for name in "abcde"])
        await until(lambda: len(broker.heard) == 5)


async def test_a_channel_that_is_given_up_while_the_link_comes_back_is_not_heard(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.realtime.log.broker.SUBSCRIBED_AT_ONCE", 1)
    async with listening(redis_url, *"abc") as broker:
        await cut_links(redis_url)
        await until(lambda: not broker.up)
        while not broker.up:  # noqa: ASYNC110 - then the first is sent, the others are not
            await asyncio.sleep(0)
        broker.unsubscribe("c")
        await until(lambda: broker.ups == 2)
        await broker.publish([message(name, 1, b"{}") for name in "cab"])
        await until(lambda: len(broker.heard) == 2)
    assert [each.channel for each in broker.heard] == ["a", "b"]


async def test_a_channel_wanted_while_the_link_is_away_is_heard_once_it_is_back(
    redis_url: str,
) -> None:
    async with listening(redis_url) as broker:
        await cut_links(redis_url)
        await until(lambda: not broker.up)
        assert not await broker.subscribe("late")
        await until(lambda: broker.up)
        await broker.publish([message("late", 1, b"{}")])
        await until(lambda: bool(broker.heard))


async def test_another_epoch_changes_the_names_on_both_sides(redis_url: str) -> None:
    async with listening(redis_url, "a") as broker, talking(redis_url) as stranger:
        broker.set_epoch("fedcba")
        await until(lambda: broker.ups == 2 and broker.up)
        await stranger.publish(f"{TOPIC}a", message("a", 1, b'"old"').encode())
        await broker.publish([message("a", 1, b'"new"')])
        await until(lambda: bool(broker.heard))
    assert [each.payloads for each in broker.heard] == [[b'"new"']]


async def test_the_link_survives_an_epoch_that_changes_at_any_moment(redis_url: str) -> None:
    async with listening(redis_url, "a") as broker:
        for turn in range(60):
            broker.set_epoch(f"epoch-{turn}")
            for _ in range(turn % 20):
                await asyncio.sleep(0.001 * (turn % 3))
        await until(lambda: broker.up)
        await broker.publish([message("a", 1, b"{}")])
        await until(lambda: bool(broker.heard))


async def test_a_redis_that_is_started_later_is_found(tmp_path: Path) -> None:
    with own_valkey(tmp_path) as valkey:
        port = valkey.port
    broker = Listener(valkey.url)
    async with running(broker):
        assert not await broker.subscribe("a")
        await broker.publish([message("a", 1, b"{}")])
        again = valkey.launch(port)
        try:
            await until(lambda: broker.up)
            assert broker.ups == 1
        finally:
            again.child.finish(0)
