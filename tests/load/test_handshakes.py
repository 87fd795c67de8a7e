"""How many connections a second, by rounds."""

import io
from argparse import Namespace
from collections import Counter
from dataclasses import replace

import pytest
from rich.console import Console

from load import handshakes
from load.errors import LoadError
from load.handshakes import Round, of_rounds
from load.interruption import Interruption
from load.report import SIGNED_IN, Outcome
from load.scenario import Bench, Options
from load.screen import Screen
from load.subject import Subject
from load.usage import Usage
from tests.load.standin import CONNECTED, SUBSCRIBED, standin


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


ROUNDS = [
    Round(2.0, 0.5, Usage(0.4, 0.25, load_cores=0.7)),
    Round(1.0, 0.3, Usage(0.2, 0.3, load_cores=0.4)),
    Round(9.0, 0.4, Usage(0.9, 0.044, load_cores=1.0), Counter({"close 1001": 2})),
]


def test_the_median_round_counts_with_all_its_figures() -> None:
    found = of_rounds(bench(), ROUNDS)
    assert found.extra["connects_per_s"] == 500
    assert found.extra["server_us_per_connect"] == 500
    assert (found.client_cpu, found.server_cpu) == (0.4, 0.25)
    assert found.extra["load_cores"] == 0.7


def test_of_two_rounds_the_quicker_one_counts() -> None:
    assert of_rounds(bench(), [ROUNDS[2], ROUNDS[0]]).extra["connects_per_s"] == 500


def test_connections_that_ended_in_any_round_are_told() -> None:
    assert of_rounds(bench(), ROUNDS).ended == 2


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_rounds_are_a_result_too(count: int) -> None:
    assert of_rounds(bench(), ROUNDS[:count]).extra["connects_per_s"] > 0


def test_of_a_server_that_is_not_ours_there_is_no_cpu() -> None:
    found = of_rounds(bench(server_pid=None), [Round(2.0, 0.0, Usage(0.4))])
    assert found.server_cpu is None
    assert set(found.extra) == {"connects_per_s"}


def test_nothing_is_delivered_so_nothing_is_lost() -> None:
    assert not Outcome([of_rounds(bench(), ROUNDS)]).delivered


def test_rounds_of_those_that_sign_in_are_told_apart() -> None:
    assert of_rounds(bench(), ROUNDS, SIGNED_IN).scenario == "connect, signed in"


async def test_a_server_that_ends_what_it_subscribed_has_not_connected_it() -> None:
    here = bench(server_pid=None)
    here = replace(here, options=replace(here.options, connections=3))
    over = '{"push":{"channel":"orders","unsubscribe":{"code":2500,"reason":"x"}}}'
    async with standin(CONNECTED, f"{SUBSCRIBED}\n{over}") as served:
        with pytest.raises(LoadError, match="ended all connections"):
            await handshakes.connect(here, Subject(served.url))
    assert [each.ended for each in here.outcome.results] == [3]
    assert "connect: 3 connections ended early: unsubscribed 2500" in here.outcome.notes
