"""TokenBucket and Budget, with a clock that is turned by hand."""

from dataclasses import dataclass

from app.core.config import Settings
from app.realtime.fanout.budget import Budget, TokenBucket

RATE = 50
BURST = 300


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def taken(bucket: TokenBucket, times: int) -> int:
    return sum(bucket.take() for _ in range(times))


def seconds_until_flooded(clock: Clock, bucket: TokenBucket, rate: float) -> float | None:
    """Ask `rate` times a second, evenly, for a minute at most, from when the burst is used up."""
    taken(bucket, BURST)
    begun = clock.now
    while clock.now - begun < 60:
        clock.now += 1 / rate
        if not bucket.take() and bucket.is_flooded:
            return clock.now - begun
    return None


def test_a_burst_of_six_seconds_worth_is_allowed_at_once() -> None:
    assert taken(TokenBucket(RATE, Clock()), 1_000) == BURST


def test_afterwards_it_refills_at_its_rate() -> None:
    clock = Clock()
    bucket = TokenBucket(RATE, clock)
    taken(bucket, BURST)
    clock.now += 0.5
    assert taken(bucket, 100) == RATE / 2


def test_it_never_saves_up_more_than_the_burst() -> None:
    clock = Clock()
    bucket = TokenBucket(RATE, clock)
    clock.now += 3_600
    assert taken(bucket, 1_000) == BURST


def test_a_rate_of_zero_is_off() -> None:
    bucket = TokenBucket(0, Clock())
    assert taken(bucket, 10_000) == 10_000
    assert not bucket.is_flooded


def test_a_client_within_its_rate_is_never_refused() -> None:
    clock = Clock()
    bucket = TokenBucket(RATE, clock)
    for _ in range(10_000):
        clock.now += 1 / RATE
        assert bucket.take()


def test_a_client_a_little_over_its_rate_is_refused_but_not_flooding() -> None:
    clock = Clock()
    assert seconds_until_flooded(clock, TokenBucket(RATE, clock), 1.5 * RATE) is None


def test_twice_the_rate_for_five_seconds_is_flooding() -> None:
    clock = Clock()
    seconds = seconds_until_flooded(clock, TokenBucket(RATE, clock), 2.1 * RATE)
    assert seconds is not None
    assert 4.5 <= seconds <= 6


def test_a_client_that_does_not_listen_at_all_is_flooding_at_once() -> None:
    bucket = TokenBucket(RATE, Clock())
    taken(bucket, BURST + 499)
    assert not bucket.is_flooded
    taken(bucket, 2)
    assert bucket.is_flooded


def test_refusals_of_long_ago_do_not_count() -> None:
    clock = Clock()
    bucket = TokenBucket(RATE, clock)
    for _ in range(10):
        taken(bucket, BURST + 400)
        assert not bucket.is_flooded
        clock.now += 60


# --------------------------------------------------------------------- budget


def budget(clock: Clock, **settings: int) -> Budget:
    return Budget.of(Settings().model_copy(update=dict(settings)), clock)


def test_a_connection_has_a_budget_of_commands_and_one_of_signals() -> None:
    one = budget(Clock(), commands_per_second=5, signals_per_second=10)
    assert taken(one.commands, 100) == 5 * 6
    assert taken(one.signals, 100) == 10


def test_signals_are_saved_up_for_a_second_at_most() -> None:
    clock = Clock()
    signals = budget(clock, signals_per_second=10).signals
    taken(signals, 100)
    clock.now += 0.5
    assert taken(signals, 100) == 5
    clock.now += 60
    assert taken(signals, 100) == 10


def test_limits_of_zero_are_off() -> None:
    one = budget(Clock(), commands_per_second=0, signals_per_second=0)
    assert (taken(one.commands, 10_000), taken(one.signals, 10_000)) == (10_000, 10_000)
