"""Several servers side by side: one row each, medians of the rounds, beside Tandem."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from load.report import OURS, OVERLOADED, SIGNED_IN, UNFINISHED, Result


@dataclass(frozen=True)
class Column:
    """One figure of the results of one scenario; `compared`: with its ratio to Tandem's, `highest`:
    0 in a round in which not even the lowest rate was kept up with.
    """

    title: str
    scenario: str
    figure: Callable[[Result], float | None]
    form: str
    compared: bool = False
    wide: bool = False
    """Left out where there is little room."""
    highest: bool = False


@dataclass(frozen=True)
class Comparison:
    """Cells, the first of each row the peer's name. `bars`: the main figure by peer."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    bars: Mapping[str, float]
    bars_title: str = ""


COUNT = ",.0f"
COLUMNS = (
    Column(
        *("most deliveries/s", "saturate", lambda it: it.deliveries_per_s, COUNT),
        compared=True,
        highest=True,
    ),
    Column("events/s", "saturate", lambda it: it.rate, COUNT, wide=True, highest=True),
    Column("p99 ms", "saturate", lambda it: it.p99_ms, ",.1f", wide=True),
    Column("p50 ms at half", "half", lambda it: it.p50_ms, ",.1f"),
    Column("p99 ms at half", "half", lambda it: it.p99_ms, ",.1f"),
    Column("deliveries/s", "fanout", lambda it: it.deliveries_per_s, COUNT, compared=True),
    Column("p50 ms", "fanout", lambda it: it.p50_ms, ",.1f"),
    Column("p99 ms", "fanout", lambda it: it.p99_ms, ",.1f"),
    Column("server CPU", "fanout", lambda it: it.server_cpu, ".0%"),
    Column(
        "connects/s", "connect", lambda it: it.extra.get("connects_per_s"), COUNT, compared=True
    ),
    Column("µs CPU each", "connect", lambda it: it.extra.get("server_us_per_connect"), COUNT),
    Column(
        "bytes each", "idle", lambda it: it.extra.get("bytes_per_connection"), COUNT, compared=True
    ),
)


def compare(results: Sequence[Result], *, narrow: bool = False) -> Comparison:
    """Peers in the order of their main figure, the highest first, by their medians.

    One that signed in besides has a second row for it, to stand beside Tandem's only one.
    Medians of several rounds stand with the lowest and the highest; `narrow`: of the main figure.
    Who had fewer rounds than another, as some failed or ended early, says so.
    """
    results = [_row_of(each) for each in results]
    played = {each.scenario for each in results}
    columns = [column for column in COLUMNS if column.scenario in played]
    columns = [column for column in columns if not (narrow and column.wide)]
    by_peer: dict[str, list[Result]] = {}
    for each in results:
        by_peer.setdefault(each.peer, []).append(each)
    main = next((column for column in columns if column.compared), None)
    found = {peer: _middle(main, mine) for peer, mine in by_peer.items()} if main else {}
    bars = {peer: figure for peer, figure in found.items() if figure is not None}
    peers = sorted(by_peer, key=lambda peer: bars.get(peer, 0.0), reverse=True)
    headers = ["peer", *(title for column in columns for title in _titles(column)), "remarks"]
    ours = by_peer.get(OURS, [])
    rounds = max(map(_rounds, by_peer.values()), default=0)
    rows = [
        [
            peer,
            *_cells(columns, by_peer[peer], ours, narrow=narrow),
            "; ".join(_remarks(by_peer[peer], rounds)),
        ]
        for peer in peers
    ]
    shown = {peer: bars[peer] for peer in peers if peer in bars}
    return Comparison(headers, rows, shown, main.title if main else "")


def _row_of(result: Result) -> Result:
    if result.scenario != SIGNED_IN:
        return result
    return replace(result, peer=f"{result.peer}, signed in", scenario="connect")


def to_markdown(comparison: Comparison) -> str:
    """A table for a README; figures to the right."""
    rule = ["---", *("---:" for _ in comparison.headers[1:-1]), "---"]
    lines = [comparison.headers, rule, *comparison.rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _titles(column: Column) -> list[str]:
    return [column.title, "x tandem"] if column.compared else [column.title]


def _cells(
    columns: Sequence[Column], mine: Sequence[Result], ours: Sequence[Result], *, narrow: bool
) -> Iterator[str]:
    for column in columns:
        figures = _figures(column, mine)
        yield _spread(figures, column.form, whole=column.compared or not narrow)
        if column.compared:
            one, other = _middle(column, mine), _middle(column, ours)
            yield f"{one / other:.2f}" if one is not None and other else "-"


def _spread(figures: Sequence[float], form: str, *, whole: bool) -> str:
    """The median and, if the whole is wanted, from where to where the rounds went."""
    if not figures:
        return "-"
    middle, lowest, highest = (f"{f(figures):{form}}" for f in (median, min, max))
    return middle if len(figures) == 1 or not whole else f"{middle} ({lowest}…{highest})"


def _figures(column: Column, results: Sequence[Result]) -> list[float]:
    found = (column.figure(each) for each in results if each.scenario == column.scenario)
    figures = [figure for figure in found if figure is not None]
    return figures + [0.0] * _overloaded(results) if figures and column.highest else figures


def _middle(column: Column, results: Sequence[Result]) -> float | None:
    figures = _figures(column, results)
    return median(figures) if figures else None


def _overloaded(results: Sequence[Result]) -> int:
    return sum(each.scenario == OVERLOADED for each in results)


def _rounds(results: Sequence[Result]) -> int:
    """In which there was a main figure, or an attempt at one."""
    counted = (*(column.scenario for column in COLUMNS if column.compared), OVERLOADED)
    return sum(each.scenario in counted for each in results)


def _remarks(results: Sequence[Result], rounds: int) -> Iterator[str]:
    """`rounds`: how many there were of the others."""
    mine, overloaded = _rounds(results), _overloaded(results)
    if mine < rounds:
        yield f"{mine} of {rounds} rounds"
    if overloaded:
        yield "did not keep up" + f" in {overloaded} of {mine}" * (overloaded < mine)
    for each in results:
        if each.scenario == UNFINISHED:
            yield f"a search ended early at {each.deliveries_per_s:,.0f} deliveries/s"
    bound = [each for each in results if each.client_bound]
    if bound:
        yield "client-bound" if len(bound) == len(results) else f"{_names(bound)} client-bound"
    for count, word in (
        (sum(each.lost for each in results), "lost"),
        (sum(each.duplicated for each in results), "repeated"),
        (sum(each.out_of_order for each in results), "out of order"),
        (sum(each.ended for each in results), "ended early"),
        (sum(each.missed for each in results), "missed by these"),
    ):
        if count:
            yield f"{count:,} {word}"


def _names(results: Sequence[Result]) -> str:
    return ", ".join(sorted({each.scenario for each in results}))
