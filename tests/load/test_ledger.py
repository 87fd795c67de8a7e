"""The account of one connection."""

from hypothesis import given
from hypothesis import strategies as st

from load.ledger import Ledger


def account(*offsets: int, start: int = 0) -> Ledger:
    ledger = Ledger(start)
    for offset in offsets:
        ledger.take(offset)
    return ledger


def faults(ledger: Ledger, until: int) -> tuple[int, int, int]:
    return ledger.lost(until), ledger.duplicated, ledger.out_of_order


def test_everything_once_in_order_is_clean() -> None:
    ledger = account(8, 9, 10, start=7)
    assert faults(ledger, until=10) == (0, 0, 0)
    assert ledger.complete_to() == 10


def test_a_gap_in_the_middle_is_lost() -> None:
    assert faults(account(1, 2, 5), until=5) == (2, 0, 0)


def test_a_gap_at_the_front_is_lost() -> None:
    assert faults(account(10, 11, start=7), until=11) == (2, 0, 0)


def test_a_gap_at_the_end_is_lost() -> None:
    assert faults(account(1, 2), until=5) == (3, 0, 0)


def test_a_connection_that_got_nothing_lost_everything() -> None:
    assert faults(account(start=7), until=10) == (3, 0, 0)


def test_nothing_is_lost_where_nothing_was_expected() -> None:
    assert faults(account(start=7), until=7) == (0, 0, 0)


def test_a_gap_past_the_expected_end_does_not_count() -> None:
    assert faults(account(1, 2, 3, 6), until=3) == (0, 0, 0)


def test_a_repeat_is_duplicated_each_time() -> None:
    assert faults(account(1, 2, 2, 1), until=2) == (0, 2, 0)


def test_an_offset_from_before_the_subscription_is_duplicated() -> None:
    assert faults(account(7, 8, start=7), until=8) == (0, 1, 0)


def test_a_late_one_is_out_of_order_and_not_lost() -> None:
    assert faults(account(1, 3, 2), until=3) == (0, 0, 1)


def test_a_late_one_that_comes_twice_is_out_of_order_once_and_a_repeat() -> None:
    assert faults(account(1, 3, 2, 2), until=3) == (0, 1, 1)


def test_complete_to_stops_before_the_first_hole() -> None:
    assert account(1, 2, 4, 6).complete_to() == 2


@given(st.lists(st.integers(min_value=1, max_value=30), max_size=60))
def test_lost_and_repeated_agree_with_plain_sets(offsets: list[int]) -> None:
    ledger = account(*offsets)
    assert ledger.lost(30) == 30 - len(set(offsets))
    assert ledger.duplicated == len(offsets) - len(set(offsets))
