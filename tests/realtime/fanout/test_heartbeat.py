"""Heartbeat: connections that say nothing, or not in time, with short times."""

from app.realtime.fanout.timing import Pings
from app.realtime.wire.frames import Opcode
from tests.realtime.beats import HOUR, HandTurned, beating, now


async def test_who_does_not_sign_in_is_closed_as_stale() -> None:
    async with beating(connect_seconds=0.1) as one:
        assert await one.transport.until_closed() == (3502, "stale")
        assert one.transport.sent == []


async def test_signing_in_takes_that_deadline_away() -> None:
    async with beating(connect_seconds=0.1, ping_seconds=0.4) as one:
        one.heartbeat.identified(one.connection, HOUR)
        await one.answer_pings(1)
        assert one.transport.closed is None


async def test_a_limit_of_zero_lets_everybody_take_their_time() -> None:
    async with beating(connect_seconds=0) as one:
        assert one.connection.timing.next is None


async def test_the_first_ping_comes_in_the_second_half_of_the_interval() -> None:
    async with beating(ping_seconds=100) as one:
        firsts: set[int] = set()
        for _ in range(50):
            one.connection.timing.next_ping = None
            one.heartbeat.identified(one.connection, HOUR)
            assert one.connection.timing.next_ping is not None
            firsts.add(round(one.connection.timing.next_ping - now()))
        assert min(firsts) >= 50
        assert max(firsts) <= 100
        assert len(firsts) > 10


def test_pings_that_are_all_late_at_once_do_not_bunch() -> None:
    one = HandTurned(ping_seconds=100)
    following: set[int] = set()
    for _ in range(50):
        one.connection.timing.next_ping = None
        one.heartbeat.identified(one.connection, HOUR)
        one.freeze(200)
        one.pong()
        assert one.connection.timing.next_ping is not None
        following.add(round(one.connection.timing.next_ping - one.now))
    assert min(following) >= 50
    assert len(following) > 10


async def test_pings_go_on_while_they_are_answered() -> None:
    async with beating(ping_seconds=0.2, pong_seconds=0.2) as one:
        one.heartbeat.identified(one.connection, HOUR)
        await one.answer_pings(4)
        assert one.transport.closed is None


async def test_who_does_not_answer_a_ping_is_closed() -> None:
    async with beating(ping_seconds=0.2, pong_seconds=0.1) as one:
        one.heartbeat.identified(one.connection, HOUR)
        assert await one.transport.until_closed() == (3012, "no pong")
        assert one.pings == 1


async def test_until_a_ping_is_answered_there_is_no_other() -> None:
    async with beating(ping_seconds=0.1, pong_seconds=0.35) as one:
        one.heartbeat.identified(one.connection, HOUR)
        assert (await one.transport.until_closed())[0] == 3012
        assert one.pings == 1


async def test_a_token_that_was_not_refreshed_ends_the_connection_after_the_grace() -> None:
    async with beating(expired_close_seconds=0.2) as one:
        begun = now()
        one.heartbeat.identified(one.connection, 0.1)
        assert await one.transport.until_closed() == (3005, "connection expired")
        assert now() - begun >= 0.3


async def test_a_refresh_puts_the_end_off() -> None:
    async with beating(expired_close_seconds=0.1, ping_seconds=0.5) as one:
        one.heartbeat.identified(one.connection, 0.1)
        one.heartbeat.identified(one.connection, HOUR)
        await one.answer_pings(1)
        assert one.transport.closed is None


async def test_a_refresh_does_not_put_the_next_ping_off() -> None:
    async with beating(ping_seconds=25) as one:
        one.heartbeat.identified(one.connection, HOUR)
        before = one.connection.timing.next_ping
        one.heartbeat.identified(one.connection, HOUR)
        assert one.connection.timing.next_ping == before


async def test_a_connection_that_is_over_is_not_pinged() -> None:
    async with beating(ping_seconds=0.1) as one, beating(ping_seconds=0.3) as other:
        one.heartbeat.identified(one.connection, HOUR)
        one.heartbeat.closed(one.connection)
        other.heartbeat.identified(other.connection, HOUR)
        await other.answer_pings(1)
        assert one.pings == 0
        assert one.heartbeat._wheel._slot_of == {}


# ------------------------------------------------------------------- by frames


async def test_who_is_asked_by_frames_is_told_no_ping() -> None:
    one = HandTurned(ping_seconds=10, pong_seconds=5)
    one.connection.timing.pings = Pings.FRAMES
    one.heartbeat.identified(one.connection, HOUR)
    for asked in (1, 2, 3):
        one.wait(10)
        assert [(each.opcode, each.data) for each in one.transport.messages] == [
            (Opcode.PING, b"")
        ] * asked
        one.pong()


async def test_who_is_asked_by_frames_has_to_answer() -> None:
    one = HandTurned(ping_seconds=10, pong_seconds=5)
    one.connection.timing.pings = Pings.FRAMES
    one.heartbeat.identified(one.connection, HOUR)
    assert one.wait_for_close() <= 16
    assert one.transport.closed == (3012, "no pong")


async def test_who_is_asked_by_nobody_here_is_not_missed() -> None:
    one = HandTurned(ping_seconds=10, pong_seconds=5)
    one.connection.timing.pings = Pings.NONE
    one.heartbeat.identified(one.connection, HOUR)
    one.wait(100)
    assert (one.transport.messages, one.transport.closed) == ([], None)
