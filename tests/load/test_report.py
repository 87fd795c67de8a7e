"""What is written to --json and shown."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from load.errors import Exit
from load.machine import Machine, describe
from load.report import Outcome, Result, rows, to_json, verdict
from load.screen import Screen

RESULT_KEYS = [
    *("peer", "scenario", "connections", "rate", "deliveries_per_s"),
    *("p50_ms", "p90_ms", "p99_ms", "max_ms", "lost", "duplicated", "out_of_order"),
    *("client_cpu", "server_cpu", "server_rss_mb", "ended", "missed"),
]
CLEAN = Result(
    peer="tandem",
    scenario="fanout",
    connections=1200,
    rate=50.0,
    deliveries_per_s=60_000.4,
    p50_ms=1.25,
    p90_ms=2.0,
    p99_ms=3.0,
    max_ms=4.0,
    lost=0,
    duplicated=0,
    out_of_order=0,
    client_cpu=0.5,
    server_cpu=None,
    server_rss_mb=None,
)


def shown(outcome: Outcome, *, terminal: bool) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, color_system=None, width=80)
    Screen(console).show(outcome, Machine("A CPU", 2, 25_000, "Linux 6", "3.11.7"))
    return file.getvalue()


def test_the_file_has_the_shape_that_is_promised() -> None:
    document = json.loads(to_json(describe(), [CLEAN]))
    assert list(document) == ["machine", "results"]
    assert [list(result) for result in document["results"]] == [RESULT_KEYS]
    assert document["results"][0]["server_cpu"] is None


def test_the_machine_names_hardware_system_and_libraries() -> None:
    machine = describe()
    assert machine.cpu
    assert machine.cores >= 1
    assert machine.memory_mb > 0
    assert machine.kernel
    assert machine.python.startswith("3.")
    assert {"fastapi", "uvicorn", "websockets", "httpx"} <= set(machine.libraries)


def test_a_clean_outcome_exits_with_0_and_any_fault_with_1() -> None:
    assert Outcome([CLEAN]).exit_code == Exit.CLEAN
    for faulty in (
        replace(CLEAN, lost=1),
        replace(CLEAN, duplicated=1),
        replace(CLEAN, out_of_order=1),
    ):
        assert Outcome([CLEAN, faulty]).exit_code == Exit.UNCLEAN


def test_a_client_over_nine_tenths_of_a_core_is_marked() -> None:
    cells = dict(rows([CLEAN, replace(CLEAN, client_cpu=0.91)]))["client CPU"]
    assert cells == ["50% of a core", "91% of a core (client-bound)"]


def test_a_terminal_gets_a_table_within_eighty_columns() -> None:
    text = shown(Outcome([CLEAN, CLEAN]), terminal=True)
    assert "─" in text
    assert max(map(len, text.splitlines())) <= 80


def test_elsewhere_there_are_plain_lines() -> None:
    text = shown(Outcome([CLEAN]), terminal=False)
    assert "─" not in text
    assert "deliveries/s    60,000\n" in text
    assert "server CPU      -\n" in text


def test_the_machine_stands_under_the_figures_and_the_notes_under_it() -> None:
    text = shown(Outcome([CLEAN], ["a remark"]), terminal=False)
    assert text.index("out of order") < text.index("A CPU, 2 cores") < text.index("note: a remark")


def test_where_connections_ended_the_verdict_does_not_speak_of_everybody() -> None:
    assert "everybody" in verdict(Outcome([CLEAN]))
    cut = replace(CLEAN, ended=3)
    for outcome in (Outcome([CLEAN, cut]), Outcome([cut], compared=True)):
        assert verdict(outcome).endswith("to whoever was still connected")
    theirs = Outcome([CLEAN, replace(cut, peer="bun")], compared=True)
    assert verdict(theirs).endswith("to everybody")


@pytest.mark.parametrize("terminal", [True, False])
def test_what_a_server_said_is_told_as_it_is(*, terminal: bool) -> None:
    said = "nginx: [emerg] no [/path] here"
    assert f"note: {said}" in shown(Outcome([CLEAN], [said]), terminal=terminal)


def test_the_verdict_is_the_last_line() -> None:
    assert shown(Outcome([CLEAN]), terminal=False).splitlines()[-1].startswith("clean")
    faulty = Outcome([replace(CLEAN, lost=3)])
    assert shown(faulty, terminal=False).splitlines()[-1].startswith("NOT CLEAN")


def test_a_comparison_without_tandem_says_nothing_of_it() -> None:
    theirs = replace(CLEAN, peer="other")
    assert verdict(Outcome([theirs], compared=True)) == "nothing of tandem was measured"
    assert verdict(Outcome([theirs, CLEAN], compared=True)).startswith("clean: tandem delivered")
