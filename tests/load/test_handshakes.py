"""How many connections a second, by rounds."""

import io
from argparse import Namespace

import pytest
from rich.console import Console

from load.handshakes import Round, of_rounds
from load.interruption import Interruption
from load.report import SIGNED_IN, Outcome
from load.scenario import Bench, Options
from load.screen import Screen


def bench(server_pid: int | None = 1) -> Bench:
    options = Options(
        url=None,
        email="",
        password="",
        connections=1_000,
        rate=1,
        duration=1,
        json=None,
        workers=1,
        processes=1,
        warmup=0,
        drain=1,
        own=Namespace(),
    )
    screen = Screen(Console(file=io.StringIO()))
    return Bench(options, screen, Interruption(None), Outcome(), "tandem", server_pid)


ROUNDS = [Round(2.0, 0.5, 0.4), Round(1.0, 0.3, 0.2), Round(9.0, 0.4, 0.9)]


def test_the_median_round_counts() -> None:
    found = of_rounds(bench(), ROUNDS)
    assert found.extra["connects_per_s"] == 500
    assert found.extra["server_us_per_connect"] == 400
    assert found.client_cpu == 0.4


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_rounds_are_a_result_too(count: int) -> None:
    assert of_rounds(bench(), ROUNDS[:count]).extra["connects_per_s"] > 0


def test_of_a_server_that_is_not_ours_there_is_no_cpu() -> None:
    found = of_rounds(bench(server_pid=None), ROUNDS)
    assert found.server_cpu is None
    assert set(found.extra) == {"connects_per_s"}


def test_nothing_is_delivered_so_nothing_is_lost() -> None:
    assert not Outcome([of_rounds(bench(), ROUNDS)]).delivered


def test_rounds_of_those_that_sign_in_are_told_apart() -> None:
    assert of_rounds(bench(), ROUNDS, SIGNED_IN).scenario == "connect, signed in"
