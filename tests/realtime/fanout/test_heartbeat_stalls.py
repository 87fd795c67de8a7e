"""Heartbeat: clients that do not take what they are told, by a clock that is turned by hand."""

import pytest

from app.core import metrics
from app.realtime.fanout.wheel import SLOT_SECONDS
from tests.realtime.beats import HOUR, HandTurned
from tests.realtime.keepers import a_subscription, write

ANSWER = b'{"id":1,"unsubscribe":{}}'
STALLED, PING, PONG = 30.0, 25.0, 8.0
LATE = 0.3  # a wheel has slots


def one_who_stopped_reading(**settings: float) -> HandTurned:
    """Signed in, and something waits for them."""
    one = HandTurned(**settings)
    one.heartbeat.identified(one.connection, HOUR)
    one.stop_reading()
    one.connection.tell_bytes(ANSWER)
    return one


def one_who_stopped_reading_after_a_ping(**settings: float) -> HandTurned:
    """Signed in and pinged; nothing waits for them."""
    one = HandTurned(**settings)
    one.heartbeat.identified(one.connection, HOUR)
    while not one.pings:
        one.wait(LATE)
    one.stop_reading()
    return one


# ---------------------------------------------------------------------- stalls


def test_a_client_that_takes_nothing_is_closed_as_stalled() -> None:
    one = one_who_stopped_reading()
    assert one.wait_for_close() == pytest.approx(STALLED, abs=LATE)
    assert one.transport.closed == (3008, "slow")


def test_a_client_that_never_signed_in_can_stall_too() -> None:
    one = HandTurned(connect_seconds=0)
    one.stop_reading()
    one.connection.tell_bytes(ANSWER)
    assert one.wait_for_close() == pytest.approx(STALLED, abs=LATE)
    assert one.transport.closed == (3008, "slow")


def test_a_client_for_whom_nothing_waits_is_not_stalled() -> None:
    one = HandTurned()
    one.heartbeat.identified(one.connection, HOUR)
    one.stop_reading()
    one.connection.pump()
    one.wait(PING / 2 - 1)
    assert one.connection.timing.stalled_by is None


def test_a_client_that_vanished_is_noticed_by_the_ping_that_it_does_not_take() -> None:
    one = HandTurned()
    one.heartbeat.identified(one.connection, HOUR)
    one.stop_reading()
    assert PING / 2 + STALLED - LATE <= one.wait_for_close() <= PING + STALLED + LATE
    assert one.transport.closed == (3008, "slow")


def test_whoever_takes_anything_at_all_is_alive() -> None:
    one = one_who_stopped_reading()
    for _ in range(20):
        one.wait(0.6 * STALLED)
        one.transport.progress += 1
    assert one.transport.closed is None


def test_progress_puts_the_end_off_by_no_more_than_the_limit() -> None:
    one = one_who_stopped_reading()
    one.wait(0.9 * STALLED)
    one.transport.progress += 1
    waited = one.wait_for_close()
    assert STALLED - LATE <= waited <= 1.25 * STALLED + LATE  # it is looked at four times


def test_whose_pong_is_still_on_its_way_is_not_pinged_again() -> None:
    one = one_who_stopped_reading(stalled_seconds=HOUR)
    while not one.connection.timing.pinged:
        one.wait(LATE)
    one.wait(PING - 2)
    one.read_on()
    one.wait(4)  # the next ping is due, the first not answered
    assert one.pings == 1
    assert one.transport.closed is None

    one.pong()
    one.wait(PING)
    assert one.pings == 2


def test_whoever_has_taken_everything_starts_anew() -> None:
    one = one_who_stopped_reading(pong_seconds=HOUR)
    one.wait(0.9 * STALLED)
    one.read_on()
    one.wait(3 * STALLED)
    assert one.transport.closed is None
    one.stop_reading()
    one.connection.tell_bytes(ANSWER)
    assert one.wait_for_close() == pytest.approx(STALLED, abs=LATE)


def test_a_second_backlog_has_its_full_time_though_the_first_was_not_looked_at_again() -> None:
    one = one_who_stopped_reading()
    one.wait(5)
    one.read_on()
    one.stop_reading()
    one.connection.tell_bytes(ANSWER)
    assert one.wait_for_close() >= STALLED - LATE


# --------------------------------------------------- pings and pongs in a backlog


def test_one_ping_waits_in_a_backlog_and_leaves_before_the_events() -> None:
    one = one_who_stopped_reading(stalled_seconds=HOUR)
    subscription = a_subscription(one.connection, "a")
    write(subscription, 1)
    one.wait(4 * PING)
    one.read_on()
    assert one.transport.sent[0].startswith(ANSWER + b"\n{}\n{")
    assert one.transport.closed is None


def test_who_answers_a_ping_from_the_backlog_is_pinged_again_in_the_next_one() -> None:
    one = one_who_stopped_reading(stalled_seconds=HOUR)
    one.wait(PING)
    one.read_on()
    one.stop_reading()
    one.connection.timing.pinged = False  # it has answered
    one.connection.tell_bytes(ANSWER)
    one.wait(PING + LATE)
    one.read_on()
    assert one.transport.sent == [ANSWER + b"\n{}"] * 2


def test_pings_go_on_once_the_backlog_is_gone() -> None:
    one = one_who_stopped_reading(stalled_seconds=HOUR, pong_seconds=HOUR)
    one.wait(4 * PING)
    one.read_on()
    assert one.pings == 1
    one.pong()
    one.wait(PING + LATE)
    assert one.pings == 2


def test_no_pong_is_due_behind_a_backlog() -> None:
    one = one_who_stopped_reading_after_a_ping(stalled_seconds=HOUR)
    one.connection.tell_bytes(ANSWER)
    one.wait(10 * PONG)
    assert one.transport.closed is None


def test_no_pong_is_due_of_a_client_that_is_still_taking_what_was_written_after_the_ping() -> None:
    one = one_who_stopped_reading_after_a_ping(stalled_seconds=STALLED)
    one.connection.pump()
    for _ in range(5):
        one.wait(0.6 * STALLED)
        assert one.transport.closed is None
        one.transport.progress += 1
    one.read_on()
    one.wait(PONG - 1)
    one.pong()
    assert one.transport.closed is None


def test_who_takes_nothing_of_what_was_written_after_the_ping_is_closed_as_stalled() -> None:
    one = one_who_stopped_reading_after_a_ping(stalled_seconds=STALLED)
    assert one.wait_for_close() == pytest.approx(PONG + STALLED, abs=2 * LATE)
    assert one.transport.closed == (3008, "slow")


def test_whose_pong_is_late_behind_a_backlog_is_looked_at_as_seldom_as_others() -> None:
    one = one_who_stopped_reading_after_a_ping(stalled_seconds=HOUR)
    one.connection.tell_bytes(ANSWER)
    one.wait(PONG + 1)
    next_look = one.heartbeat._wheel._slot_of[one.connection] * SLOT_SECONDS
    assert next_look > one.now + PONG


def test_a_pong_is_due_again_once_the_backlog_is_gone() -> None:
    one = one_who_stopped_reading_after_a_ping(stalled_seconds=STALLED)
    one.connection.tell_bytes(ANSWER)
    one.wait(PONG + 1)
    one.read_on()
    assert PONG - LATE <= one.wait_for_close() <= PONG + STALLED / 4 + LATE
    assert one.transport.closed == (3012, "no pong")


def test_a_token_runs_out_behind_a_backlog_all_the_same() -> None:
    one = HandTurned(stalled_seconds=HOUR, expired_close_seconds=5)
    one.heartbeat.identified(one.connection, 10)
    one.stop_reading()
    one.connection.tell_bytes(ANSWER)
    assert one.wait_for_close() == pytest.approx(15, abs=LATE)
    assert one.transport.closed == (3005, "connection expired")


def test_without_a_limit_a_backlog_may_stand_as_long_as_it_likes() -> None:
    one = one_who_stopped_reading(stalled_seconds=0)
    one.wait(HOUR / 10)
    assert one.transport.closed is None
    one.read_on()
    assert one.transport.sent == [ANSWER + b"\n{}"]


def test_without_any_limit_nothing_is_ever_due() -> None:
    one = HandTurned(connect_seconds=0, stalled_seconds=0)
    one.stop_reading()
    one.connection.tell_bytes(ANSWER)
    assert one.heartbeat._wheel._slot_of == {}


# ------------------------------------------------------------------------- lag


def test_the_furthest_lag_of_those_that_are_blocked_is_measured() -> None:
    one = HandTurned()
    subscription = a_subscription(one.connection, "a")
    one.stop_reading()
    write(subscription, 7)
    one.connection.pump()
    one.heartbeat.measure_lag()
    assert metrics.CURSOR_LAG._value.get() == 7
    one.read_on()
    one.heartbeat.measure_lag()
    assert metrics.CURSOR_LAG._value.get() == 0


def test_who_caught_up_and_stopped_again_at_once_is_still_measured() -> None:
    one = HandTurned()
    subscription = a_subscription(one.connection, "a")
    one.stop_reading()
    write(subscription, 7)
    one.connection.pump()
    one.read_on()
    one.heartbeat.measure_lag()
    one.stop_reading()
    write(subscription, 3)
    one.connection.pump()
    one.heartbeat.measure_lag()
    assert metrics.CURSOR_LAG._value.get() == 3


def test_a_connection_that_is_over_is_behind_nothing() -> None:
    one = HandTurned()
    one.stop_reading()
    write(a_subscription(one.connection, "a"), 7)
    one.connection.pump()
    one.heartbeat.closed(one.connection)
    one.heartbeat.measure_lag()
    assert metrics.CURSOR_LAG._value.get() == 0
