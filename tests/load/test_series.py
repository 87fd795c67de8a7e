"""Deliveries a second, from what several processes told at moments of their own."""

from load.series import throughput


def test_a_steady_stream_is_a_flat_line_whenever_it_was_told() -> None:
    one = [(10 + nth * 0.1, nth * 10) for nth in range(31)]
    other = [(9.93 + nth * 0.1, nth * 20) for nth in range(32)]
    found = throughput([one, other], since=10.5, until=12.5)
    assert [rate for _, rate in found] == [300.0] * 8
    assert [at for at, _ in found] == [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]


def test_what_came_before_the_measurement_is_not_of_it() -> None:
    assert throughput([[(10.0, 5_000), (11.0, 5_000)]], 10.0, 10.5) == [(0.25, 0.0), (0.5, 0.0)]


def test_a_process_that_said_nothing_adds_nothing() -> None:
    assert throughput([[]], 0.0, 0.25) == [(0.25, 0.0)]


def test_a_measurement_shorter_than_a_step_has_no_points() -> None:
    assert throughput([[(0.0, 1)]], 0.0, 0.1) == []


def test_a_long_measurement_is_told_in_longer_steps() -> None:
    found = throughput([[(0.0, 0), (600.0, 6_000)]], 0.0, 600.0)
    assert len(found) == 240
    assert found[-1] == (600.0, 10.0)
