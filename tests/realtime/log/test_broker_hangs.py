"""Broker on a Valkey that hangs: nobody waits longer than promised, and it is found again."""

import asyncio

import pytest

from app.embedded import Valkey
from app.realtime.log.broker import LINK_QUIET_SECONDS, PATIENCE_SECONDS
from app.realtime.log.sender import WAITING
from tests.realtime.brokers import Listener, frozen, listening, message, running, talking
from tests.waiting import never_waiting, until


def seconds() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.timed
async def test_publishing_to_a_redis_that_hangs_returns_in_time(valkey: Valkey) -> None:
    async with listening(valkey.url) as broker:
        with frozen(valkey):
            for _ in range(3):
                begun = seconds()
                await broker.publish([message("a", 1, b"{}")])
                assert seconds() - begun < 4 * PATIENCE_SECONDS
            assert not broker.up
        await until(lambda: broker.up)


@pytest.mark.timed
async def test_subscribing_at_a_redis_that_hangs_returns_in_time(valkey: Valkey) -> None:
    async with listening(valkey.url) as broker:
        with frozen(valkey):
            begun = seconds()
            assert not await broker.subscribe("a")
            assert seconds() - begun < 0.5
        await until(lambda: broker.up)
        await broker.publish([message("a", 1, b"{}")])
        await until(lambda: bool(broker.heard))


@pytest.mark.timed
async def test_a_redis_that_hangs_is_noticed_and_found_again(valkey: Valkey) -> None:
    async with listening(valkey.url, "a") as broker:
        with frozen(valkey):
            begun = seconds()
            await until(lambda: not broker.up)
            assert seconds() - begun < 2
        await until(lambda: broker.up)
        assert broker.ups == 2
        await broker.publish([message("a", 1, b"{}")])
        await until(lambda: bool(broker.heard))


@pytest.mark.timed
async def test_a_redis_that_hangs_after_it_has_answered_a_ping_is_noticed_as_soon(
    valkey: Valkey,
) -> None:
    async with listening(valkey.url, "a") as broker:
        link = broker._link
        assert link is not None
        for _ in range(2):
            heard_at = link.heard_at
            await until(lambda: link.heard_at > heard_at)  # noqa: B023 - right here
        with frozen(valkey):
            begun = seconds()
            await until(lambda: not broker.up)
            assert seconds() - begun < LINK_QUIET_SECONDS + 1 + 0.3
        await until(lambda: broker.up)


async def test_after_a_failure_nothing_is_sent_for_a_while(valkey: Valkey) -> None:
    async with listening(valkey.url, "a") as broker:
        with frozen(valkey):
            await broker.publish([message("a", 1, b"{}")])
            await until(lambda: broker._events.broken)
        await broker.publish([message("a", 2, b"{}")])
        assert not broker._events.busy
        await until(lambda: not broker._events.broken)
        await until(lambda: broker.up)
        await broker.publish([message("a", 3, b"{}")])
        await until(lambda: 3 in [each.offset for each in broker.heard])
    assert 2 not in [each.offset for each in broker.heard]


class Telling(Listener):
    """Keeps what it takes publishing for, each time that it hears of it."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(redis_url)
        self.found: list[bool] = []

    def _set_publishing(self, works: bool) -> None:  # noqa: FBT001 - as its base has it
        self.found.append(works)
        super()._set_publishing(works)


async def test_while_a_batch_is_under_way_no_ping_tells_that_publishing_works(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.realtime.log.broker.PROBE_SECONDS", 0.01)
    broker = Telling(valkey.url)
    broker._events._timeout = 60
    async with running(broker), talking(valkey.url) as redis:
        await until(lambda: broker.up)
        await redis.client_pause(1000, all=False)  # nothing is published, a ping is answered
        await broker.publish([message("a", 1, b"{}")])
        await until(lambda: not broker._events.busy)
    assert broker.found == [False, True]


async def test_signals_that_go_through_tell_nothing_of_events(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.realtime.log.broker.PROBE_SECONDS", 60)
    async with listening(valkey.url, "a") as broker:
        broker._set_publishing(works=False)
        broker.signal("a", b"{}")
        await until(lambda: bool(broker.signals) and not broker._signals.busy)
        assert not broker.up


async def test_what_failed_is_used_again_as_soon_as_redis_answers(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.realtime.log.sender.BREAKER_SECONDS", 3600)
    async with listening(valkey.url) as broker:
        with frozen(valkey):
            broker.signal("a", b"{}")
            await broker.publish([message("a", 1, b"{}")])
            await until(lambda: broker._events.broken and broker._signals.broken)
        await until(lambda: broker.up)
        assert not broker._events.broken
        assert not broker._signals.broken


async def test_signals_to_a_redis_that_hangs_are_dropped_and_delay_nobody(valkey: Valkey) -> None:
    async with listening(valkey.url, "a") as broker:
        with frozen(valkey):
            with never_waiting():
                for number in range(3000):
                    broker.signal("a", str(number).encode())
            assert len(broker._signals._waiting) <= WAITING
            await until(lambda: broker._signals.broken)
            assert broker._signals._waiting == []
            broker.signal("a", b"dropped")
        await until(lambda: broker.up and not broker._signals.broken)
        broker.signal("a", b"heard")
        await until(lambda: ("a", b"heard") in broker.signals)
    assert ("a", b"dropped") not in broker.signals
