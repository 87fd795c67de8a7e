"""What a run leaves when it does not come to its end."""

import asyncio
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
from load.machine import describe
from load.measurement import measure
from load.messages import Job
from load.report import Outcome, Result
from load.runner import run, tell
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


async def test_what_the_system_refuses_is_told_in_a_line_with_what_was_found_before(
    tmp_path: Path, screen: Screen
) -> None:
    async def play(bench: Bench) -> None:
        bench.outcome.results += found
        await asyncio.create_subprocess_exec(tmp_path / "no-such-program")

    found = [CLEAN]
    file, scenario = tmp_path / "out.json", Scenario(summary="", play_alone=play)
    assert await run(scenario, options(file), screen) == Exit.UNREACHABLE
    assert len(json.loads(file.read_text())["results"]) == 1
    found.clear()
    with pytest.raises(LoadError, match="no-such-program") as caught:
        await run(scenario, options(file), screen)
    assert caught.value.exit_code == Exit.UNREACHABLE


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


async def test_what_was_interrupted_before_the_first_result_is_no_report(
    tmp_path: Path, screen: Screen
) -> None:
    async def play(bench: Bench) -> None:
        bench.interruption.happened = True

    file = tmp_path / "out.json"
    with pytest.raises(asyncio.CancelledError):
        await run(Scenario(summary="", play_alone=play), options(file), screen)
    assert not file.exists()


def test_a_file_that_cannot_be_written_is_told_and_leaves_the_others(
    tmp_path: Path, screen: Screen
) -> None:
    given = replace(options(tmp_path), html=tmp_path / "out.html")
    assert tell(given, screen, describe(), Outcome([CLEAN])) == Exit.USAGE
    assert "fanout" in (tmp_path / "out.html").read_text()


@pytest.mark.parametrize(
    "flags",
    [
        ["--password", "hidden-1"],
        ["--pass", "hidden-1"],
        ["--password=hidden-1"],
        ["--url", "http://hidden-1:x@tandem.example"],
        ["--url=http://x:hidden-1@tandem.example"],
    ],
)
def test_a_page_to_be_passed_on_holds_no_password(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["load", "fanout", *flags, "--rate=7"])
    file = tmp_path / "out.html"
    given = replace(bench().options, password="hidden-1", html=file, own=Namespace())
    tell(given, screen, describe(), Outcome([CLEAN]))
    told = file.read_text()
    assert "hidden-1" not in told
    assert "--rate=7" in told
    assert "fanout" in told


def test_the_demo_password_may_be_seen(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["load", "fanout", "--password", "tandem-demo"])
    file = tmp_path / "out.html"
    given = replace(bench().options, password="tandem-demo", html=file, own=Namespace())
    tell(given, screen, describe(), Outcome([CLEAN]))
    assert "--password tandem-demo" in file.read_text()
