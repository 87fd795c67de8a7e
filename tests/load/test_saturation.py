"""Which rates a search tries, and what ends it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from load.histogram import Histogram
from load.measurement import Measured
from load.messages import Tally
from load.report import OVERLOADED, UNFINISHED, Outcome
from load.saturation import INTERRUPTED, TRIES, Search, keeps_up, tell
from load.usage import Usage
from tests.load.test_handshakes import bench

LIMIT_MS = 60.0


def measured(
    rate: float, p99_ms: float = 5.0, *, server: float = 0.5, made: float = 1.0, lost: int = 0
) -> Measured:
    latencies = Histogram()
    latencies.record(int(p99_ms * 1000), 100)
    return Measured(
        rate=rate,
        asked_seconds=1.0,
        made=int(rate * made),
        tally=Tally(latencies, lost=lost),
        usage=Usage(0.1, server),
        seconds=1.0,
        interrupted=False,
        cpu_seconds=server,
    )


def search_on(
    server: Callable[[float], Measured], first: float = 50.0, search: Search | None = None
) -> Search:
    """As `saturate` does it."""
    search = search or Search(LIMIT_MS)
    for rate in search.rates(first):
        while not search.judge(server(rate)):
            pass
        if search.over:
            break
    return search


def up_to(most: float) -> Callable[[float], Measured]:
    return lambda rate: measured(rate, 5.0 if rate <= most else 1_000.0)


def tried(search: Search) -> list[float]:
    return [each.rate for each in search.tried]


def test_the_highest_rate_is_found_within_the_precision() -> None:
    search = search_on(up_to(1_000))
    assert search.best
    assert 1_000 / 1.07 <= search.best.rate <= 1_000


def test_a_first_guess_near_the_highest_rate_saves_measurements() -> None:
    assert len(search_on(up_to(1_000), 900).tried) < len(search_on(up_to(1_000)).tried)


def test_a_first_guess_that_is_too_high_is_halved() -> None:
    search = search_on(up_to(1_000), 3_000)
    assert tried(search)[:3] == [3_000, 1_500, 750]
    assert search.best
    assert 1_000 / 1.07 <= search.best.rate <= 1_000


def test_a_server_with_an_idle_core_is_asked_for_four_times_as_much() -> None:
    found = search_on(lambda rate: measured(rate, 5 if rate < 1_000 else 1_000, server=rate / 1000))
    assert tried(found)[:4] == [50, 200, 400, 800]


def test_a_rate_that_was_held_for_a_moment_only_is_not_the_highest() -> None:
    search = Search(LIMIT_MS, duration=60)

    def briefly_more(rate: float) -> Measured:
        return up_to(4_000 if search.seconds < 60 else 3_000)(rate)

    search_on(briefly_more, 4_000, search)
    assert search.best
    assert 3_000 / 1.07 <= search.best.rate <= 3_000


def test_the_highest_rate_was_measured_for_as_long_as_was_asked() -> None:
    search = Search(LIMIT_MS, duration=60)
    seconds: list[tuple[float, float]] = []

    def server(rate: float) -> Measured:
        seconds.append((rate, search.seconds))
        return up_to(4_000)(rate)

    search_on(server, 4_000, search)
    assert search.best
    assert (search.best.rate, 60) in seconds


def test_a_rate_fails_only_when_it_failed_twice() -> None:
    search = Search(LIMIT_MS)
    assert not search.judge(measured(100, LIMIT_MS + 1))
    assert search.judge(measured(100, LIMIT_MS + 1))
    assert search.too_high == 100
    assert len(search.tried) == TRIES


def test_far_over_the_limit_once_is_enough() -> None:
    search = Search(LIMIT_MS)
    assert search.judge(measured(100, LIMIT_MS * 11))
    assert search.too_high == 100


def test_a_server_that_keeps_up_with_nothing_has_no_best_rate() -> None:
    search = search_on(up_to(0))
    assert search.best is None
    assert search.shown is search.tried[-1]


def test_a_fault_of_a_server_that_promises_none_ends_the_search() -> None:
    search = search_on(lambda rate: measured(rate, lost=rate >= 200))
    assert search.fault
    assert search.shown is search.fault
    assert tried(search) == [50, 100, 200]


def test_a_fault_of_another_server_is_a_rate_that_is_too_high() -> None:
    search = Search(LIMIT_MS, strict=False)
    search.judge(measured(100))
    for _ in range(TRIES):
        search.judge(measured(200, lost=3))
    assert (search.fault, search.over, search.too_high) == (None, "", 200)


def test_what_ended_connections_missed_is_no_fault_but_a_rate_that_is_too_high() -> None:
    search = Search(LIMIT_MS)
    found = measured(400)
    found.tally.ended["close 3008"], found.tally.missed = 1, 5
    assert search.judge(found)
    assert (search.fault, search.over, search.too_high) == (None, "", 400)


def test_a_loss_of_who_lasted_is_a_fault_although_another_connection_ended() -> None:
    search = Search(LIMIT_MS)
    found = measured(400, lost=1)
    found.tally.ended["close 3008"], found.tally.missed = 1, 5
    assert search.judge(found)
    assert search.fault is found


def test_what_was_repeated_is_a_fault_although_connections_ended() -> None:
    search = Search(LIMIT_MS)
    found = measured(400)
    found.tally.ended["close 1006"] = 1
    found.tally.duplicated = 1
    assert search.judge(found)
    assert search.fault is found


def test_a_loss_is_a_fault_although_it_was_interrupted() -> None:
    search = Search(LIMIT_MS)
    found = replace(measured(400, lost=5), interrupted=True)
    assert search.judge(found)
    assert search.shown is search.fault is found


def told_of(search: Search) -> Outcome:
    here = bench()
    tell(here, search)
    return here.outcome


def test_what_was_cut_short_before_a_rate_was_decided_says_nothing_about_the_server() -> None:
    search = Search(LIMIT_MS)
    assert search.judge(replace(measured(50), interrupted=True))
    outcome = told_of(search)
    assert outcome.results == []
    assert outcome.notes == ["tandem: interrupted: the highest rate may be higher"]


def test_what_was_cut_short_later_leaves_the_best_so_far() -> None:
    search = Search(LIMIT_MS)
    search.judge(measured(50))
    search.judge(replace(measured(100), interrupted=True))
    assert [(each.scenario, each.rate) for each in told_of(search).results] == [(UNFINISHED, 50)]


def test_the_rate_of_a_fault_is_not_told_as_the_highest() -> None:
    found = told_of(search_on(lambda rate: measured(rate, lost=rate >= 200)))
    assert [(each.scenario, each.rate) for each in found.results] == [(UNFINISHED, 200)]
    assert not found.clean


def test_a_server_that_kept_up_with_nothing_is_told_as_overloaded() -> None:
    found = told_of(search_on(up_to(0)))
    assert [each.scenario for each in found.results] == [OVERLOADED]


def test_a_limit_of_the_target_is_not_taken_for_the_highest_rate() -> None:
    search = Search(LIMIT_MS)
    assert search.judge(replace(measured(200, made=0.6), failures="80 HTTP 429"))
    assert search.over == "a limit of the target ended the search: 80 HTTP 429"


def test_a_search_that_ended_between_two_measurements_is_told_to_be_unfinished() -> None:
    search, here = Search(LIMIT_MS), bench()
    search.judge(measured(100))
    here.interruption.interrupt()
    tell(here, search)
    assert [each.scenario for each in here.outcome.results] == [UNFINISHED]
    assert here.outcome.notes == [f"tandem: {INTERRUPTED}"]


def cannot(**changes: Any) -> Outcome:
    """Of a search in which everything over 60 events/s failed so."""
    return told_of(
        search_on(lambda rate: replace(measured(rate), **(changes if rate > 60 else {})))
    )


def test_a_rate_that_the_load_could_not_read_is_not_told_as_the_servers_limit() -> None:
    late = measured(1, 1_000).tally
    for busy in (Usage(0.5, 0.9, load_cores=0.95), Usage(0.5, 0.9, machine_cores=0.95)):
        (note,) = cannot(usage=busy, tally=late).notes
        assert note.endswith("the load's cores were over 90 % busy: the server may reach more")
    assert cannot(usage=Usage(0.5, 0.9, load_cores=0.8), tally=late).notes == []


def test_a_rate_that_the_load_could_not_make_is_not_told_as_the_servers_limit() -> None:
    (note,) = cannot(made=20).notes
    assert note.endswith("the load made fewer: the server may reach more")
    assert cannot(made=20, failures="80 not sent, too many in flight").notes == []


def test_a_source_that_fell_behind_decides_nothing_about_the_server() -> None:
    assert keeps_up(measured(100), LIMIT_MS)
    assert not keeps_up(measured(100, made=0.9), LIMIT_MS)


def test_a_low_rate_is_kept_up_with_although_events_are_whole() -> None:
    assert keeps_up(measured(12.5, made=0.96), LIMIT_MS)
