"""Window: what a histogram observed since the last look, and what may be said of it."""

import pytest
from prometheus_client import CollectorRegistry, Histogram

from app.core.histogram_window import Observed, Window

BOUNDS = (0.001, 0.01, 0.1)


@pytest.fixture
def histogram() -> Histogram:
    return Histogram("taken", "What took long", buckets=BOUNDS, registry=CollectorRegistry())


def observe(histogram: Histogram, *seconds: float) -> None:
    for each in seconds:
        histogram.observe(each)


def test_only_what_came_since_the_last_look_counts(histogram: Histogram) -> None:
    observe(histogram, 0.05, 0.05)
    window = Window(histogram)
    observe(histogram, 0.005, 0.5)
    first, second = window.take(), window.take()

    assert (first.bounds, first.counts) == (list(BOUNDS), [0, 1, 0, 1])
    assert first.sum == pytest.approx(0.505)
    assert (second.count, second.sum) == (0, 0)


def test_two_windows_do_not_take_from_each_other(histogram: Histogram) -> None:
    one, other = Window(histogram), Window(histogram)
    observe(histogram, 0.005)

    assert one.take() == other.take()


def test_nothing_observed_has_no_quantile_and_no_mean(histogram: Histogram) -> None:
    nothing = Window(histogram).take()

    assert nothing.quantile(0.5) is None
    assert nothing.mean is None


def test_a_mean_is_exact(histogram: Histogram) -> None:
    window = Window(histogram)
    observe(histogram, 0.002, 0.004)

    assert window.take().mean == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.1, 0.0005), (0.2, 0.001), (0.5, 0.0055), (0.8, 0.01), (0.9, 0.055), (1.0, 0.1)],
)
def test_a_quantile_is_found_within_its_bucket(share: float, expected: float) -> None:
    observed = Observed(BOUNDS, counts=[2, 6, 2, 0], sum=1.0)

    assert observed.quantile(share) == pytest.approx(expected)


def test_what_is_beyond_the_last_bound_is_told_as_that(histogram: Histogram) -> None:
    window = Window(histogram)
    observe(histogram, 0.005, 7, 8, 9)

    assert window.take().quantile(0.99) == 0.1
