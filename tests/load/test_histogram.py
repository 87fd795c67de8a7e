"""Latencies in buckets against the same values in a list."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.histogram import Histogram

values = st.lists(st.integers(min_value=0, max_value=60_000_000), min_size=1, max_size=200)


def filled(*microseconds: int) -> Histogram:
    histogram = Histogram()
    for each in microseconds:
        histogram.record(each)
    return histogram


def test_an_empty_histogram_has_no_percentiles() -> None:
    assert Histogram().percentile(50) is None


def test_small_values_are_exact() -> None:
    histogram = filled(*range(1, 101))
    assert [histogram.percentile(each) for each in (50, 90, 99, 100)] == [50, 90, 99, 100]


@pytest.mark.parametrize("value", [255, 256, 257, 511, 512, 1023, 1024, 65_535, 65_536])
def test_values_at_the_edges_of_buckets_are_within_the_stated_accuracy(value: int) -> None:
    histogram = filled(value, value * 4)
    assert histogram.percentile(50) == pytest.approx(value, rel=0.004)


@given(values, st.sampled_from([1, 50, 90, 99, 100]))
def test_percentiles_are_within_the_stated_accuracy(given_values: list[int], percent: int) -> None:
    rank = max(math.ceil(percent / 100 * len(given_values)), 1)
    true = sorted(given_values)[rank - 1]
    assert filled(*given_values).percentile(percent) == pytest.approx(true, rel=0.004)


def test_no_percentile_exceeds_the_largest_value() -> None:
    assert filled(1_000_001).percentile(100) == 1_000_001


def test_merging_is_the_same_as_recording_together() -> None:
    one, other = filled(3, 700), filled(90_000, -1)
    one.merge(other)
    assert one.to_json() == filled(3, 700, 90_000, -1).to_json()
    assert one.count == 4


def test_it_survives_the_way_through_json() -> None:
    histogram = filled(3, 700, 90_000, -1)
    read = Histogram.from_json(**json.loads(json.dumps(histogram.to_json())))
    assert read.to_json() == histogram.to_json()
    assert read.count == histogram.count


def test_a_latency_below_zero_is_early_and_counts_as_zero() -> None:
    histogram = filled(-5)
    assert (histogram.early, histogram.percentile(50)) == (1, 0)
