"""A row for each server, beside Tandem."""

from dataclasses import replace

from load.comparison import compare, to_markdown
from load.errors import Exit
from load.report import OVERLOADED, SIGNED_IN, UNFINISHED, Outcome, Result
from tests.load.test_report import CLEAN


def result(peer: str, per_second: float, scenario: str = "saturate") -> Result:
    return replace(CLEAN, peer=peer, scenario=scenario, deliveries_per_s=per_second)


def row(peer: str, *results: Result, narrow: bool = False) -> dict[str, str]:
    found = compare(results, narrow=narrow)
    cells = next(cells for cells in found.rows if cells[0] == peer)
    return dict(zip(found.headers, cells, strict=True))


OURS = result("tandem", 1_000)


def test_the_ratio_is_that_to_tandem() -> None:
    assert row("other", OURS, result("other", 250))["x tandem"] == "0.25"


def test_without_tandem_there_is_no_ratio() -> None:
    assert row("other", result("other", 250))["x tandem"] == "-"


def test_several_rounds_are_told_by_their_median_and_range() -> None:
    found = row("tandem", *(result("tandem", each) for each in (900, 1_000, 1_400)))
    assert found["most deliveries/s"] == "1,000 (900…1,400)"
    assert found["p99 ms"] == "3.0 (3.0…3.0)"


def test_where_there_is_little_room_only_the_main_figure_has_a_range() -> None:
    rounds = [result("tandem", 900), result("tandem", 1_000, "half"), result("tandem", 1_100)]
    found = row("tandem", *rounds, narrow=True)
    assert found["most deliveries/s"] == "1,000 (900…1,100)"
    assert found["p99 ms at half"] == "3.0"
    assert "p99 ms" not in found


def test_who_delivers_most_stands_first() -> None:
    found = compare([result("slow", 10), OURS, result("fast", 5_000)])
    assert [cells[0] for cells in found.rows] == ["fast", "tandem", "slow"]
    assert list(found.bars.values()) == [5_000, 1_000, 10]


def test_a_server_that_kept_up_with_no_rate_has_no_figure_and_says_so() -> None:
    found = compare([OURS, result("other", 250, OVERLOADED)])
    assert found.rows[1][1] == "-"
    assert found.rows[1][-1] == "did not keep up"
    assert list(found.bars) == ["tandem"]


def test_a_round_in_which_no_rate_was_kept_up_with_counts_as_none() -> None:
    failed = [result("other", 250, OVERLOADED)] * 2
    found = row("other", *[OURS] * 3, *failed, result("other", 600))
    assert found["most deliveries/s"] == "0 (0…600)"
    assert found["x tandem"] == "0.00"
    assert found["p99 ms"] == "3.0"
    assert found["remarks"] == "did not keep up in 2 of 3"


def test_rounds_that_failed_are_missed() -> None:
    found = compare([OURS, OURS, OURS, result("other", 600)])
    assert [cells[-1] for cells in found.rows] == ["", "1 of 3 rounds"]


def test_a_search_that_ended_early_is_in_no_median_but_in_the_remarks() -> None:
    broken = result("other", 90_000, UNFINISHED)
    found = compare([OURS, OURS, OURS, result("other", 200), result("other", 300), broken])
    cells = next(cells for cells in found.rows if cells[0] == "other")
    assert cells[1] == "250 (200…300)"
    told = "2 of 3 rounds; a search ended early at 90,000 deliveries/s"
    assert cells[-1] == told
    assert told in to_markdown(found)


def test_connections_that_ended_are_shown_with_what_they_missed() -> None:
    cut = replace(result("other", 250), ended=2, missed=40)
    assert row("other", OURS, cut)["remarks"] == "2 ended early; 40 missed by these"


def test_client_bound_results_are_marked_and_others_are_not() -> None:
    bound = replace(OURS, client_cpu=0.95)
    half = replace(OURS, scenario="half")
    assert row("tandem", OURS)["remarks"] == ""
    assert row("tandem", bound)["remarks"] == "client-bound"
    assert row("tandem", bound, half)["remarks"] == "saturate client-bound"


def test_faults_of_another_server_are_shown_but_decide_nothing() -> None:
    theirs = replace(result("other", 250), lost=3, out_of_order=1)
    assert row("other", OURS, theirs)["remarks"] == "3 lost; 1 out of order"
    assert Outcome([OURS, theirs]).exit_code == Exit.CLEAN
    assert Outcome([replace(OURS, lost=1), theirs]).exit_code == Exit.UNCLEAN


def test_the_markdown_is_a_table_with_figures_to_the_right() -> None:
    head, rule, *body = to_markdown(compare([OURS, result("other", 250)])).splitlines()
    assert head.startswith("| peer | most deliveries/s | x tandem |")
    assert rule.startswith("| --- | ---: |")
    assert body[1].startswith("| other | 250 | 0.25 |")
    assert {line.count("|") for line in (head, rule, *body)} == {head.count("|")}


def test_who_signed_in_besides_has_a_row_for_each_beside_tandems_only_one() -> None:
    def connects(peer: str, per_second: float, scenario: str = "connect") -> Result:
        return replace(CLEAN, peer=peer, scenario=scenario, extra={"connects_per_s": per_second})

    found = compare(
        [connects("tandem", 200), connects("other", 300), connects("other", 100, SIGNED_IN)]
    )
    assert [cells[:3] for cells in found.rows] == [
        ["other", "300", "1.50"],
        ["tandem", "200", "1.00"],
        ["other, signed in", "100", "0.50"],
    ]
