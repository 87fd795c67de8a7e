"""What counts as keeping up."""

import pytest

from load.histogram import Histogram
from load.measurement import Measured
from load.messages import Tally
from load.saturation import keeps_up
from load.usage import Usage


def measured(rate: float, made: int, micros: int = 1_000, lost: int = 0) -> Measured:
    latencies = Histogram()
    latencies.record(micros, 1)
    tally = Tally(latencies=latencies, lost=lost)
    return Measured(rate, 2.5, made, tally, Usage(0.1), 2.5, interrupted=False)


def test_a_low_rate_is_kept_up_with_although_events_are_whole() -> None:
    assert keeps_up(measured(12.5, 12 + 18), 60)


@pytest.mark.parametrize(
    "failing",
    [
        measured(1_000, 2_000),
        measured(1_000, 2_500, micros=61_000),
        measured(1_000, 2_500, lost=1),
    ],
)
def test_too_few_too_late_or_lost_is_not(failing: Measured) -> None:
    assert not keeps_up(failing, 60)
