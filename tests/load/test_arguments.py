"""The flags, and what is refused with exit code 2."""

from argparse import ArgumentParser
from pathlib import Path

import pytest

from load.arguments import default_processes, parse
from load.errors import Exit
from load.scenario import Scenario, Stage, find_scenarios


async def play_nothing(stage: Stage) -> None:
    del stage


def add_depth(parser: ArgumentParser) -> None:
    parser.add_argument("--depth", type=int, default=3)


SCENARIOS = {"dive": Scenario("goes down", play_nothing, add_flags=add_depth)}


def test_the_defaults_are_those_of_the_contract() -> None:
    name, options = parse(["dive"], SCENARIOS)
    assert name == "dive"
    assert (options.email, options.password) == ("staff@tandem.example", "tandem-demo")
    assert (options.connections, options.rate, options.duration) == (100, 50.0, 10.0)
    assert (options.url, options.json, options.workers) == (None, None, 1)


def test_a_scenario_may_bring_flags_of_its_own() -> None:
    _, options = parse(["dive", "--depth", "7"], SCENARIOS)
    assert options.own.depth == 7


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["swim"],
        ["dive", "--connections", "0"],
        ["dive", "--connections", "ten"],
        ["dive", "--rate", "0"],
        ["dive", "--rate", "inf"],
        ["dive", "--duration", "-1"],
        ["dive", "--duration", "nan"],
        ["dive", "--workers", "0"],
        ["dive", "--url", "localhost:8000"],
        ["dive", "--url", "http://localhost:port"],
        ["dive", "--url", "http://localhost\n"],
        ["dive", "--url", "http://localhost:8000", "--workers", "2"],
        ["dive", "--depth", "far"],
        ["dive", "--unknown"],
    ],
)
def test_a_wrong_flag_is_a_usage_error(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(flags, SCENARIOS)
    assert caught.value.code == Exit.USAGE
    assert "error: " in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told_before_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["dive", "--json", str(tmp_path / "none" / "out.json")], SCENARIOS)
    assert caught.value.code == Exit.USAGE
    assert "no directory" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--json", "--html"])
def test_a_directory_is_no_file_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["dive", flag, str(tmp_path)], SCENARIOS)
    assert caught.value.code == Exit.USAGE
    assert "is a directory" in capsys.readouterr().err


def test_a_scenario_that_starts_everything_itself_takes_no_address(
    capsys: pytest.CaptureFixture[str],
) -> None:
    alone = {"dive": Scenario("goes down", play_nothing, unheeded=frozenset({"url"}))}
    with pytest.raises(SystemExit) as caught:
        parse(["dive", "--url", "http://localhost:8000"], alone)
    assert caught.value.code == Exit.USAGE
    assert "leave --url out" in capsys.readouterr().err


def test_the_help_of_a_scenario_leaves_out_what_changes_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    alone = {"dive": Scenario("goes down", play_nothing, unheeded=frozenset({"rate"}))}
    with pytest.raises(SystemExit):
        parse(["dive", "--help"], alone)
    told = capsys.readouterr().out
    assert "--duration" in told
    assert "--rate" not in told
    assert parse(["dive", "--rate", "7"], alone)[1].rate == 7


def test_help_lists_the_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"], SCENARIOS)
    assert caught.value.code == 0
    assert "goes down" in capsys.readouterr().out


def test_each_module_of_the_scenarios_is_found_by_its_name() -> None:
    assert "fanout" in find_scenarios()


def test_client_processes_are_no_more_than_cores() -> None:
    assert 1 <= default_processes(1, own=True) <= default_processes(100_000, own=False)
