import pytest

from app.core.buckets import SECOND, Allowance, Bucket

HOUR = 3600 * SECOND
TEN = Allowance.of("ten", 10, seconds=1, burst=20)


def take(bucket: Bucket, allowance: Allowance, now: int, tries: int) -> list[int]:
    return [bucket.take(allowance, now) for _ in range(tries)]


@pytest.mark.parametrize("count", [1, 3, 7, 10, 100, 999])
def test_exactly_the_burst_passes_at_once(count: int) -> None:
    allowance = Allowance.of("any", count, seconds=1, burst=2 * count)

    assert take(Bucket(0, 0), allowance, 5, 3 * count).count(0) == 2 * count


def test_one_passes_after_the_wait_that_was_told_and_no_sooner() -> None:
    bucket = Bucket(0, 0)
    wait = take(bucket, TEN, 0, 21)[-1]

    assert wait == SECOND // 10
    assert bucket.take(TEN, wait - 1) == 1
    assert take(bucket, TEN, wait, 2) == [0, SECOND // 10]


def test_over_a_long_time_the_rate_passes_however_often_one_asks() -> None:
    bucket = Bucket(0, 0)
    waits = [bucket.take(TEN, now) for now in range(0, 60 * SECOND, 1000)]

    assert waits.count(0) == 20 + 60 * 10 - 1


def test_a_pause_gives_back_the_burst_and_no_more() -> None:
    bucket = Bucket(0, 0)
    take(bucket, TEN, 0, 20)

    assert take(bucket, TEN, 3600 * SECOND, 40).count(0) == 20


def test_what_redis_refused_does_not_fill_the_bucket() -> None:
    bucket = Bucket(0, 0)
    take(bucket, TEN, 0, 20)
    now = TEN.interval
    bucket.take(TEN, now)

    wait = bucket.learn(TEN, now, taken=False, left=TEN.size - TEN.interval + 5)

    assert wait == 5
    assert bucket.take(TEN, now + wait) == 0


def test_what_redis_knows_of_other_workers_counts_here() -> None:
    bucket = Bucket(0, 0)
    bucket.take(TEN, 0)
    bucket.learn(TEN, 0, taken=True, left=15 * TEN.interval)

    assert take(bucket, TEN, 0, 10).count(0) == 5


def test_a_worker_does_not_forget_its_own_when_redis_did() -> None:
    bucket = Bucket(0, 0)
    take(bucket, TEN, 0, 10)
    bucket.learn(TEN, 0, taken=True, left=TEN.interval)

    assert take(bucket, TEN, 0, 20).count(0) == 10


def test_what_passed_on_credit_is_settled_once_and_in_full() -> None:
    bucket = Bucket(0, credit=3, passed=2)
    bucket.take(TEN, HOUR)

    assert [bucket.settle(TEN, HOUR) for _ in range(2)] == [2, 0]


def test_what_passed_while_redis_was_away_is_settled_unless_it_has_drained() -> None:
    bucket = Bucket(0, 0)
    take(bucket, TEN, 0, 8)
    bucket.unasked = 8
    bucket.take(TEN, 5 * TEN.interval)

    assert bucket.settle(TEN, 5 * TEN.interval) == 3


@pytest.mark.parametrize(
    ("burst", "left", "credit"),
    [(200, 0, 10), (200, 100, 5), (200, 190, 0), (200, 230, 0), (10, 0, 0)],
)
def test_credit_is_a_part_of_the_room_that_is_left(burst: int, left: int, credit: int) -> None:
    allowance = Allowance("any", SECOND, burst)

    assert allowance.credit(left * SECOND) == credit


def test_credit_ends() -> None:
    bucket = Bucket(0, credit=2)

    assert [bucket.take_credit() for _ in range(3)] == [True, True, False]
    assert bucket.passed == 2
