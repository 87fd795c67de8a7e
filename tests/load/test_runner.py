"""What a run leaves when it does not come to its end."""

import io
import json
import os
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from load.errors import Exit, LoadError
from load.fleet import Fleet
from load.measurement import measure
from load.messages import Job
from load.report import Result
from load.runner import run
from load.scenario import Bench, Options, Scenario
from load.screen import Screen
from tests.load.test_handshakes import bench
from tests.load.test_report import CLEAN
from tests.load.test_source import Kept


@pytest.fixture
def screen() -> Iterator[Screen]:
    """And this process gets back the core that the load leaves to a server."""
    cores = os.sched_getaffinity(0)
    yield Screen(Console(file=io.StringIO()))
    os.sched_setaffinity(0, cores)


def failing_after(*results: Result) -> Scenario:
    async def play(bench: Bench) -> None:
        bench.outcome.results += results
        raise LoadError.unreachable("the server is gone")

    return Scenario(summary="", play_alone=play, add_flags=lambda _parser: None)


def options(file: Path) -> Options:
    return replace(bench().options, json=file, html=None, own=Namespace())


@pytest.mark.parametrize(
    ("result", "code"),
    [(CLEAN, Exit.UNREACHABLE), (replace(CLEAN, lost=1), Exit.UNCLEAN)],
    ids=["clean so far", "losses before"],
)
async def test_an_error_after_the_first_result_is_told_with_it(
    tmp_path: Path, screen: Screen, result: Result, code: Exit
) -> None:
    file = tmp_path / "out.json"
    assert await run(failing_after(result), options(file), screen) == code
    assert len(json.loads(file.read_text())["results"]) == 1


async def test_a_measurement_that_the_token_does_not_outlast_is_not_begun(
    tmp_path: Path, screen: Screen
) -> None:
    """The source is not even asked; what was measured before is told."""
    source = Kept()

    async def play(bench: Bench) -> None:
        bench.outcome.results.append(CLEAN)
        short = replace(bench, until=time.monotonic() + 1)
        await measure(short, Fleet(Job("", "", "", 1), 1), source, rate=1, seconds=1)

    file = tmp_path / "out.json"
    scenario = Scenario(summary="", play_alone=play)
    assert await run(scenario, options(file), screen) == Exit.USAGE
    assert len(json.loads(file.read_text())["results"]) == 1
    assert source.made == []


async def test_an_error_before_is_all_there_is(tmp_path: Path, screen: Screen) -> None:
    with pytest.raises(LoadError, match="the server is gone"):
        await run(failing_after(), options(tmp_path / "out.json"), screen)
