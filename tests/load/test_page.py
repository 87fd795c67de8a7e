"""The HTML page: whole in itself, and honest where there is nothing to draw."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from load.histogram import Histogram
from load.machine import Machine
from load.page import Page
from load.plot import bars, linear, logarithmic
from load.plots import curve
from load.report import Outcome, Result
from tests.load.test_report import CLEAN

MACHINE = Machine("A <CPU>", 2, 25_000, "Linux 6", "3.11.7")


def delivered(**changes: object) -> Result:
    latencies = Histogram()
    for each in range(1, 1001):
        latencies.record(each * 100)
    result = replace(CLEAN, latencies=latencies, series=[(0.25, 900.0), (0.5, 1_100.0)])
    return replace(result, **changes)  # type: ignore[arg-type]


def page(*results: Result, compared: bool = False) -> str:
    return Page(
        "python -m load x --html 'a b'", MACHINE, Outcome([*results], [], compared)
    ).render()


def plots(text: str) -> list[ET.Element]:
    """Those that it holds, read as the XML that they are."""
    return [ET.fromstring(each) for each in re.findall(r"<svg.*?</svg>", text)]  # noqa: S314 - ours


def titles(text: str) -> list[str]:
    return re.findall(r"<h3>(.*?)</h3>", text)


def test_it_asks_no_other_host_for_anything() -> None:
    assert not re.search(r"https?:|//[a-z]|<script|<link|@import|url\(", page(delivered()))


def test_machine_and_command_stand_at_the_top_and_are_escaped() -> None:
    text = page(delivered())
    assert text.index("A &lt;CPU&gt;") < text.index("<table>")
    assert text.index("python -m load x") < text.index("<table>")


def test_latency_and_throughput_are_drawn_with_a_line_for_each_result() -> None:
    text = page(delivered(scenario="one"), delivered(scenario="two"))
    assert titles(text) == ["Latency, ms", "Deliveries a second"]
    assert [len(each.findall("polyline")) for each in plots(text)] == [2, 2]
    assert '<i class="s2"></i>two' in text


def test_where_nothing_was_delivered_it_says_so_and_draws_nothing() -> None:
    text = page(replace(CLEAN, deliveries_per_s=0.0))
    assert "Nothing was delivered" in text
    assert plots(text) == []


def test_cost_is_drawn_against_growth() -> None:
    grown = [
        delivered(connections=size, extra={"server_us_per_delivery": 2.0}) for size in (50, 500)
    ]
    text = page(*grown)
    assert titles(text)[0].startswith("Server CPU for a delivery")
    assert len(plots(text)[0].findall("circle")) == 2
    assert "500 connections" in text


def test_a_comparison_has_a_bar_for_each_server_and_tandem_stands_out() -> None:
    text = page(
        delivered(scenario="saturate"), delivered(scenario="saturate", peer="b"), compared=True
    )
    assert [each.get("class") for each in plots(text)[0].findall("rect")] == ["bar s1", "bar grey"]


def test_of_a_comparison_the_latencies_are_those_at_half_of_the_highest_rate() -> None:
    text = page(
        *(delivered(scenario=name, peer="tandem") for name in ("saturate", "half")), compared=True
    )
    assert titles(text)[1:] == ["Latency, ms", "Deliveries a second"]
    assert [len(each.findall("polyline")) for each in plots(text)[1:]] == [1, 1]


@pytest.mark.parametrize("highest", [0.0, 0.003, 1, 7, 999, 12_345, 3_000_000])
def test_a_linear_axis_holds_its_highest_value(highest: float) -> None:
    axis = linear("x", highest)
    assert 0 <= axis.share(highest) <= 1
    assert 2 <= len(axis.ticks) <= 7


def test_an_axis_that_ends_at_a_value_has_no_tick_beyond_it() -> None:
    axis = linear("seconds", 10.004).up_to(10.004)
    assert axis.share(10.004) == 1
    assert [text for _, text in axis.ticks] == ["0", "5", "10"]


def test_the_throughput_is_drawn_over_the_whole_width() -> None:
    text = page(delivered(series=[(5.0, 900.0), (10.004, 1_100.0)]))
    (line,) = plots(text)[1].findall("polyline")
    assert (line.get("points") or "").split()[-1].startswith("398.0,")


def test_the_longest_name_beside_a_bar_has_room() -> None:
    name = "python-socketio, signed in"
    (plot,) = plots(bars({"bun": 2.0, name: 1.0}, "most", marked="bun"))
    ends = [each.get("x") for each in plot.findall("text") if each.text == name]
    assert [float(end or 0) >= len(name) * 6.5 for end in ends] == [True]


@pytest.mark.parametrize(("lowest", "highest"), [(1, 1), (0.02, 3), (50, 10_000)])
def test_a_logarithmic_axis_holds_both_ends(lowest: float, highest: float) -> None:
    axis = logarithmic("x", lowest, highest)
    assert 0 <= axis.share(lowest) <= axis.share(highest) <= 1


def test_the_curve_of_latencies_ends_at_the_largest() -> None:
    points = curve(delivered().latencies)
    assert points[-1][0] == pytest.approx(3.0)
    assert points[-1][1] == 100.0
    assert [value for _, value in points] == sorted(value for _, value in points)
    assert dict(points)[1.0] == pytest.approx(90.0, rel=0.01)


def test_one_delivery_is_a_curve_too() -> None:
    single = Histogram()
    single.record(5_000)
    assert curve(single)[-1][1] == 5.0
